package message

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/vorlif/spreak/catalog/po"
	"github.com/vorlif/spreak/catalog/poplural"
)

//go:generate go run ./extract

// English is left out: its catalogue says what the code says.
//
//go:embed locale/[^e]*/*/latchkey.po locale/e[^n]*/*/latchkey.po
var builtin embed.FS

// The names of the catalogues: of the built-in ones, and of those that a Django project has.
const (
	ownFile    = "latchkey.po"
	djangoFile = "django.po"
)

// builtIn are the languages that are built in, once for the whole program. The catalogue of one is read when something is first said in it, for few servers are
// asked for more than two or three. English has two variants in Django, which say the same here.
var builtIn = sync.OnceValues(func() (map[string]*Language, error) {
	languages := map[string]*Language{}
	for _, code := range []string{"en", "en-au", "en-gb"} {
		languages[code] = &Language{code: code, messages: func() map[string]translation { return nil }}
	}
	locales, err := builtin.ReadDir("locale")
	for _, locale := range locales {
		code := codeOf(locale.Name())
		languages[code] = &Language{code: code, messages: sync.OnceValue(func() map[string]translation {
			return mustRead(path.Join("locale", locale.Name(), "LC_MESSAGES", ownFile))
		})}
	}
	return languages, err
})

// mustRead reads a built-in catalogue.
func mustRead(file string) map[string]translation {
	text, err := builtin.ReadFile(file)
	var messages map[string]translation
	if err == nil {
		messages, err = parse(string(text))
	}
	if err != nil {
		panic("message: the built-in " + file + " is damaged: " + err.Error())
	}
	return messages
}

// Load reads the catalogues: the built-in ones, and over them those of Django's LOCALE_PATHS, of which the first one counts most. A path holds folders as
// Django has them, <locale>/LC_MESSAGES/django.po. All mistakes are told at once, each with its file and where it can be said its line.
func Load(paths []string) (Languages, error) {
	own, err := builtIn()
	if err != nil {
		return nil, err
	}
	languages := make(map[string]*Language, len(own))
	for code, l := range own {
		languages[code] = l
	}
	var mistakes []error
	for _, dir := range slices.Backward(paths) {
		layer := map[string]*Language{}
		if err := read(layer, os.DirFS(dir), dir); err != nil {
			mistakes = append(mistakes, err)
		}
		for code, over := range layer {
			languages[code] = overlay(languages[code], over)
		}
	}
	all := make(Languages, 0, len(languages))
	for _, l := range languages {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *Language) int { return cmp.Compare(a.code, b.code) })
	return all, errors.Join(mistakes...)
}

// overlay is a language with another one's messages over its own.
func overlay(below, above *Language) *Language {
	if below == nil {
		return above
	}
	return &Language{code: above.code, own: below.own || above.own, messages: sync.OnceValue(func() map[string]translation {
		both := map[string]translation{}
		maps.Copy(both, below.messages())
		maps.Copy(both, above.messages())
		return both
	})}
}

// read adds a project's catalogues, of a folder of locales, to languages. name is the folder in messages about mistakes.
func read(languages map[string]*Language, folder fs.FS, name string) error {
	locales, err := fs.ReadDir(folder, ".")
	if err != nil {
		return fmt.Errorf("%s: %w", name, reason(err))
	}
	var mistakes []error
	for _, locale := range locales {
		if locale.Type().IsRegular() {
			continue
		}
		inside := path.Join(locale.Name(), "LC_MESSAGES", djangoFile)
		data, err := fs.ReadFile(folder, inside)
		if errors.Is(err, fs.ErrNotExist) {
			if compiled := strings.TrimSuffix(inside, ".po") + ".mo"; exists(folder, compiled) {
				mistakes = append(mistakes, fmt.Errorf("%s: the compiled catalogue is not read; put %s beside it", path.Join(name, compiled), djangoFile))
			}
			continue
		}
		code := codeOf(locale.Name())
		var messages map[string]translation
		if err == nil {
			messages, err = parse(string(data))
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", path.Join(name, inside), reason(err)))
			continue
		}
		languages[code] = overlay(languages[code], &Language{code: code, own: true, messages: func() map[string]translation { return messages }})
	}
	return errors.Join(mistakes...)
}

func exists(folder fs.FS, name string) bool {
	_, err := fs.Stat(folder, name)
	return err == nil
}

// reason leaves out the path that an error of the file system names, since it is told by whoever asked.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// codeOf is the language of a folder's name: pt_BR is pt-br, zh_Hans zh-hans.
func codeOf(locale string) string { return strings.ToLower(strings.ReplaceAll(locale, "_", "-")) }

// Locale is the name of a language's folder, as Django spells it.
func Locale(code string) string {
	language, variant, _ := strings.Cut(strings.ToLower(code), "-")
	switch {
	case variant == "":
		return language
	case len(variant) > 2:
		return language + "_" + strings.ToUpper(variant[:1]) + variant[1:]
	}
	return language + "_" + strings.ToUpper(variant)
}

var unreadable = regexp.MustCompile(`^po file could not be parsed: line (\d+) `)

// located shows the line that could not be read: the parser tells its number, and then the text of the next one.
func located(err error, text string) error {
	found := unreadable.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	number, _ := strconv.Atoi(found[1]) // digits they are
	lines := strings.Split(text, "\n")
	return fmt.Errorf("line %d cannot be read: %s", number, strings.TrimSpace(lines[min(max(number, 1), len(lines))-1]))
}

// parse reads a catalogue. What is fuzzy or empty counts as not translated, and so does what says the same as the code.
func parse(text string) (map[string]translation, error) {
	if !utf8.ValidString(text) {
		valid := len(text) - len(strings.TrimLeftFunc(text, func(r rune) bool { return r != utf8.RuneError }))
		return nil, fmt.Errorf("line %d is not in UTF-8", 1+strings.Count(text[:valid], "\n"))
	}
	file, err := po.ParseString(text)
	if err != nil {
		return nil, located(err, text)
	}
	rule := cmp.Or(strings.TrimSuffix(strings.TrimSpace(file.Header.PluralForms), ";"), "nplurals=2; plural=(n != 1)") // gettext's own default
	plural, err := poplural.Parse(rule + ";")
	if err != nil {
		return nil, fmt.Errorf("Plural-Forms: %w", err)
	}
	messages := map[string]translation{}
	for id, m := range file.Messages[""] {
		if m.Comment.HasFlag("fuzzy") {
			continue
		}
		if m.IDPlural == "" {
			if form := m.Str[0]; form != "" && form != id {
				messages[id] = translation{forms: []string{form}}
			}
			continue
		}
		forms := make([]string, plural.NPlurals)
		for i := range forms {
			forms[i] = m.Str[i]
		}
		if slices.Contains(forms, "") || slices.Equal(forms, []string{id, m.IDPlural}) {
			continue
		}
		messages[id] = translation{forms, plural.FormFunc}
	}
	return messages, nil
}
