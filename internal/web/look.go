package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

//go:embed templates files
var builtin embed.FS

const (
	layoutFile = "layout.html" // around every page
	formFile   = "form.html"   // the forms of all
	styleFile  = "style.css"
	iconFile   = "icon.svg"
)

// Data is what a template sees.
type Data struct {
	// Page is the template's name.
	Page string
	// Site is what the site is called. Logo is the address of its logo, empty without one; Icon and Style are addresses too.
	Site, Logo, Icon, Style string
	// Paths are the addresses of the pages that there are, by name: account, sign-in, sign-up, forgot-password, profile …
	Paths map[string]string
	// Username and Email are those of who is signed in; SignedIn says that somebody is.
	SignedIn        bool
	Username, Email string
	// Form is what the page asks for; nil for a page that asks nothing.
	Form *Form
	// Address is the e-mail address that the page is about.
	Address string
	// What says which of its outcomes a page shows.
	What string
	// Errors are those of the page itself.
	Errors []string
}

// A look is how the pages look: templates for each language, and files.
type look struct {
	sources map[string]string // the templates' texts by file name
	// shown are the templates in a language, by its code and the page's name: parsed when the page is first shown in it, for all of them in all languages are
	// more than the rest of an idle server holds.
	shown sync.Map
	files map[string]http.Handler
	style string
	icon  string
	logo  string
}

// newLook reads the templates and the logo, and where templates are the operator's own tries every page.
func newLook(p *Pages) (*look, error) {
	files, err := templateFiles(p.Config.Templates)
	if err != nil {
		return nil, err
	}
	l := &look{sources: files, files: map[string]http.Handler{}}
	style := files[styleFile] + p.Config.Colours.sheet()
	l.style = p.add(l, styleFile, "text/css; charset=utf-8", []byte(style))
	l.icon = p.add(l, iconFile, "image/svg+xml", []byte(files[iconFile]))
	if p.Config.Logo != "" {
		kind, image, err := readLogo(p.Config.Logo)
		if err != nil {
			return nil, err
		}
		l.logo = p.add(l, "logo"+filepath.Ext(p.Config.Logo), kind, image)
		l.icon = l.logo
	}
	if p.Config.Templates == "" {
		return l, nil
	}
	return l, l.try()
}

// templateFiles are the built-in files by name, with those of a folder in their place. Names that begin with a dot are passed over: editors and Kubernetes volumes
// leave some.
func templateFiles(dir string) (map[string]string, error) {
	files := map[string]string{}
	err := fs.WalkDir(builtin, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := builtin.ReadFile(name)
		files[path.Base(name)] = string(text)
		return err
	})
	if err != nil || dir == "" {
		return files, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("pages.templates: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if _, known := files[name]; !known {
			return nil, fmt.Errorf("pages.templates: %s takes the place of no built-in file; there are %s",
				filepath.Join(dir, name), strings.Join(slices.Sorted(maps.Keys(files)), ", "))
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("pages.templates: %w", err)
		}
		files[name] = string(text)
	}
	return files, nil
}

// maxLogo bounds the logo, which every visitor loads.
const maxLogo = 1 << 20

// images are the kinds of files that a logo may be.
var images = map[string]string{
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif",
}

func readLogo(file string) (kind string, image []byte, err error) {
	kind, known := images[strings.ToLower(filepath.Ext(file))]
	if !known {
		return "", nil, fmt.Errorf("pages.logo: %s is no image that browsers show; write an .svg, .png, .jpg, .webp or .gif", file)
	}
	if image, err = os.ReadFile(file); err != nil {
		return "", nil, fmt.Errorf("pages.logo: %w", err)
	}
	if len(image) > maxLogo {
		return "", nil, fmt.Errorf("pages.logo: %s has %d bytes, and every visitor would load them; make it smaller than %d", file, len(image), maxLogo)
	}
	return kind, image, nil
}

// add serves a file, and is its address: which changes with its content, so that browsers keep it as long as they like.
func (p *Pages) add(l *look, name, kind string, content []byte) string {
	l.files[name] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Content-Length", strconv.Itoa(len(content)))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox") // an SVG that is opened by itself runs nothing
		if r.Method == http.MethodGet {
			_, _ = w.Write(content) // a client that is gone is nobody's error
		}
	})
	return p.path(name) + "?v=" + tokens.Digest(string(content))[:12]
}

// sheet sets the colours, behind the style sheet.
func (c Colours) sheet() string {
	return fmt.Sprintf(":root { --accent: %s; --on-accent: %s; }\n@media (prefers-color-scheme: dark) { :root { --accent: %s; --on-accent: %s; } }\n",
		c.Accent, on(c.Accent), c.AccentDark, on(c.AccentDark))
}

// try shows every page of a sample, with all that it may hold, so that a mistake in a template shows at the start.
func (l *look) try() error {
	var mistakes []error
	for name := range l.sources {
		page, isPage := strings.CutSuffix(name, ".html")
		if !isPage || name == layoutFile || name == formFile {
			continue
		}
		sample := &Data{
			Page: page, Site: "Example", Paths: map[string]string{}, SignedIn: true, Username: "ann", Email: "ann@example.com", Address: "ann@example.com",
			Form: &Form{Errors: []string{"no"}, Inputs: []Input{{Name: "email", Type: "email", Errors: []string{"no"}}, {Name: "terms", Type: "checkbox"}}},
		}
		bare := &Data{Page: page, Form: &Form{}, Paths: map[string]string{"sign-in": "/", "account": "/"}}
		shown, err := l.parse(nil, page)
		if err == nil {
			err = errors.Join(shown.Execute(io.Discard, sample), shown.Execute(io.Discard, bare))
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("pages.templates: %w", err))
		}
	}
	return errors.Join(mistakes...)
}

// parse reads a page's template in a language.
func (l *look) parse(language *message.Language, page string) (*template.Template, error) {
	all := template.New("pages").Funcs(template.FuncMap(message.Funcs(language)))
	for _, name := range []string{layoutFile, formFile, page + ".html"} {
		if _, err := all.New(name).Parse(l.sources[name]); err != nil {
			return nil, err
		}
	}
	return all.Lookup(layoutFile), nil
}

// in is a page's template in a language.
func (l *look) in(language *message.Language, page string) (*template.Template, error) {
	key := language.Code() + " " + page
	if shown, ok := l.shown.Load(key); ok {
		return shown.(*template.Template), nil
	}
	parsed, err := l.parse(language, page)
	if err != nil {
		return nil, err
	}
	shown, _ := l.shown.LoadOrStore(key, parsed)
	return shown.(*template.Template), nil
}

// data is what every page shows.
func (v *visit) data(page string) *Data {
	l := v.p.look
	data := &Data{Page: page, Site: v.p.Config.Name, Logo: l.logo, Icon: l.icon, Style: l.style, Paths: v.p.paths, Address: v.email}
	if data.Site == "" {
		if site, err := v.p.Accounts.SiteNow(v.r.Context()); err == nil { // without a name the page does as well
			data.Site = site.Name
		}
	}
	if v.user != nil {
		data.SignedIn, data.Username, data.Email = true, userName(v.user), v.user.Email
	}
	return data
}

func userName(u *store.User) string {
	if u.Username != "" {
		return u.Username
	}
	return u.Email
}

// show writes a page.
func (v *visit) show(status int, data *Data) error {
	shown, err := v.p.look.in(message.From(v.r.Context()), data.Page)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := shown.Execute(&b, data); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(b.Bytes()) // a client that is gone is nobody's error
	}
	return nil
}
