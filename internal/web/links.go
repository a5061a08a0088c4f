package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// A Link is where a mail leads: to a page here, if it names a host that this server is asked under.
type Link struct {
	// Template is a path with {uid} and {token} or {key}, or a whole URL, as the settings have it; empty for a mail that is not sent.
	Template string
	// Domain is the host of a path; empty for that of the site.
	Domain string
	// AnyHost says that the mail leads to whichever host was asked for it, as dj-rest-auth's do.
	AnyHost bool
	// Allauth says that uid and token have allauth's form.
	Allauth bool

	host  string
	path  *regexp.Regexp
	query map[string]*regexp.Regexp
}

var placeholder = regexp.MustCompile(`\\\{(uid|token|key)\\\}`)

// prepare takes the template apart; a link whose secrets stand behind a # is a front end's, for they are sent to no server.
func (l *Link) prepare() {
	whole, err := url.Parse(strings.NewReplacer("{{", "%7B", "}}", "%7D").Replace(l.Template))
	if l.Template == "" || err != nil || whole.Fragment != "" || strings.Contains(l.Template, "{domain}") || strings.Contains(l.Template, "{site_name}") {
		return
	}
	pattern := func(text string) *regexp.Regexp {
		return regexp.MustCompile(`^` + placeholder.ReplaceAllString(regexp.QuoteMeta(text), `(?P<$1>[^/]+)`) + `$`)
	}
	l.host = strings.ToLower(whole.Host)
	l.path, l.query = pattern(strings.Trim(whole.Path, "/")), map[string]*regexp.Regexp{}
	for name, values := range whole.Query() {
		l.query[name] = pattern(values[0])
	}
}

// match reads the secrets off an address.
func (l *Link) match(u *url.URL) (secrets url.Values, ok bool) {
	if l.path == nil {
		return nil, false
	}
	secrets = url.Values{}
	read := func(pattern *regexp.Regexp, text string) bool {
		found := pattern.FindStringSubmatch(text)
		for i, name := range pattern.SubexpNames() {
			if name != "" && found != nil {
				secrets.Set(name, found[i])
			}
		}
		return found != nil
	}
	if !read(l.path, strings.Trim(u.Path, "/")) {
		return nil, false
	}
	for name, pattern := range l.query {
		if !read(pattern, u.Query().Get(name)) {
			return nil, false
		}
	}
	return secrets, true
}

// leadsHere tells whether the mail would lead to the host that a request came to: to another one it is a front end's.
func (p *Pages) leadsHere(r *http.Request, l *Link) (bool, error) {
	host := l.host
	if host == "" {
		if l.AnyHost {
			return true, nil
		}
		if host = strings.ToLower(l.Domain); host == "" {
			site, err := p.Accounts.SiteNow(r.Context())
			if err != nil {
				return false, err
			}
			host = strings.ToLower(site.Domain)
		}
	}
	return host == strings.ToLower(r.Host), nil
}
