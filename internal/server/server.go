// Package server puts the parts together: it reads as the list of them. Commands and tests start it alike.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/cors"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/metrics"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
	"latchkey/internal/tracing"
)

// Options are what a server takes from its surroundings, each with a default.
type Options struct {
	// Log is where the server writes what happens; slog.Default when nil.
	Log *slog.Logger
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Version is what the OpenAPI document says of the program.
	Version string
	// Terminal is where development mode shows mail; os.Stdout when nil.
	Terminal io.Writer
	// Receivers are told of events beside those that the settings name.
	Receivers []*account.Receiver
	// BeforeRegistration and BeforeLogin are asked where the settings name nobody; nil for none.
	BeforeRegistration, BeforeLogin *account.Hook
}

// A Server is the whole program behind an http.Handler.
type Server struct {
	Accounts *account.Service
	Store    *store.Store
	// Served lists what is served where.
	Served []Served

	origins *cors.Policy // nil where pages of other origins get no answer of their own
	handler http.Handler
	guard   *drf.Guard
	box     *mail.Mailbox    // nil but in development
	metrics *metrics.Metrics // nil where nobody asks for them
	tracer  *tracing.Tracer  // nil where traces go nowhere
	leaving atomic.Bool      // see Leave
	stop    func()
}

// Served is a path that answers, and what is there.
type Served struct{ Path, What string }

// Handler answers every request.
func (s *Server) Handler() http.Handler { return s.handler }

// Metrics answers Prometheus; nil where metrics_listen is not set.
func (s *Server) Metrics() http.Handler {
	if s.metrics == nil {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.Handler())
	return mux
}

// newTracer is nil where otlp_endpoint is not set. That the collector takes nothing is logged once a minute.
func newTracer(cfg *config.Config, o Options) *tracing.Tracer {
	if cfg.OTLPEndpoint == "" {
		return nil
	}
	headers, _ := tracing.ParseHeaders(string(cfg.OTLPHeaders)) // checked with the settings
	var told atomic.Int64
	return tracing.New(tracing.Config{
		Endpoint: strings.TrimSuffix(cfg.OTLPEndpoint, "/"), Headers: headers, Percent: cfg.TracePercent, Version: o.Version,
		Failed: func(err error) {
			if now := o.Now().Unix(); now-told.Load() >= 60 {
				told.Store(now)
				o.Log.Warn("otlp_endpoint takes no traces: they are lost", "error", err)
			}
		},
	})
}

func newMetrics(s *Server, o Options) *metrics.Metrics {
	return metrics.New(metrics.Sources{
		Hashing: s.Accounts.Passwords.Load,
		OwedMail: func(ctx context.Context) (int, time.Duration, error) {
			n, oldest, err := s.Store.OwedMail(ctx)
			if n == 0 || err != nil {
				return n, 0, err
			}
			return n, max(o.Now().Sub(oldest), 0), nil
		},
		Pools:   s.Store.Pools(),
		Version: o.Version,
	})
}

// Leave has proxies look elsewhere, while all is still served: /readyz says no, and each answer ends its connection. To end a connection that waits for a request
// would be too early, for the request may be on its way; a proxy dares not send one again that is no GET.
func (s *Server) Leave() { s.leaving.Store(true) }

// EndStreams ends the answers that would go on for as long as somebody watches: a server that stops does not wait for those.
func (s *Server) EndStreams() {
	if s.box != nil {
		s.box.End()
	}
}

// Close finishes the mail in hand and closes the database. Requests must be over by then.
func (s *Server) Close() error {
	s.stop()
	return s.Store.Close()
}

// New opens the database, brings Latchkey's tables up to date, starts delivering owed mail and mounts the dialects.
func New(ctx context.Context, cfg *config.Config, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Log = slog.New(newOutageHandler(o.Log.Handler()))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Terminal == nil {
		o.Terminal = os.Stdout
	}
	if err := cfg.EnsureSecret(); err != nil {
		return nil, err
	}
	db, err := OpenStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := assemble(ctx, cfg, o, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func assemble(ctx context.Context, cfg *config.Config, o Options, db *store.Store) (*Server, error) {
	if err := db.Migrate(ctx); err != nil {
		return nil, cfg.Explain(err)
	}
	if err := checkModel(cfg, db.Model()); err != nil {
		return nil, err
	}
	if err := checkApps(cfg, db.Apps()); err != nil {
		return nil, err
	}
	var box *mail.Mailbox
	if cfg.Development {
		box = &mail.Mailbox{}
	}
	accounts, err := Accounts(cfg, db, box, o)
	if err != nil {
		return nil, err
	}
	counts, stopCounting, err := counter(cfg, db, o)
	if err != nil {
		return nil, err
	}
	accounts.Counts, accounts.LoginDelay = counts, loginDelay(cfg)
	if accounts.MailRate, err = mailRate(cfg); err != nil {
		return nil, err
	}
	s := &Server{Accounts: accounts, Store: db, box: box}
	if cfg.MetricsListen != "" {
		s.metrics = newMetrics(s, o)
		accounts.Metrics = s.metrics
	}
	s.tracer = newTracer(cfg, o)
	accounts.Tracer = s.tracer
	if err := s.mount(cfg, o); err != nil {
		return nil, err
	}
	if err := accounts.ResembleUsers(ctx); err != nil {
		return nil, err
	}
	delivering, stop := context.WithCancel(context.WithoutCancel(ctx))
	delivered := accounts.Start(delivering)
	purged := s.purge(delivering, o, cfg.AuditRetention)
	followed := s.followKeys(delivering, o)
	s.stop = func() {
		stop()
		stopCounting()
		delivered()
		purged()
		followed()
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.tracer.Close(left) // what the collector does not take is lost
	}
	return s, nil
}

const purgeEvery = time.Hour

// PurgeBatch is how many rows are deleted in a transaction: few, because on SQLite whoever writes waits for it. With 500 all of it takes two thirds of the time,
// and the slowest of a hundred rotations beside it half as long again.
const PurgeBatch = 100

// purge deletes expired tokens and links, and what of the audit trail is older than it is kept, every hour, as Django leaves to a cron job, and looks how passwords
// are kept by now; wait returns when it has stopped.
func (s *Server) purge(ctx context.Context, o Options, kept time.Duration) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(purgeEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				s.flushAudit(context.WithoutCancel(ctx), o)
				return
			case <-ticker.C:
			}
			s.purgeOnce(ctx, o, kept)
		}
	}()
	return func() { <-done }
}

// flushAudit writes the failed sign-ins that were only counted.
func (s *Server) flushAudit(ctx context.Context, o Options) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := s.Accounts.FlushAudit(ctx); err != nil {
		o.Log.WarnContext(ctx, "failed sign-ins could not be written to the audit trail", "error", err)
	}
}

func (s *Server) purgeOnce(ctx context.Context, o Options, kept time.Duration) {
	defer func() {
		if p := recover(); p != nil { // it must not end the server
			o.Log.ErrorContext(ctx, "purging panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	s.flushAudit(ctx, o)
	if err := s.Accounts.ResembleUsers(ctx); err != nil && ctx.Err() == nil {
		o.Log.WarnContext(ctx, "the ways in which passwords are kept could not be looked at", "error", err)
	}
	var n int64
	_, err := s.Store.Job(ctx, "purge", func() (err error) { // of several processes one does it
		n, err = s.Store.FlushExpired(ctx, o.Now(), PurgeBatch, nil)
		if err == nil && kept > 0 {
			var old int64
			old, err = s.Store.PurgeAudit(ctx, o.Now().Add(-kept), PurgeBatch)
			n += old
		}
		return err
	})
	switch {
	case err != nil && ctx.Err() == nil:
		o.Log.WarnContext(ctx, "expired rows could not be deleted", "error", err)
	case n > 0:
		o.Log.InfoContext(ctx, "expired rows deleted", "rows", n)
	}
}

// Accounts builds the account rules on an open database, for the server and for commands that work without one.
func Accounts(cfg *config.Config, db *store.Store, box *mail.Mailbox, o Options) (*account.Service, error) {
	exact := cfg.Profile == config.Exact
	hashing := cfg.Passwords
	hashing.ExactCommonList = exact
	judge, err := passwords.New(hashing)
	if err != nil {
		return nil, err
	}
	keys := tokens.Keys{Secret: string(cfg.SecretKey), Fallbacks: cfg.SecretKeyFallbacks}
	jwt := cfg.SimpleJWT
	if !cfg.IsGiven("SIMPLE_JWT.USER_ID_FIELD") {
		jwt.UserIDField = db.Model().Key.Name
	}
	jwts, err := tokens.NewJWTs(jwt, keys, cfg.Location())
	if err != nil {
		return nil, err
	}
	templates, err := mail.NewTemplates(cfg.Mail.Templates, cfg.Spoken())
	if err != nil {
		return nil, err
	}
	sender, err := mail.NewSender(cfg.Mail, box, o.Terminal)
	if err != nil {
		return nil, err
	}
	s := &account.Service{
		Store:         db,
		Passwords:     judge,
		JWTs:          jwts,
		JWT:           jwt,
		Keys:          keys,
		Resets:        tokens.Resets{Keys: keys, Location: cfg.Location(), Timeout: cfg.PasswordResetTimeout},
		Templates:     templates,
		Sender:        sender,
		Log:           o.Log,
		Now:           o.Now,
		Backends:      cfg.AuthenticationBackends,
		UsernameField: cfg.UserModel.UsernameField,
		LoginField:    loginField(cfg),
		Exact:         exact,
		End: account.End{
			OnPasswordChange: slices.Contains(cfg.EndTokensOn, config.OnPassword),
			OnEmailChange:    slices.Contains(cfg.EndTokensOn, config.OnEmail),
			OnDeactivation:   slices.Contains(cfg.EndTokensOn, config.OnDeactivation),
			OnDeletion:       slices.Contains(cfg.EndTokensOn, config.OnDeletion),
		},
		RefreshGrace: cfg.RefreshGrace,
		Devices:      !exact || cfg.SessionsEndpoint || len(cfg.EndTokensOn) > 0,
		EndAccess:    cfg.AccessTokensEnd,
		Audit:        cfg.AuditRetention > 0,
		SessionAge:   cfg.SessionCookieAge,
		Allauth:      cfg.Account,
		Site:         account.Site{Domain: cfg.Domain, Name: cfg.SiteName, ID: int64(cfg.SiteID), Chosen: cfg.IsGiven("SITE_ID")},
		From:         cfg.Mail.DefaultFromEmail,
	}
	return s, tellAndAsk(s, cfg, o)
}

// loginField is what djoser's own backend looks a name up in.
func loginField(cfg *config.Config) string {
	return cmp.Or(cfg.Djoser.LoginField, cfg.UserModel.UsernameField)
}

// checkApps refuses settings that need an app of Django's which is not there, app by app.
func checkApps(cfg *config.Config, apps store.Apps) error {
	var missing []error
	need := func(there, wanted bool, app, table, setting string) {
		if wanted && !there {
			missing = append(missing, fmt.Errorf("%s needs the app %s, but the database has no table %s or INSTALLED_APPS leaves the app out: "+
				"install it in Django and migrate, or change the setting", setting, app, table))
		}
	}
	installed := func(app string) bool { return slices.Contains(cfg.InstalledApps, app) }
	const blacklist, keys = "rest_framework_simplejwt.token_blacklist", "rest_framework.authtoken"
	need(apps.Blacklist, installed(blacklist), blacklist, "token_blacklist_outstandingtoken", "INSTALLED_APPS")
	need(apps.AuthToken, installed(keys), keys, "authtoken_token", "INSTALLED_APPS")
	need(apps.Blacklist, cfg.SimpleJWT.RotateRefreshTokens && cfg.SimpleJWT.BlacklistAfterRotation, blacklist, "token_blacklist_outstandingtoken",
		"SIMPLE_JWT.BLACKLIST_AFTER_ROTATION")
	need(apps.Sessions, cfg.Mounted(config.Djoser) && cfg.Djoser.CreateSessionOnLogin, "django.contrib.sessions", "django_session", "DJOSER.CREATE_SESSION_ON_LOGIN")
	if cfg.Mounted(config.DjRestAuth, config.DjRestAuthRegistration) {
		need(apps.Sessions, cfg.RestAuth.SessionLogin && cfg.IsGiven("REST_AUTH.SESSION_LOGIN"), "django.contrib.sessions", "django_session", "REST_AUTH.SESSION_LOGIN")
		need(apps.AuthToken, !cfg.RestAuth.UseJWT && cfg.RestAuth.TokenModel != nil && cfg.IsGiven("REST_AUTH.TOKEN_MODEL"), keys, "authtoken_token", "REST_AUTH.TOKEN_MODEL")
	}
	need(apps.Allauth, cfg.Mounted(config.DjRestAuthRegistration), "allauth.account", "account_emailaddress", "the mount of dj-rest-auth.registration")
	return errors.Join(missing...)
}
