package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"latchkey/internal/config"
)

type configCommands struct {
	Check configCheckCommand `cmd:"" help:"Check the configuration and say what is wrong with it, where, and how to mend it."`
	Show  configShowCommand  `cmd:"" help:"Show every setting in effect and where it came from. Secrets are hidden."`
}

type configCheckCommand struct {
	File string `arg:"" optional:"" type:"existingfile" help:"The file; without one, what the environment says."`
}

// Run loads the file with the environment, which may hold its secrets, over it.
func (c *configCheckCommand) Run() error {
	cfg, err := config.Load(config.Options{File: c.File, Env: os.Environ()})
	if err != nil {
		return err
	}
	for _, line := range cfg.Notes() {
		fmt.Println("note: " + line)
	}
	for _, line := range cfg.Risks() {
		fmt.Println("risk: " + line)
	}
	what := c.File
	if what == "" {
		what = "The configuration"
	}
	fmt.Println(what + " is fine.")
	return nil
}

type configShowCommand struct {
	source
	Given bool `help:"Only what was given, without the defaults."`
}

// Run prints the settings.
func (c *configShowCommand) Run() error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, s := range cfg.Effective() {
		if c.Given && s.Source == "default" {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Key, s.Value, s.Source)
	}
	return w.Flush()
}
