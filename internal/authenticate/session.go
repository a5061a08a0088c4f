package authenticate

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/store"
)

// Session is DRF's SessionAuthentication: Django's session cookie, with a CSRF token on unsafe methods.
type Session struct {
	Accounts *account.Service
	Cookie   string
	CSRF     CSRF
}

// CSRF is how Django's cross-site request protection is set up.
type CSRF struct {
	Cookie, Header string
	TrustedOrigins []string
	Secure         func(*http.Request) bool
}

// Challenge is none: a 401 of this method goes out as 403.
func (*Session) Challenge() string { return "" }

// Authenticate finds the session's user. A bad cookie counts as none.
func (s *Session) Authenticate(ctx context.Context, r *http.Request) (*store.User, Via, error) {
	cookie, err := r.Cookie(s.Cookie)
	if err != nil {
		return nil, Via{}, nil
	}
	user, err := s.Accounts.UserOfSession(ctx, cookie.Value)
	if errors.Is(err, account.ErrUserNotFound) {
		return nil, Via{}, nil
	}
	if err != nil {
		return nil, Via{}, err
	}
	if reason := s.CSRF.Check(r); reason != "" {
		return nil, Via{}, &Refused{Detail: "CSRF Failed: " + reason, Forbidden: true}
	}
	return user, Via{Method: "session", Session: cookie.Value}, nil
}

// Check is Django's CSRF check of a request that a cookie signs in: a reason to refuse it, or nothing.
func (c CSRF) Check(r *http.Request) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}, r.Method) {
		return ""
	}
	secure := c.Secure(r)
	if origin := r.Header.Get("Origin"); origin != "" {
		if !c.sameOrigin(origin, r.Host, secure) {
			return "Origin checking failed - " + origin + " does not match any trusted origins."
		}
	} else if secure {
		if reason := c.checkReferer(r); reason != "" {
			return reason
		}
	}
	cookie, err := r.Cookie(c.Cookie)
	if err != nil {
		return "CSRF cookie not set."
	}
	sent := r.Header.Get(c.Header)
	if sent == "" {
		return "CSRF token missing."
	}
	want, ok := unmask(cookie.Value)
	if !ok {
		return "CSRF cookie has incorrect length."
	}
	got, ok := unmask(sent)
	if !ok || subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return "CSRF token from the '" + c.Header + "' HTTP header incorrect."
	}
	return ""
}

func (c CSRF) sameOrigin(origin, host string, secure bool) bool {
	own := "http://" + host
	if secure {
		own = "https://" + host
	}
	return origin == own || c.trusts(origin)
}

func (c CSRF) trusts(origin string) bool {
	return slices.ContainsFunc(c.TrustedOrigins, func(trusted string) bool {
		scheme, host, _ := strings.Cut(trusted, "://")
		if suffix, wild := strings.CutPrefix(host, "*"); wild {
			return strings.HasPrefix(origin, scheme+"://") && strings.HasSuffix(origin, suffix)
		}
		return origin == trusted
	})
}

func (c CSRF) checkReferer(r *http.Request) string {
	referer := r.Referer()
	if referer == "" {
		return "Referer checking failed - no Referer."
	}
	u, err := url.Parse(referer)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "Referer checking failed - Referer is malformed."
	}
	if u.Scheme != "https" {
		return "Referer checking failed - Referer is insecure while host is secure."
	}
	if u.Host != r.Host && !c.trusts("https://"+u.Host) {
		return "Referer checking failed - " + referer + " does not match any trusted origins."
	}
	return ""
}

const csrfLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// unmask takes the mask off a CSRF token: 32 letters are the secret itself, 64 are a mask and the secret shifted by it.
func unmask(token string) (secret string, ok bool) {
	if len(token) == 32 {
		return token, true
	}
	if len(token) != 64 {
		return "", false
	}
	plain := make([]byte, 32)
	for i := range plain {
		mask, masked := strings.IndexByte(csrfLetters, token[i]), strings.IndexByte(csrfLetters, token[i+32])
		if mask < 0 || masked < 0 {
			return "", false
		}
		plain[i] = csrfLetters[(masked-mask+len(csrfLetters))%len(csrfLetters)]
	}
	return string(plain), true
}
