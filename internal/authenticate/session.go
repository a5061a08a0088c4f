package authenticate

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
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

// Authenticate finds the session's user. A bad cookie counts as none, and one whose session is gone is taken back.
func (s *Session) Authenticate(ctx context.Context, r *http.Request) (*store.User, Via, error) {
	cookie, err := r.Cookie(s.Cookie)
	if err != nil {
		return nil, Via{}, nil
	}
	user, err := s.Accounts.UserOfSession(ctx, cookie.Value)
	switch {
	case errors.Is(err, account.ErrNoSession):
		return nil, Via{Method: "session", Gone: true}, nil
	case errors.Is(err, account.ErrUserNotFound):
		return nil, Via{Method: "session"}, nil
	case err != nil:
		return nil, Via{}, err
	}
	if reason := s.CSRF.Check(r); reason != nil {
		return nil, Via{}, &Refused{Detail: message.T("CSRF Failed: {reason}", "reason", reason), Forbidden: true}
	}
	return user, Via{Method: "session", Session: cookie.Value}, nil
}

// Check is Django's CSRF check of a request that a cookie signs in: a reason to refuse it, or nothing.
func (c CSRF) Check(r *http.Request) *message.Text {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}, r.Method) {
		return nil
	}
	secure := c.Secure(r)
	if origin := r.Header.Get("Origin"); origin != "" {
		if !c.sameOrigin(origin, r.Host, secure) {
			return foreignOrigin(origin)
		}
	} else if secure {
		if reason := c.checkReferer(r); reason != nil {
			return reason
		}
	}
	cookie, err := r.Cookie(c.Cookie)
	if err != nil {
		return message.T("CSRF cookie not set.")
	}
	want, fault := unmask(cookie.Value)
	if fault != nil {
		return message.T("CSRF cookie {fault}.", "fault", fault)
	}
	sent, source := formToken(r), message.Verbatim("POST")
	if sent == "" {
		if sent, source = r.Header.Get(c.Header), message.T("the '{header}' HTTP header", "header", c.Header); len(r.Header.Values(c.Header)) == 0 {
			return message.T("CSRF token missing.")
		}
	}
	got, fault := unmask(sent)
	if fault == nil && subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		fault = message.T("incorrect")
	}
	if fault != nil {
		return message.T("CSRF token from {source} {fault}.", "source", source, "fault", fault)
	}
	return nil
}

// maxFormToken is how much of a form is looked through for its CSRF token.
const maxFormToken = 1 << 20

// formToken is the csrfmiddlewaretoken of a form that is posted, empty for none. The body stays to be read.
func formToken(r *http.Request) string {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || media != "application/x-www-form-urlencoded" && media != "multipart/form-data" {
		return ""
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, maxFormToken))
	body := r.Body
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), body), body}
	if err != nil {
		return "" // whoever reads the rest meets the same error
	}
	form := &http.Request{Method: http.MethodPost, Header: r.Header, Body: io.NopCloser(bytes.NewReader(head)), URL: &url.URL{}}
	if err := form.ParseMultipartForm(maxFormToken); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return ""
	}
	return form.PostForm.Get("csrfmiddlewaretoken")
}

var crossOrigin = http.NewCrossOriginProtection()

// Origin refuses a request of another site that the browser's cookies came with, and whose method changes something: by Sec-Fetch-Site, or by Origin where a
// browser sends none. No token is asked for, and programs that are no browsers, which send neither, pass.
func (c CSRF) Origin(r *http.Request) *message.Text {
	origin := r.Header.Get("Origin")
	if origin != "" && c.trusts(origin) {
		return nil
	}
	if err := crossOrigin.Check(r); err == nil {
		return nil
	}
	if origin == "" {
		return message.T("Origin checking failed - the request comes from another site.")
	}
	return foreignOrigin(origin)
}

func foreignOrigin(origin string) *message.Text {
	return message.T("Origin checking failed - {origin} does not match any trusted origins.", "origin", origin)
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

func (c CSRF) checkReferer(r *http.Request) *message.Text {
	referer := r.Referer()
	if referer == "" {
		return message.T("Referer checking failed - no Referer.")
	}
	u, err := url.Parse(referer)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return message.T("Referer checking failed - Referer is malformed.")
	}
	if u.Scheme != "https" {
		return message.T("Referer checking failed - Referer is insecure while host is secure.")
	}
	if u.Host != r.Host && !c.trusts("https://"+u.Host) {
		return message.T("Referer checking failed - {referer} does not match any trusted origins.", "referer", referer)
	}
	return nil
}

const csrfLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// unmask takes the mask off a CSRF token: 32 letters are the secret itself, 64 are a mask and the secret shifted by it. fault says what is wrong with another.
func unmask(token string) (secret string, fault *message.Text) {
	if len(token) != 32 && len(token) != 64 {
		return "", message.T("has incorrect length")
	}
	if strings.Trim(token, csrfLetters) != "" {
		return "", message.T("has invalid characters")
	}
	if len(token) == 32 {
		return token, nil
	}
	plain := make([]byte, 32)
	for i := range plain {
		mask, masked := strings.IndexByte(csrfLetters, token[i]), strings.IndexByte(csrfLetters, token[i+32])
		plain[i] = csrfLetters[(masked-mask+len(csrfLetters))%len(csrfLetters)]
	}
	return string(plain), nil
}

// Token is a CSRF token for a form: the secret of the request's cookie behind a mask that is new each time, as Django writes it. Where there is no good cookie the
// secret is a fresh one, for the caller to set.
func (c CSRF) Token(r *http.Request) (token, fresh string) {
	if cookie, err := r.Cookie(c.Cookie); err == nil {
		if secret, fault := unmask(cookie.Value); fault == nil {
			return mask(secret), ""
		}
	}
	fresh = tokens.NewCSRFSecret()
	return mask(fresh), fresh
}

// mask shifts a secret by as many random letters, and puts those before it.
func mask(secret string) string {
	token := []byte(tokens.NewCSRFSecret() + secret)
	for i := range secret {
		shifted := strings.IndexByte(csrfLetters, token[i]) + strings.IndexByte(csrfLetters, secret[i])
		token[len(secret)+i] = csrfLetters[shifted%len(csrfLetters)]
	}
	return string(token)
}
