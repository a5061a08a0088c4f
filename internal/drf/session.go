package drf

import (
	"net/http"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/tokens"
)

// Sessions opens, ends and renews Django's sessions for the dialects, with their cookies.
type Sessions struct {
	Accounts *account.Service
	Cookie   Cookie
	// CSRF is the cookie that a sign-in sets beside it where CsrfViewMiddleware is in use; nil elsewhere.
	CSRF *Cookie
	// Exact makes a session even for a caller who came without one and changes their password.
	Exact bool
	Now   func() time.Time
}

// Open signs into a session; more is what it holds beside the sign-in.
func (s *Sessions) Open(w http.ResponseWriter, r *Request, login account.Login, more ...tokens.Claim) error {
	key, err := s.Accounts.OpenSession(r.Context(), s.Cookie.Value(r.Request), login, more...)
	if err != nil {
		return err
	}
	s.set(w, r, key)
	if s.CSRF != nil {
		s.CSRF.Set(w, tokens.NewCSRFSecret(), s.Now())
	}
	return nil
}

// Note stores something in the caller's session, or in a new one of nobody.
func (s *Sessions) Note(w http.ResponseWriter, r *Request, note ...tokens.Claim) error {
	key, err := s.Accounts.NoteInSession(r.Context(), s.Cookie.Value(r.Request), note...)
	if err == nil {
		s.set(w, r, key)
	}
	return err
}

// Close ends the caller's session and takes its cookie back.
func (s *Sessions) Close(w http.ResponseWriter, r *Request) error {
	r.UsesSession()
	if _, err := r.Cookie(s.Cookie.Name); err != nil {
		return nil
	}
	s.Cookie.Delete(w)
	return s.Accounts.CloseSession(r.Context(), s.Cookie.Value(r.Request))
}

// Renew keeps the caller's session alive over a change of their password.
func (s *Sessions) Renew(w http.ResponseWriter, r *Request) error {
	if !s.Accounts.Store.Apps().Sessions {
		return nil
	}
	r.UsesSession()
	key, err := s.Accounts.RenewSession(r.Context(), s.Cookie.Value(r.Request), r.User)
	if err == nil && key == "" && s.Exact {
		key, err = s.Accounts.NewSession(r.Context(), s.Accounts.SessionHash(r.User))
	}
	if err != nil || key == "" {
		return err
	}
	s.set(w, r, key)
	return nil
}

func (s *Sessions) set(w http.ResponseWriter, r *Request, key string) {
	r.UsesSession()
	s.Cookie.Set(w, key, s.Now())
}
