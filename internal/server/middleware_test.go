package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/testenv"
)

func TestClientNetwork(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"), netip.MustParsePrefix("127.0.0.1/32")}
	for _, test := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"203.0.113.7:1234", nil, "203.0.113.7"},
		{"[2001:db8:1:2:3:4:5:6]:1234", nil, "2001:db8:1:2::/64"},
		{"[2001:db8:1:2:ffff::]:1234", nil, "2001:db8:1:2::/64"},
		{"[::ffff:203.0.113.7]:1234", nil, "203.0.113.7"},
		{"[fe80::1%eth0]:1234", nil, "fe80::/64"},
		// A client that writes the header itself is counted by its own address.
		{"203.0.113.7:1234", []string{"198.51.100.1"}, "203.0.113.7"},
		{"203.0.113.7:1234", []string{"127.0.0.1, 10.0.0.1"}, "203.0.113.7"},
		// A trusted proxy tells whom it served; what the client put before that is not believed.
		{"10.0.0.1:1234", []string{"203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:1234", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:1234", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:1234", []string{"198.51.100.1,203.0.113.7,10.0.0.2"}, "203.0.113.7"},
		{"10.0.0.1:1234", []string{"10.9.9.9, 203.0.113.7, 10.0.0.3, fd00::2"}, "203.0.113.7"},
		{"[fd00::1]:1234", []string{"2001:db8:1:2::9"}, "2001:db8:1:2::/64"},
		{"[::ffff:10.0.0.1]:1234", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		// Where all are trusted, the outermost is the client.
		{"10.0.0.1:1234", []string{"10.0.0.2, 10.0.0.3"}, "10.0.0.2"},
		// What is no address ends the walk at the last hop that is one.
		{"10.0.0.1:1234", []string{"203.0.113.7, unknown"}, "10.0.0.1"},
		{"10.0.0.1:1234", []string{"unknown, 203.0.113.7"}, "203.0.113.7"},
		{"10.0.0.1:1234", []string{"203.0.113.7, 10.0.0.2, "}, "10.0.0.1"},
		{"10.0.0.1:1234", []string{"203.0.113.7:80"}, "10.0.0.1"},
		{"10.0.0.1:1234", []string{"' OR 1=1 --"}, "10.0.0.1"},
		{"10.0.0.1:1234", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1234", nil, "10.0.0.1"},
		{"@", nil, "@"}, // a socket of this machine
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.peer
		r.Header["X-Forwarded-For"] = test.forwarded
		if got := clientNetwork(trusted)(r); got != test.want {
			t.Errorf("%s with %q: got %s, want %s", test.peer, test.forwarded, got, test.want)
		}
	}
}

func TestHostAllowed(t *testing.T) {
	allowed := []string{"example.com", ".example.org", "127.0.0.1", "::1"}
	for host, want := range map[string]bool{
		"example.com": true, "EXAMPLE.com:8000": true, "example.com.": true, "www.example.com": false, "example.com.evil.test": false, "evil-example.com": false,
		"example.org": true, "www.example.org": true, "a.b.example.org:443": true, "evilexample.org": false,
		"127.0.0.1:8000": true, "[::1]": true, "[::1]:8000": true, "[::2]": false, "localhost": false, "": false, ":8000": false,
	} {
		if got := hostAllowed(host, allowed); got != want {
			t.Errorf("%q: got %v", host, got)
		}
	}
	if !hostAllowed("anything", nil) || !hostAllowed("anything", []string{"example.com", "*"}) {
		t.Error("an open list refuses a host")
	}
}

func TestHostForm(t *testing.T) {
	for host, want := range map[string]bool{
		"example.com": true, "EXAMPLE.com.:8000": true, "127.0.0.1": true, "[::1]": true, "[fe80::1]:80": true,
		"": false, "a_b": false, "a b": false, "a,b": false, "user@a": false, "a:b": false, ":80": false, "[::1": false, "a/b": false, "é": false, "a\n": false,
	} {
		if got := hostForm.MatchString(host); got != want {
			t.Errorf("%q: got %v", host, got)
		}
	}
}

func TestEscapePath(t *testing.T) {
	for path, want := range map[string]string{
		"/auth/users/me": "/auth/users/me", "/a b+c": "/a%20b+c", "/\u00fc%;=?#": "/%C3%BC%25%3B%3D%3F%23", "/:@&$,-_.!~*'()": "/:@&$,-_.!~*'()",
	} {
		if got := escapePath(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestForwardedHostAndScheme(t *testing.T) {
	for _, test := range []struct {
		name    string
		given   map[string]string
		headers map[string]string
		status  int
		users   string
	}{
		{"as it came", nil, nil, 200, "http://api.example.com/auth/users/"},
		{"nobody is believed by default", nil, map[string]string{"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"}, 200, "http://api.example.com/auth/users/"},
		{"a host that is not allowed", map[string]string{"ALLOWED_HOSTS": "[other.example.com]"}, nil, 400, ""},
		{"a forwarded host that is not allowed", map[string]string{"ALLOWED_HOSTS": "[api.example.com]", "USE_X_FORWARDED_HOST": "true"},
			map[string]string{"X-Forwarded-Host": "evil.test"}, 400, ""},
		{"a configured proxy", map[string]string{"ALLOWED_HOSTS": "[.example.com]", "USE_X_FORWARDED_HOST": "true", "SECURE_PROXY_SSL_HEADER": "[HTTP_X_FORWARDED_PROTO, https]"},
			map[string]string{"X-Forwarded-Host": "www.example.com", "X-Forwarded-Proto": "https"}, 200, "https://www.example.com/auth/users/"},
		{"a configured proxy that spoke http", map[string]string{"SECURE_PROXY_SSL_HEADER": "[HTTP_X_FORWARDED_PROTO, https]"},
			map[string]string{"X-Forwarded-Proto": "http"}, 200, "http://api.example.com/auth/users/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, testenv.SQLite(t), test.given)
			r := s.request("GET", "/auth/", "", nil)
			r.Host = "api.example.com"
			for name, value := range test.headers {
				r.Header.Set(name, value)
			}
			a, err := s.send(r)
			if err != nil || a.status != test.status {
				t.Fatalf("got %v, %v", a, err)
			}
			if test.status == 200 && a.field(t, "users") != test.users {
				t.Errorf("got %s", a.body)
			}
		})
	}
}

func TestLanguageIsChosen(t *testing.T) {
	spoken, err := message.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ cookie, accept, fallback, want string }{
		{"", "", "en-us", "en"},
		{"", "", "de", "de"},
		{"", "", "xx", "en"},
		{"", "", "en-gb", "en-gb"},
		{"", "en-GB", "en-us", "en-gb"},
		{"", "en-nz, en-au;q=0.5", "en-us", "en"},
		{"", "xx, en-au;q=0.9, en-gb;q=0.95", "en-us", "en-gb"},
		{"", "en-gb;q=0", "en-us", "en-gb"}, // as Django
		{"", "*", "en-au", "en-au"},
		{"", "xx, *;q=0.9, en-gb;q=0.1", "en-us", "en"},
		{"", "en-gb;q=nonsense", "en-us", "en"},
		{"", "en-gb;q=1.5", "en-us", "en"},
		{"", "ru;q=0.1234", "en-us", "en"},
		{"", "ru ; q=0.5 , de;Q=0.7,", "en-us", "de"},
		{"", "ru,,de", "en-us", "en"},
		{"", "ru,d_e", "en-us", "en"},
		{"", ",,;;=,", "en-us", "en"},
		{"", "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "en-us", "ru"},
		{"", "nl, pt;q=0.8, de;q=0.7", "en-us", "pt-br"}, // of nl there is no catalogue
		{"", "zh-CN", "en-us", "zh-hans"},
		{"", "de-at", "en-us", "de"},
		{"", "en", "ru", "en"},
		{"", "xx", "ru", "ru"},
		{"en-au", "en-gb", "en-us", "en-au"},
		{"uk", "ru", "en-us", "uk"},
		{"xx", "en-gb", "en-us", "en-gb"},
		{"../../etc", "", "en-us", "en"},
		{"", strings.Repeat("xx,", 200) + "ru", "en-us", "en"}, // Django reads 500 letters
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if test.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "django_language", Value: test.cookie})
		}
		if test.accept != "" {
			r.Header.Set("Accept-Language", test.accept)
		}
		fallback, _ := spoken.For(test.fallback)
		if got := choose(spoken, r, fallback); got.Code() != test.want {
			t.Errorf("cookie %q, header %q, fallback %q: got %s, want %s", test.cookie, test.accept, test.fallback, got.Code(), test.want)
		}
	}
}

// Every stage of a request has its bound: a client that sends a byte now and then is gone after a while, and what waits for the database or the hasher
// gives up in time to say so.
func TestEveryStageIsBounded(t *testing.T) {
	s := HTTPServer(nil, slog.Default())
	for what, bound := range map[string]time.Duration{
		"reading the header": s.ReadHeaderTimeout, "reading": s.ReadTimeout, "writing": s.WriteTimeout, "waiting for the next request": s.IdleTimeout,
	} {
		if bound <= 0 || bound > 5*time.Minute {
			t.Errorf("%s is bounded by %v", what, bound)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 1<<20 {
		t.Errorf("headers may have %d bytes", s.MaxHeaderBytes)
	}
	var left time.Duration
	o := Options{Log: slog.New(slog.DiscardHandler), Now: time.Now}
	h := (&Server{}).middleware(load(t, "sqlite://x.db", nil), o, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if end, ok := r.Context().Deadline(); ok {
			left = time.Until(end)
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if left <= 0 || left > s.WriteTimeout {
		t.Errorf("a request may wait for %v, and write for %v", left, s.WriteTimeout)
	}
}

func TestPathsInTheLog(t *testing.T) {
	for path, want := range map[string]string{
		"/":                                   "/",
		"/auth/users/reset_password_confirm/": "/auth/users/reset_password_confirm/",
		"/activate/MQ/cz2x3k-0123456789abcdef01234567":                       "/activate/MQ/…",
		"/account-confirm-email/MQ:1vAbCd:0123456789abcdef0123456789abcdef/": "/account-confirm-email/…/",
	} {
		if got := withoutKeys(path); got != want {
			t.Errorf("%s: got %s", path, got)
		}
	}
}

// The id of a request stands in every line about it, also of loggers that were derived.
func TestLogHandler(t *testing.T) {
	var b lockedBuffer
	log := slog.New(LogHandler{slog.NewTextHandler(&b, nil)}).With("a", 1).WithGroup("g")
	log.InfoContext(account.WithClient(ctx, account.Client{Request: "the-request"}), "said")
	b.await(t, "the-request")
}
