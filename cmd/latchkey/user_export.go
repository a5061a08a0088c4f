package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"latchkey/internal/store"
	"latchkey/internal/transfer"
)

type userExportCommand struct {
	source
	File          string `arg:"" optional:"" default:"-" help:"The file; standard output where it is left out."`
	Format        string `enum:",csv,jsonl,dumpdata" default:"" help:"csv, jsonl or dumpdata, where the file's name does not tell; csv on standard output." placeholder:"FORMAT"`
	WithPasswords bool   `help:"Write the password hashes too: whoever has the file can try passwords on them."`
}

// Run exports. The database is only read, and a file is there whole or not at all.
func (c *userExportCommand) Run(ctx context.Context) (err error) {
	format := transfer.Format(c.Format)
	if format == "" && c.File == "-" {
		format = transfer.CSV
	} else if format == "" {
		if format, err = transfer.FormatOf(c.File); err != nil {
			return err
		}
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	settings := cfg.Store()
	settings.ReadOnly = true
	db, err := store.Open(ctx, settings)
	if err != nil {
		return cfg.Explain(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	total, err := db.CountUsers(ctx)
	if err != nil {
		return err
	}
	bar := progress("writing users", total)
	ex := &transfer.Export{
		Store: db, Label: cfg.AuthUserModel, Format: format, WithPasswords: c.WithPasswords,
		Progress: func(users int64) { _ = bar.Set64(users) },
	}
	n, err := c.write(func(dst io.Writer) (int64, error) { return ex.Run(ctx, dst) })
	_ = bar.Finish()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d users are written\n", n)
	return nil
}

// write runs fn on standard output, or on a file that only its owner may read and that gets its name when it is whole.
func (c *userExportCommand) write(fn func(io.Writer) (int64, error)) (int64, error) {
	if c.File == "-" {
		return fn(os.Stdout)
	}
	file, err := os.CreateTemp(filepath.Dir(c.File), filepath.Base(c.File)+".*")
	if err != nil {
		return 0, err
	}
	n, err := fn(file)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), c.File)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(file.Name()))
	}
	return n, nil
}
