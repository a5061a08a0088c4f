package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"latchkey/internal/doctor"
)

type doctorCommand struct {
	source
	Table string `help:"The user table; otherwise it is looked for."`
	JSON  bool   `name:"json" help:"Print the report as JSON."`
}

// Run examines and prints. It needs no configuration but the database; one that is given is examined with it.
func (c *doctorCommand) Run(ctx context.Context) error {
	o := doctor.Options{Database: c.Database, Table: c.Table, Now: time.Now()}
	if c.Config != "" {
		cfg, err := c.load()
		if err != nil {
			return err
		}
		o.Database, o.Settings = cfg.Database, cfg
	} else if o.Database == "" {
		o.Database = os.Getenv("LATCHKEY_DATABASE")
	}
	if o.Database == "" {
		return &leaving{errors.New("which database? Name it with --database, in LATCHKEY_DATABASE, or in a file with --config"), 2}
	}
	report, err := doctor.Examine(ctx, o)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = report.Write(os.Stdout)
	}
	if err != nil || report.Works {
		return err
	}
	return &leaving{errors.New("this database cannot be used as it is: " + strings.ToLower(firstSentence(report.Of(doctor.Stops)[0].Text))), 1}
}

func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return sentence
}
