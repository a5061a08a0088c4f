package drf

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SameSite is a cookie's SameSite attribute: Lax, Strict or None, or empty (null or false in a file) for no attribute.
type SameSite string

// A Cookie is how Django sets a cookie: the SESSION_COOKIE_* settings or their like.
type Cookie struct {
	Name, Domain, Path, SameSite string
	Secure, HTTPOnly             bool
	// Age is how long browsers keep it; 0 lets it go when the browser closes.
	Age time.Duration
}

// Set sends the cookie with a value, in Django's order of attributes.
func (c Cookie) Set(w http.ResponseWriter, value string, now time.Time) {
	var expires time.Time
	if c.Age > 0 {
		expires = now.Add(c.Age)
	}
	c.write(w, value, expires, int(c.Age.Seconds()), c.HTTPOnly, c.Secure)
}

// Delete takes the cookie back, as Django's delete_cookie does: without HttpOnly, and Secure only where browsers insist.
func (c Cookie) Delete(w http.ResponseWriter) {
	secure := strings.HasPrefix(c.Name, "__Secure-") || strings.HasPrefix(c.Name, "__Host-") || strings.EqualFold(c.SameSite, "none")
	c.write(w, `""`, time.Unix(0, 0), 0, false, secure)
}

func (c Cookie) write(w http.ResponseWriter, value string, expires time.Time, age int, httpOnly, secure bool) {
	var b strings.Builder
	b.WriteString(c.Name + "=" + value)
	if c.Domain != "" {
		b.WriteString("; Domain=" + c.Domain)
	}
	if !expires.IsZero() {
		b.WriteString("; expires=" + expires.UTC().Format(http.TimeFormat))
	}
	if httpOnly {
		b.WriteString("; HttpOnly")
	}
	if !expires.IsZero() {
		b.WriteString("; Max-Age=" + strconv.Itoa(age))
	}
	b.WriteString("; Path=" + c.Path)
	if c.SameSite != "" {
		b.WriteString("; SameSite=" + c.SameSite)
	}
	if secure {
		b.WriteString("; Secure")
	}
	header := w.Header()
	// An answer sets a cookie once: what a handler sets takes the place of what was taken back before.
	header["Set-Cookie"] = append(slices.DeleteFunc(header["Set-Cookie"], func(line string) bool { return strings.HasPrefix(line, c.Name+"=") }), b.String())
}

// Value is the cookie's value in a request, empty without one.
func (c Cookie) Value(r *http.Request) string {
	cookie, err := r.Cookie(c.Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}
