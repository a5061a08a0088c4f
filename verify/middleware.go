package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"latchkey/internal/tokens"
)

// A Refused says in SimpleJWT's words why a token is not good; it is the body of a 401.
type Refused struct {
	Detail   string    `json:"detail"`
	Code     string    `json:"code,omitempty"`
	Messages []Message `json:"messages,omitempty"`
}

// A Message is what one type of token had to say.
type Message struct {
	Class   string `json:"token_class"`
	Type    string `json:"token_type"`
	Message string `json:"message"`
}

func (r *Refused) Error() string { return r.Detail }

const invalid = "Token is invalid"

// notValid is a token that is good for none of the types; what was said of it, by type, is that it is invalid where nothing was.
func notValid(types, said []string) *Refused {
	r := &Refused{Detail: "Given token not valid for any token type", Code: "token_not_valid"}
	for i, kind := range types {
		m := Message{Class: classes[kind], Type: kind, Message: said[i]}
		if m.Message == "" {
			m.Message = invalid
		}
		r.Messages = append(r.Messages, m)
	}
	return r
}

// isInvalid tells whether nothing but that is said, so that another key may have more to say.
func isInvalid(err error) bool {
	var r *Refused
	if !errors.As(err, &r) {
		return false
	}
	for _, m := range r.Messages {
		if m.Message != invalid {
			return false
		}
	}
	return len(r.Messages) > 0
}

type contextKey struct{}

// User is the id of the user whose token came with the request; empty where there was none.
func User(ctx context.Context) string {
	if token, ok := ctx.Value(contextKey{}).(*Token); ok {
		return token.UserID
	}
	return ""
}

// Claims are what the token said that came with the request, as in Token; nil where there was none.
func Claims(ctx context.Context) map[string]any {
	if token, ok := ctx.Value(contextKey{}).(*Token); ok {
		return token.Claims
	}
	return nil
}

// Middleware lets requests with a good token pass to next, where User and Claims tell what it says, and answers all others.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := v.request(r)
		switch {
		case err != nil:
			v.refuse(w, err)
		case token != nil:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, token)))
		case v.cfg.Optional:
			next.ServeHTTP(w, r)
		default:
			v.refuse(w, &Refused{Detail: "Authentication credentials were not provided."})
		}
	})
}

// request checks the token of a request; nil where it has none.
func (v *Verifier) request(r *http.Request) (*Token, error) {
	// WSGI servers join all values of a header, and SimpleJWT splits at ASCII white space.
	words := strings.FieldsFunc(strings.Join(r.Header[v.cfg.Header], ","), func(c rune) bool { return c == ' ' || c >= '\t' && c <= '\r' })
	if len(words) == 0 || !v.recognises(words[0]) {
		return nil, nil
	}
	if len(words) != 2 {
		return nil, &Refused{Detail: "Authorization header must contain two space-delimited values", Code: "bad_authorization_header"}
	}
	return v.Token(r.Context(), words[1])
}

// refuse answers 401, or 503 where nothing can be judged yet.
func (v *Verifier) refuse(w http.ResponseWriter, err error) {
	header, status := w.Header(), http.StatusUnauthorized
	var refused *Refused
	if errors.As(err, &refused) {
		header.Set("WWW-Authenticate", v.cfg.HeaderTypes[0]+` realm="api"`)
	} else {
		status, refused = http.StatusServiceUnavailable, &Refused{Detail: "Service temporarily unavailable, try again later."}
		header.Set("Retry-After", "10")
	}
	body, _ := json.Marshal(refused) // texts only: cannot fail
	header.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone by now is nobody's error
}

// decodeClaims reads claims as encoding/json would.
func decodeClaims(claims tokens.Claims) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(claims.AppendJSON(nil)))
	d.UseNumber()
	var all map[string]any
	err := d.Decode(&all)
	if err != nil { // Python writes NaN, which no JSON has
		return nil, &Refused{Detail: "Given token not valid for any token type", Code: "token_not_valid"}
	}
	return all, nil
}
