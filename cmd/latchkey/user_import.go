package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"latchkey/internal/store"
	"latchkey/internal/transfer"
)

type userImportCommand struct {
	source
	File          string `arg:"" help:"The file; - is standard input."`
	Format        string `enum:",csv,jsonl,dumpdata" default:"" help:"csv, jsonl or dumpdata, where the file's name does not tell: .csv, .jsonl, .json." placeholder:"FORMAT"`
	DryRun        bool   `help:"Say what would be done, and what is wrong with the file, and change nothing."`
	KeepGoing     bool   `help:"Write the users that are right and leave out those that are wrong. Otherwise one that is wrong leaves out all."`
	OnConflict    string `enum:"error,skip,update" default:"error" help:"What to do with a user who is there already: error, skip, or update."`
	HashPasswords bool   `help:"The passwords are plain ones: hash them."`
	ResetByMail   bool   `help:"Let users who come without a password set one by a reset mail. Otherwise they cannot sign in until 'user set-password'."`
	Verified      bool   `help:"Take every address for proven."`
	AsIs          bool   `help:"Take names and addresses that registration would refuse."`
}

// Run imports, tells every wrong line, and then what was done.
func (c *userImportCommand) Run(ctx context.Context) error {
	src, size, err := c.open()
	if err != nil {
		return err
	}
	defer src.Close()
	format := transfer.Format(c.Format)
	if format == "" {
		if format, err = transfer.FormatOf(c.File); err != nil {
			return err
		}
	}
	return c.withTools(ctx, func(t *tools) error {
		bar := progress("reading users", size)
		im := &transfer.Import{
			Accounts: t.accounts, Label: t.cfg.AuthUserModel, Format: format,
			DryRun: c.DryRun, KeepGoing: c.KeepGoing, OnConflict: c.OnConflict,
			HashPasswords: c.HashPasswords, ResetByMail: c.ResetByMail, Verified: c.Verified, AsIs: c.AsIs,
			Report: func(p transfer.Problem) {
				_ = bar.Clear()
				fmt.Fprintf(os.Stderr, "%s:%s\n", c.File, p)
			},
			Progress: func(read int64) { _ = bar.Set64(read) },
		}
		summary, err := im.Run(ctx, src)
		_ = bar.Finish()
		c.tell(summary, err)
		return c.verdict(summary, err)
	}, func(db *store.Store) error { return c.prepare(ctx, db) })
}

// prepare brings the database up to date; for a dry run, which changes nothing, it must be so already.
func (c *userImportCommand) prepare(ctx context.Context, db *store.Store) error {
	if !c.DryRun {
		return db.Migrate(ctx)
	}
	plan, err := db.Plan(ctx)
	if err == nil && len(plan) > 0 {
		err = errors.New("the database is not up to date, and a dry run changes nothing: run latchkey migrate first")
	}
	return err
}

// open opens the file; its size is -1 where that is not known.
func (c *userImportCommand) open() (io.ReadCloser, int64, error) {
	if c.File == "-" {
		return os.Stdin, -1, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder", c.File)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// tell prints what was done, or would be.
func (c *userImportCommand) tell(s transfer.Summary, err error) {
	for _, model := range slices.Sorted(maps.Keys(s.Left)) {
		fmt.Printf("left out: %s, %d times\n", model, s.Left[model])
	}
	if err != nil && !c.KeepGoing {
		return
	}
	verb := ""
	if c.DryRun {
		verb = "would be "
	}
	line := fmt.Sprintf("users: %d %smade, %d %supdated, %d %sskipped", s.Made, verb, s.Updated, verb, s.Skipped, verb)
	if s.Addresses > 0 {
		line += fmt.Sprintf("; addresses: %d %swritten", s.Addresses, verb)
	}
	fmt.Println(line)
}

// verdict is the error to leave with.
func (c *userImportCommand) verdict(s transfer.Summary, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, transfer.ErrWrong) && c.KeepGoing:
		return &leaving{fmt.Errorf("%s left out", lines(s.Wrong)), 3}
	case errors.Is(err, transfer.ErrWrong):
		after := ""
		if err != transfer.ErrWrong {
			after = " before it gave up"
		}
		return fmt.Errorf("%s wrong%s, and nothing was written: mend the file, or leave them out with --keep-going", lines(s.Wrong), after)
	case errors.Is(err, store.ErrUnavailable) && c.KeepGoing:
		return fmt.Errorf("%w; what is counted above is written, and --on-conflict skip goes on from there", err)
	}
	return fmt.Errorf("%s: %w", c.File, err)
}

func lines(n int64) string {
	if n == 1 {
		return "1 line is"
	}
	return strings.Replace("N lines are", "N", fmt.Sprint(n), 1)
}
