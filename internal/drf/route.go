package drf

import (
	"net/http"
	"strings"

	"latchkey/internal/message"
)

// A Route is one path of a dialect with all its methods.
type Route struct {
	// Path is relative to the mount and ends in a slash: "users/{id}/". Empty is the mount itself.
	Path string
	// Pattern is the path with its mount, by which requests are counted.
	Pattern string
	// Name and Description are what OPTIONS says of the view.
	Name, Description string
	// Endpoints are the methods served, in the order Allow lists them.
	Endpoints []Endpoint
	// Otherwise guards OPTIONS and methods that are not served.
	Otherwise []Permission
	// ID declares the {id} of the path.
	ID Field
	// Viewset routes belong to a DRF router: they have a format suffix (users.json).
	Viewset bool
	// Closed routes want their closing slash in the reference, which redirects to it.
	Closed bool
	// Bare routes are documented without the closing slash, all others with it: where two dialects claim a path, each has the form it documents.
	Bare bool
	// Prefix routes match whatever follows, as djoser's jwt patterns do, which have no end.
	Prefix bool
	// NoAuth routes do not read who is calling; Challenge is then the WWW-Authenticate of their 401s.
	NoAuth    bool
	Challenge string
	// ThrottleScope is DRF's throttle_scope, which ScopedRateThrottle counts by; empty for none.
	ThrottleScope string
	// NamesHead puts HEAD behind OPTIONS in Allow, although it is not served: dj-rest-auth's view of e-mail verification does.
	NamesHead bool
	// NoOptions routes answer OPTIONS as a method they do not serve.
	NoOptions bool
	// Metadata gives what OPTIONS shows of POST and PUT, the request having that method, or nil for nothing. Where Metadata is nil itself, it is what the
	// endpoint reads.
	Metadata func(r *Request) *Serializer

	allowHeader []string
}

// An Endpoint is one method of a route.
type Endpoint struct {
	Method string
	// Permissions must all agree; the first refusal answers.
	Permissions []Permission
	// Hide answers a signed-in caller's refusal with 404, so that the row stays unseen.
	Hide bool
	// Scope names what is counted together where attempts are limited by default; empty for no such limit.
	Scope string
	// Action ends the operation's id in the document, where the method's usual one would not tell it from another's.
	Action string
	// Summary is what the endpoint does, in a few words.
	Summary *message.Text
	// Query are the parameters that the handler takes from the address.
	Query []Field
	// Request is what the body holds; nil where none is read.
	Request *Serializer
	// Answers are those of the handler; without any the method is named in Allow and yet refused. What every view may answer, such as that nobody is signed in, is
	// not among them.
	Answers []Answer
	// Terse leaves the bodies of errors out of the document, where the clients that are generated from it are known not to ask for any.
	Terse  bool
	Handle Handler
}

// An Answer is a status with which an endpoint may answer, and what its body then holds.
type Answer struct {
	Status int
	// Body is what an object has; nil for no body or an empty one, and for the detail of an error.
	Body *Serializer
	// Many says that the body is a list of such objects.
	Many bool
	// Bare says that the body of an error may be a mere list of messages.
	Bare bool
}

// endpoint finds the method's endpoint; HEAD is served where GET is.
func (route *Route) endpoint(method string) (Endpoint, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, e := range route.Endpoints {
		if e.Method == method {
			return e, true
		}
	}
	return Endpoint{}, false
}

func (route *Route) allow() string {
	var methods []string
	head := false
	for _, e := range route.Endpoints {
		methods = append(methods, e.Method)
		head = head || e.Method == http.MethodGet
	}
	if head {
		methods = append(methods, http.MethodHead)
	}
	if !route.NoOptions {
		methods = append(methods, http.MethodOptions)
	}
	if route.NamesHead {
		methods = append(methods, http.MethodHead)
	}
	return strings.Join(methods, ", ")
}

// Routes is a dialect's route table, ready to be matched.
type Routes struct {
	exact    map[string]*Route // by path without its closing slash
	byID     map[string]*Route // by what stands before {id}/
	prefixes []*Route
	all      []*Route // in the table's order
	// Redirect answers a closed route's path without its closing slash by a redirect, as Django's APPEND_SLASH does.
	Redirect bool
}

// A Match is a route found for a path.
type Match struct {
	Route  *Route
	ID     string
	Format string
	// Slash asks for a redirect to the same path with a closing slash.
	Slash bool
	// Documented says that the path has the route's documented form.
	Documented bool
}

// NewRoutes prepares a route table.
func NewRoutes(routes []Route, redirect bool) *Routes {
	t := &Routes{exact: map[string]*Route{}, byID: map[string]*Route{}, Redirect: redirect}
	for i := range routes {
		route := &routes[i]
		t.all = append(t.all, route)
		route.allowHeader = []string{route.allow()}
		key := strings.TrimSuffix(route.Path, "/")
		if before, ok := strings.CutSuffix(key, "{id}"); ok {
			t.byID[before] = route
		} else {
			t.exact[key] = route
		}
		if route.Prefix {
			t.prefixes = append(t.prefixes, route)
		}
	}
	return t
}

// All lists the routes in the table's order.
func (t *Routes) All() []*Route { return t.all }

// Document is the path of a route below its mount as documents write it, with a slash before it.
func (route *Route) Document() string {
	if route.Bare {
		return "/" + strings.TrimSuffix(route.Path, "/")
	}
	return "/" + route.Path
}

// Match finds the route of a path relative to the mount, without the slash before it.
func (t *Routes) Match(path string) (Match, bool) {
	key, slash := strings.CutSuffix(path, "/")
	if path == "" {
		slash = true
	}
	if path == "/" {
		return Match{}, false
	}
	if route, id := t.find(key); route != nil {
		return Match{Route: route, ID: id, Slash: route.Closed && !slash && t.Redirect, Documented: slash != route.Bare}, true
	}
	if base, format, ok := cutFormat(key); ok {
		if route, id := t.find(base); route != nil && route.Viewset {
			return Match{Route: route, ID: id, Format: format}, true
		}
	}
	for _, route := range t.prefixes {
		if strings.HasPrefix(path, strings.TrimSuffix(route.Path, "/")) {
			return Match{Route: route}, true
		}
	}
	return Match{}, false
}

func (t *Routes) find(key string) (*Route, string) {
	if route := t.exact[key]; route != nil {
		return route, ""
	}
	i := strings.LastIndexByte(key, '/')
	before, id := key[:i+1], key[i+1:]
	if route := t.byID[before]; route != nil && id != "" && !strings.Contains(id, ".") {
		return route, id
	}
	return nil, ""
}

// cutFormat splits a format suffix off a path: lower-case letters and digits behind the last dot.
func cutFormat(key string) (base, format string, ok bool) {
	i := strings.LastIndexByte(key, '.')
	if i < 0 || i == len(key)-1 {
		return "", "", false
	}
	for _, c := range []byte(key[i+1:]) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return "", "", false
		}
	}
	return key[:i], key[i+1:], true
}
