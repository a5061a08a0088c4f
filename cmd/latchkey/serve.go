package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"latchkey/internal/config"
	"latchkey/internal/server"
)

type serveCommand struct {
	source
	Listen string `help:"Address and port, over file and environment." placeholder:"HOST:PORT"`
}

// Run serves until it is told to stop, then finishes what is running.
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
	s, err := server.New(ctx, cfg, server.Options{Log: log})
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
	announce(cfg, s, listener.Addr().String())
	return run(ctx, cfg, s, listener, log)
}

func run(ctx context.Context, cfg *config.Config, s *server.Server, listener net.Listener, log *slog.Logger) error {
	web := server.HTTPServer(s.Handler(), log)
	web.RegisterOnShutdown(s.EndStreams)
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, s.Close())
	case <-ctx.Done():
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

// announce says on the terminal what is served where, and what is worth knowing before the first request.
func announce(cfg *config.Config, s *server.Server, address string) {
	var b strings.Builder
	url := "http://" + address
	fmt.Fprintf(&b, "latchkey %s, profile %s, database %s\n\n", version(), cfg.Profile, s.Store)
	for _, m := range s.Served {
		fmt.Fprintf(&b, "  %-40s %s\n", url+m.Path, m.What)
	}
	if at := slices.IndexFunc(cfg.Mounts, func(m config.Mount) bool { return m.Dialect == config.Djoser }); cfg.Development && at >= 0 {
		again := ""
		if cfg.Djoser.UserCreatePasswordRetype {
			again = " -d re_password=correct-horse-7"
		}
		fmt.Fprintf(&b, "\n  Try it:  curl %s%s/users/ -d username=ann -d email=ann@example.com -d password=correct-horse-7%s\n", url, cfg.Mounts[at].Path, again)
	}
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			b.WriteString("\n" + title + "\n")
		}
		for _, line := range lines {
			b.WriteString("  - " + line + "\n")
		}
	}
	section("Good to know:", cfg.Notes())
	section("Risks that this configuration takes:", cfg.Risks())
	b.WriteString("\n")
	fmt.Fprint(os.Stdout, b.String())
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
