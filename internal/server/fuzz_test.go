package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// No request that anybody can send fails the server: the answer is never a 5xx.
func FuzzRequest(f *testing.F) {
	log := &lockedBuffer{}
	handlers := map[string]http.Handler{}
	var access string
	for _, profile := range []string{"safe", "exact"} {
		given := with(unlimited, map[string]string{
			"profile": profile, "DJOSER.CREATE_SESSION_ON_LOGIN": "true", "DJOSER.SEND_ACTIVATION_EMAIL": "false", "AUTH_PASSWORD_VALIDATORS": "[]",
			"SIMPLE_JWT.ROTATE_REFRESH_TOKENS": "true", "SIMPLE_JWT.BLACKLIST_AFTER_ROTATION": "true", "hash_queue": "1000",
			"REST_AUTH.USE_JWT": "true",
			"PASSWORD_HASHERS":  "[django.contrib.auth.hashers.PBKDF2PasswordHasher]",
		})
		s, err := New(ctx, load(f, testenv.SQLite(f), given), Options{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: time.Now, Terminal: io.Discard})
		if err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { _ = s.Close() })
		handlers[profile] = s.Handler()
		w := httptest.NewRecorder()
		ask := func(path, body string) string {
			w = httptest.NewRecorder()
			r := httptest.NewRequest("POST", path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			s.Handler().ServeHTTP(w, r)
			return w.Body.String()
		}
		ask("/auth/users/", `{"username":"ann","email":"ann@example.com","password":"`+password+`"}`)
		access = reply{body: ask("/auth/jwt/create/", `{"username":"ann","password":"`+password+`"}`)}.field(f, "access")
	}
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	for _, path := range []string{
		"", "users/", "users/me/", "users/1/", "users/activation/", "users/resend_activation/", "users/set_password/", "users/reset_password/", "users/reset_password_confirm/",
		"users/set_username/", "users/reset_username/", "users/reset_username_confirm/", "token/login/", "token/logout/", "jwt/create/", "jwt/refresh/", "jwt/verify/",
		"jwt/blacklist/", "jwt/sliding/", "jwt/sliding/refresh/",
	} {
		f.Add("POST", "/auth/"+path, jsonType, []byte(`{"username":"ann","password":"x","email":"ann@example.com","uid":"MQ","token":"c-a","refresh":"a.b.c"}`))
		f.Add("PATCH", "/auth/"+path+"?format=json", formType, []byte("username=bob&email=bob%40example.com&current_password=x&new_password=y&new_username=\x00"))
		f.Add("OPTIONS", "/auth/"+path, "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\nx\r\n--b--"))
	}
	for _, path := range []string{
		"login", "logout", "user", "password/change", "password/reset", "password/reset/confirm", "token/refresh", "token/verify", "registration",
		"registration/verify-email", "registration/resend-email",
	} {
		f.Add("POST", "/api/auth/"+path+"/", jsonType, []byte(`{"username":"ann","password":"x","email":"ann@example.com","uid":"1","token":"c-a","refresh":"a.b.c",`+
			`"key":"MQ:1rffcm:x","new_password1":"a","new_password2":"a","password1":"p","password2":"p"}`))
		f.Add("PUT", "/api/auth/"+path+"/", formType, []byte("username=bob&first_name=\xff&email=&password1=\x00&uid=%EF%BC%91"))
		f.Add("OPTIONS", "/api/auth/"+path+"/", jsonType, []byte(`[null]`))
	}
	f.Add("GET", "/api/token/", "", []byte(nil))
	f.Add("DELETE", "/auth/users/%ff/", jsonType, []byte(`{"current_password":1e999}`))
	f.Add("PUT", "/auth/users/99999999999999999999.json", jsonType, []byte(`[[[[`))
	f.Add("POST", "/.well-known/jwks.json", "text/plain; charset=utf-16", []byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, method, target, contentType string, body []byte) {
		u, err := url.ParseRequestURI(target)
		if err != nil || method == "" || strings.ContainsFunc(method, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Skip("not a request that a client could send")
		}
		for profile, handler := range handlers {
			for _, authorization := range []string{"", "Bearer " + access} {
				r := &http.Request{
					Method: method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "x", RemoteAddr: "192.0.2.1:1", RequestURI: target,
					Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
				}
				if contentType != "" {
					r.Header["Content-Type"] = []string{contentType}
				}
				if authorization != "" {
					r.Header["Authorization"] = []string{authorization}
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code >= 500 {
					t.Errorf("%s, %q: %d %s\n%s", profile, authorization, w.Code, w.Body, log)
				}
			}
		}
	})
}
