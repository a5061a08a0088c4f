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
	"strings"

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
		return errors.Join(fmt.Errorf("listen: %w", err), s.Close())
	}
	announce(cfg, s, listener.Addr().String())
	return run(ctx, cfg, s, listener, log)
}

func run(ctx context.Context, cfg *config.Config, s *server.Server, listener net.Listener, log *slog.Logger) error {
	web := server.HTTPServer(s.Handler(), log)
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
	fmt.Fprintf(&b, "latchkey %s on http://%s, profile %s", version(), address, cfg.Profile)
	if cfg.Development {
		b.WriteString(", development mode")
	}
	b.WriteString("\n")
	for _, line := range s.Served {
		b.WriteString("  " + line + "\n")
	}
	for _, line := range cfg.Notes() {
		b.WriteString("  note: " + line + "\n")
	}
	for _, line := range cfg.Risks() {
		b.WriteString("  risk: " + line + "\n")
	}
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
