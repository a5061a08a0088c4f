package latchkey_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"latchkey"
	"latchkey/verify"
)

// settings are those of the examples: a database of their own, djoser's API at /auth, and no mail.
func settings(folder string) []byte {
	return fmt.Appendf(nil, `
database: sqlite://%s
secret_key: a-secret-key-for-the-examples-0123456789
mounts: [{path: /auth, dialect: djoser}]
DOMAIN: example.com
EMAIL_BACKEND: django.core.mail.backends.dummy.EmailBackend
`, filepath.Join(folder, "latchkey.db"))
}

// A program with accounts in its own mux: people sign up through djoser's API, the program hears of it, and its own handlers know who is calling.
func Example() {
	folder, err := os.MkdirTemp("", "latchkey-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	cfg, err := latchkey.ParseConfig(settings(folder)) // a program would LoadConfig("latchkey.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	heard := make(chan string)
	cfg.OnEvent = func(_ context.Context, e latchkey.Event) error {
		heard <- e.Type + " " + e.User.Username
		return nil
	}
	ctx := context.Background()
	accounts, err := latchkey.New(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer accounts.Close(ctx)
	tokens, err := accounts.Verifier()
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/auth/", accounts)
	mux.Handle("/hello", tokens.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, user %s.", verify.User(r.Context()))
	})))
	web := httptest.NewServer(mux) // an http.Server, in a program
	defer web.Close()

	post := func(path, body string) string {
		answer, err := http.Post(web.URL+path, "application/json", strings.NewReader(body))
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	fmt.Println(post("/auth/users/", `{"username": "ann", "email": "ann@example.com", "password": "correct-horse-7"}`))
	fmt.Println(<-heard)
	_, rest, _ := strings.Cut(post("/auth/jwt/create/", `{"username": "ann", "password": "correct-horse-7"}`), `"access":"`)
	access, _, _ := strings.Cut(rest, `"`)
	fmt.Println(<-heard)

	r, _ := http.NewRequest("GET", web.URL+"/hello", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	hello, _ := io.ReadAll(answer.Body)
	fmt.Println(string(hello))
	// Output:
	// {"email":"ann@example.com","username":"ann","id":1}
	// user.registered ann
	// user.login ann
	// Hello, user 1.
}

// A function that is asked first refuses in the words that the client shows beside the field.
func ExampleRefusal() {
	folder, err := os.MkdirTemp("", "latchkey-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	cfg, err := latchkey.ParseConfig(settings(folder))
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	cfg.BeforeRegistration = func(_ context.Context, a latchkey.Attempt) error {
		if !strings.HasSuffix(a.User.Email, "@example.com") {
			return latchkey.Refusal{"email": {"Only for people of Example."}}
		}
		return nil
	}
	accounts, err := latchkey.New(context.Background(), cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer accounts.Close(context.Background())

	r := httptest.NewRequest("POST", "/auth/users/", strings.NewReader(`{"username": "eve", "email": "eve@elsewhere.org", "password": "correct-horse-7"}`))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	accounts.ServeHTTP(answer, r)
	fmt.Println(answer.Code, answer.Body)
	// Output:
	// 400 {"email":["Only for people of Example."]}
}

// Settings that cannot be used are told all at once, each with its line.
func ExampleParseConfig() {
	_, err := latchkey.ParseConfig([]byte("secret_key: short\nDJOSER: {LOGIN_FEILD: email}\n"))
	fmt.Println(err)
	// Output:
	// settings:1:1: secret_key: it has 5 bytes, and with fewer than 32 it can be guessed; write a longer one; put the old one under SECRET_KEY_FALLBACKS while it is in use
	// settings:2:10: DJOSER.LOGIN_FEILD: no such setting; did you mean LOGIN_FIELD?
}

// A Server is closed after the http.Server that it answers for.
func ExampleServer_Close() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute) // signal.NotifyContext, in a program
	defer stop()
	folder, err := os.MkdirTemp("", "latchkey-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	cfg, err := latchkey.ParseConfig(settings(folder))
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.Log = slog.New(slog.DiscardHandler)
	accounts, err := latchkey.New(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	web := &http.Server{Addr: "127.0.0.1:0", Handler: accounts}
	ended := make(chan error, 1)
	go func() { ended <- web.ListenAndServe() }()

	stop() // somebody wants the program to end
	wait, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	fmt.Println(web.Shutdown(wait), accounts.Close(wait), <-ended)
	// Output:
	// <nil> <nil> http: Server closed
}
