// Package latchkey puts user accounts into a Go program: the APIs of djoser, dj-rest-auth and SimpleJWT behind one http.Handler, on Django's own tables.
//
// It is the program latchkey as a library: the same settings, from the same file, and the same answers. What the program tells other programs by webhooks it
// tells this one by functions.
//
//	cfg, err := latchkey.LoadConfig("latchkey.yaml")
//	…
//	cfg.OnEvent = func(ctx context.Context, e latchkey.Event) error {
//		if e.Type == latchkey.UserRegistered {
//			return crm.Add(ctx, e.User.Email)
//		}
//		return nil
//	}
//	accounts, err := latchkey.New(ctx, cfg)
//	…
//	mux.Handle("/auth/", accounts)
//
// # The life of a Server
//
// New opens the database, brings Latchkey's own tables up to date, and starts the work in the background: it sends owed mail, tells of events and deletes what has
// expired. The Server then answers requests until Close, which must be called, after the last request is over, to finish what is under way and to let go of the
// database:
//
//	web := &http.Server{Handler: mux}
//	go web.ListenAndServe()
//	<-ctx.Done()
//	web.Shutdown(wait)   // no request any more
//	accounts.Close(wait) // and then this
//
// A process that dies without that loses nothing: mail and events are rows of the database, written together with what they tell.
//
// Several processes, of this package or of the program, may work on one PostgreSQL.
package latchkey

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"

	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/verify"
)

// A Config is what a Server is made of: the settings, which LoadConfig or ParseConfig reads, and what only a program can give. The fields may all be left out.
type Config struct {
	// Log is where the server writes what happens, each line about a request with the request's id; slog.Default where it is nil.
	Log *slog.Logger
	// OnEvent is called for everything that happens to accounts through this process, after it is committed: at least once, in order for each user, and for
	// several users at once. After an error it is called again later with the same event, up to three days, as a webhook's receiver is. A call that takes longer
	// than 15 seconds, by which its context is over, counts as an error.
	//
	// The events are rows of the database until OnEvent took them. Of several processes that have an OnEvent, one is called. What other processes without an
	// OnEvent do, those of the command line too, it is not told.
	OnEvent func(ctx context.Context, e Event) error
	// BeforeRegistration is called before an account is made, once its form is right; an error keeps it from being made. A Refusal is answered to the client;
	// any other error is logged, and answered 503. It holds up the request, for at most ten seconds, by which its context is over.
	BeforeRegistration func(ctx context.Context, a Attempt) error
	// BeforeLogin is called before somebody is let in whose password was right, in the same way.
	BeforeLogin func(ctx context.Context, a Attempt) error

	settings *config.Config
}

// LoadConfig reads the settings of a file as the program latchkey does: LATCHKEY_ variables of the environment win over it. The error tells all that is wrong at
// once, a line each. docs/configuration.md lists the settings.
func LoadConfig(path string) (Config, error) {
	settings, err := config.Load(config.Options{File: path, Env: os.Environ()})
	return Config{settings: settings}, err
}

// ParseConfig reads the text of such a file, and nothing else.
func ParseConfig(yaml []byte) (Config, error) {
	settings, err := config.Parse(yaml)
	return Config{settings: settings}, err
}

// A Server answers the requests of all APIs that the settings mount, and is safe for concurrent use.
type Server struct {
	inner    *server.Server
	settings *config.Config
	stop     func() bool

	closing  sync.Once
	closed   chan struct{} // when it is, closeErr is set
	closeErr error
}

// New makes a Server and starts it; see the package's overview. ctx is for the start. When it ends, answers that would go on for as long as somebody watches, which
// only development mode's mailbox has, end too, so that http.Server.Shutdown does not wait for them; all else goes on until Close.
//
// The risks that the settings take are logged as warnings.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.settings == nil {
		return nil, errors.New("latchkey: the Config has no settings: begin with LoadConfig or ParseConfig")
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	log := slog.New(server.LogHandler{Handler: cfg.Log.Handler()})
	options := server.Options{Log: log}
	cfg.give(&options)
	inner, err := server.New(ctx, cfg.settings, options)
	if err != nil {
		return nil, err
	}
	for _, risk := range cfg.settings.Risks() {
		log.Warn("the settings take a risk", "risk", risk)
	}
	return &Server{inner: inner, settings: cfg.settings, stop: context.AfterFunc(ctx, inner.EndStreams), closed: make(chan struct{})}, nil
}

// ServeHTTP answers a request by its whole path: mount a Server where the settings mount its APIs, or at the root, and strip no prefix.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.inner.Handler().ServeHTTP(w, r) }

// Verifier checks the access tokens that this Server hands out, for other handlers of the same program. It asks nobody, not even the database: see package verify.
func (s *Server) Verifier() (*verify.Verifier, error) {
	jwt := s.settings.SimpleJWT
	if jwt.TokenTypeClaim == nil {
		return nil, errors.New("latchkey: SIMPLE_JWT.TOKEN_TYPE_CLAIM is null: refresh tokens could not be told from access tokens")
	}
	cfg := verify.Config{
		Issuer: jwt.Issuer, Audience: jwt.Audience.Values, Leeway: jwt.Leeway,
		UserIDClaim: jwt.UserIDClaim, TokenTypeClaim: *jwt.TokenTypeClaim, JTIClaim: *jwt.JTIClaim,
		Header: strings.ReplaceAll(strings.TrimPrefix(jwt.AuthHeaderName, "HTTP_"), "_", "-"), HeaderTypes: jwt.AuthHeaderTypes,
		Now: s.inner.Accounts.Now,
	}
	for _, class := range jwt.AuthTokenClasses {
		name := class[strings.LastIndexByte(class, '.')+1:]
		cfg.TokenTypes = append(cfg.TokenTypes, strings.ToLower(strings.TrimSuffix(name, "Token")))
	}
	return verify.Beside(s.inner.Accounts.JWTs, cfg)
}

// Close finishes the mail and the events that are under way and closes the database. It returns early, with the context's error, when ctx ends before that is done;
// another call waits on for the same end. Requests must be over by then: those that are not get an error.
func (s *Server) Close(ctx context.Context) error {
	s.closing.Do(func() {
		s.stop()
		s.inner.EndStreams()
		go func() {
			s.closeErr = s.inner.Close()
			close(s.closed)
		}()
	})
	select {
	case <-s.closed:
		return s.closeErr
	case <-ctx.Done():
		return ctx.Err()
	}
}
