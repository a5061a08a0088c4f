// Command latchkey serves user accounts over HTTP, in the words of djoser and SimpleJWT, on Django's own tables.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"latchkey/internal/config"
)

// commands are the program's commands, one file each.
type commands struct {
	Serve   serveCommand    `cmd:"" help:"Serve accounts over HTTP. Without any configuration: development mode on 127.0.0.1:8000."`
	Migrate migrateCommand  `cmd:"" help:"Bring the database up to date, or show what that would do. serve does so by itself."`
	User    userCommands    `cmd:"" help:"Make, list and change users."`
	Flush   flushCommand    `cmd:"" name:"flush-expired-tokens" help:"Delete expired tokens and links, as Django's flushexpiredtokens does."`
	Webhook webhookCommands `cmd:"" help:"Show what receivers of events are owed, and tell again what was given up."`
	Health  healthCommand   `cmd:"" help:"Ask the server of these settings, on this machine, whether it is ready; leave with 1 if not."`
	Audit   auditCommand    `cmd:"" help:"Show the audit trail: who signed in, or tried, and who changed what."`
	Keys    keysCommands    `cmd:"" help:"List, change and retire the keys that sign tokens."`
	Config  configCommands  `cmd:"" help:"Check the configuration, or show every setting in effect."`
	Doctor  doctorCommand   `cmd:"" help:"Examine a Django database: what works, what does not, what is unsafe, and the configuration for it. It changes nothing."`
	Django  djangoCommand   `cmd:"" name:"django-settings" help:"Print a script that prints a Django project's settings as Latchkey's: latchkey django-settings | python manage.py shell -v 0."`
	Version versionCommand  `cmd:"" help:"Say which version this is."`
}

// source is where the commands that need a configuration find it.
type source struct {
	Config   string `short:"c" type:"existingfile" env:"LATCHKEY_CONFIG" help:"Configuration file (YAML)." placeholder:"FILE"`
	Database string `help:"Database, over file and environment: sqlite:///path or postgres://user@host/name." placeholder:"URL"`
	flags    map[string]string
}

// load reads the configuration from file, environment and flags.
func (s *source) load() (*config.Config, error) { return s.loadWith(config.Options{}) }

func (s *source) loadWith(o config.Options) (*config.Config, error) {
	flags := map[string]string{}
	for key, value := range s.flags {
		flags[key] = value
	}
	if s.Database != "" {
		flags["database"] = s.Database
	}
	o.File, o.Env, o.Flags = s.Config, os.Environ(), flags
	return config.Load(o)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var all commands
	parser := kong.Must(&all,
		kong.Name("latchkey"),
		kong.Description("User accounts over HTTP, in the words of djoser and SimpleJWT, on Django's own tables.\n\n"+
			"Try it: 'latchkey serve' needs no configuration. Settings come from --config FILE, from the environment as LATCHKEY_… (LATCHKEY_DATABASE, "+
			"LATCHKEY_DJOSER__LOGIN_FIELD), and from flags; docs/configuration.md lists them."),
		kong.ShortUsageOnError(),
		kong.Exit(exit),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	command, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	err = command.Run()
	var problems config.Problems
	var leaving *leaving
	switch {
	case errors.As(err, &leaving):
		fmt.Fprintln(os.Stderr, "latchkey: "+err.Error())
		os.Exit(leaving.code)
	case errors.As(err, &problems):
		// Each on a line of its own that begins with file and line, which editors and terminals make a link of.
		fmt.Fprintf(os.Stderr, "latchkey: the configuration cannot be used:\n%v\n", problems)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "latchkey: "+err.Error())
		os.Exit(1)
	}
}

// leaving is an error with an exit code of its own.
type leaving struct {
	error
	code int
}

// exit says 2 of a wrong command line, as most programs do, where kong would say 80.
func exit(code int) {
	if code != 0 {
		code = 2
	}
	os.Exit(code)
}
