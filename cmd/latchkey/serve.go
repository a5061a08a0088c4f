package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/server"
)

type serveCommand struct {
	source
	Listen string `help:"Address and port, over file and environment." placeholder:"HOST:PORT"`
}

// Run serves until it is told to stop, and for shutdown_delay more, then finishes what is running.
func (c *serveCommand) Run(ctx context.Context) error {
	if c.Listen != "" {
		c.flags = map[string]string{"listen": c.Listen}
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := newLog(cfg)
	slog.SetDefault(log)
	s, err := server.New(ctx, cfg, server.Options{Log: log, Version: version()})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("another program listens on %s already: end it, or choose another address with --listen", cfg.Listen)
		}
		return errors.Join(err, s.Close())
	}
	if cfg.MetricsListen != "" {
		metrics, err := net.Listen("tcp", cfg.MetricsListen)
		if err != nil {
			return errors.Join(fmt.Errorf("metrics_listen: %w", err), listener.Close(), s.Close())
		}
		side := server.HTTPServer(s.Metrics(), log)
		defer func() { _ = side.Close() }()
		go func() {
			if err := side.Serve(metrics); !errors.Is(err, http.ErrServerClosed) {
				log.Error("metrics are not served any more", "error", err)
			}
		}()
	}
	leaveRoom(s)
	ballast := make([]byte, ballastSize)
	defer runtime.KeepAlive(ballast)
	announce(cfg, s, listener.Addr().String(), c.Config, log)
	return run(ctx, cfg, s, listener, log)
}

// ballastSize is memory that is never touched, so that there is none of it, but which the garbage collector counts: it lets that much more garbage come together between two runs, which
// would take a tenth of a busy server's processor time without it, and take a fortieth. GOGC does so in proportion to what is in use, with which a few passwords' hashes would ask for gigabytes.
const ballastSize = 16 << 20

// leaveRoom lets the Go scheduler run as many goroutines more as hash passwords. Where all it may run did, a request that needs no hash would wait for one of them to be stopped,
// which takes ten milliseconds; the operating system, which divides the processors then, lets it in at once. Whoever sets GOMAXPROCS has decided otherwise.
func leaveRoom(s *server.Server) {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + s.Accounts.Passwords.Workers())
	}
}

func run(ctx context.Context, cfg *config.Config, s *server.Server, listener net.Listener, log *slog.Logger) error {
	web := server.HTTPServer(s.Handler(), log)
	web.RegisterOnShutdown(s.EndStreams)
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	go debug.FreeOSMemory() // of what only the start needed
	select {
	case err := <-failed:
		return errors.Join(err, s.Close())
	case <-ctx.Done():
	}
	s.Leave()
	if cfg.ShutdownDelay > 0 {
		log.Info("leaving: requests are taken for a while yet", "for", cfg.ShutdownDelay)
		select {
		case err := <-failed:
			return errors.Join(err, s.Close())
		case <-time.After(cfg.ShutdownDelay):
		}
	}
	log.Info("stopping: running requests are finished")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownTimeout)
	defer cancel()
	err := web.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(fmt.Errorf("requests were still running after %s", cfg.ShutdownTimeout), web.Close())
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, s.Close())
}

// announce says what is served where: to whoever develops on a page for the terminal, elsewhere in one line of the log.
func announce(cfg *config.Config, s *server.Server, address, file string, log *slog.Logger) {
	if cfg.Development {
		fmt.Fprint(os.Stdout, banner(cfg, s, "http://"+address, file, styleOf(os.Stdout)))
		return
	}
	served := make([]string, len(s.Served))
	for i, m := range s.Served {
		served[i] = m.Path + " " + m.What
	}
	log.Info("serving", "address", address, "version", version(), "profile", cfg.Profile, "database", s.Store.String(),
		"served", strings.Join(served, ", "), "risks", strings.Join(cfg.Risks(), " "))
}

// banner is that page.
func banner(cfg *config.Config, s *server.Server, url, file string, style style) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s\n  %s\n\n", style.strong("Latchkey "+version()),
		style.faint(fmt.Sprintf("development mode: only this machine is served · profile %s · database %s", cfg.Profile, s.Store)))
	wide := 0
	for _, m := range s.Served {
		wide = max(wide, len(m.What))
	}
	for _, m := range s.Served {
		fmt.Fprintf(&b, "  %-*s  %s\n", wide, m.What, style.link(url+m.Path))
	}
	if at := slices.IndexFunc(cfg.Mounts, func(m config.Mount) bool { return m.Dialect == config.Djoser }); at >= 0 {
		again := ""
		if cfg.Djoser.UserCreatePasswordRetype {
			again = " -d re_password=correct-horse-7"
		}
		fmt.Fprintf(&b, "\n  Try it:\n  curl %s%s/users/ -d username=ann -d email=ann@example.com -d password=correct-horse-7%s\n", url, cfg.Mounts[at].Path, again)
	}
	risks := cfg.Risks()
	if cfg.Profile == config.Exact {
		b.WriteString("\n  " + style.strong("Risks that the exact profile takes:") + "\n")
		for _, line := range risks {
			b.WriteString("  - " + line + "\n")
		}
		risks = nil
	}
	if n := len(risks) + len(cfg.Notes()); n > 0 {
		fmt.Fprintf(&b, "\n  %s\n", style.faint(strings.TrimSpace(fmt.Sprintf("%d more things to know about these settings: latchkey config check %s", n, file))))
	}
	b.WriteString("\n")
	return b.String()
}

// newLog is the log that the configuration asks for, on standard error.
func newLog(cfg *config.Config) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // config has checked it
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(os.Stderr, options)
	if cfg.LogFormat == "json" {
		handler = slog.NewJSONHandler(os.Stderr, options)
	}
	return slog.New(server.LogHandler{Handler: handler})
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	fmt.Println("latchkey " + version())
	return nil
}

// version is the module's version, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
