package main

import (
	"context"
	"errors"
	"fmt"

	"latchkey/internal/server"
)

type migrateCommand struct {
	source
	Plan bool `help:"Show the statements and change nothing."`
}

// Run migrates, or shows what that would do.
func (c *migrateCommand) Run(ctx context.Context) (err error) {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	db, err := server.OpenStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	steps, err := db.Plan(ctx)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		fmt.Println("The database is up to date.")
		return nil
	}
	if c.Plan {
		for _, step := range steps {
			fmt.Printf("-- %s\n%s\n", step.Name, step.SQL)
		}
		return nil
	}
	if err := db.Migrate(ctx); err != nil {
		return cfg.Explain(err)
	}
	for _, step := range steps {
		fmt.Println("applied " + step.Name)
	}
	return nil
}

type flushCommand struct {
	source
}

// Run deletes what has expired, in batches.
func (c *flushCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, &c.source, func(a *tools) error {
		now := a.accounts.Now()
		total, err := a.store.Expired(ctx, now)
		if err != nil {
			return err
		}
		bar := progress("deleting expired rows", total)
		n, err := a.store.FlushExpired(ctx, now, server.PurgeBatch, func(rows int64) { _ = bar.Add64(rows) })
		_ = bar.Finish()
		if err != nil {
			return fmt.Errorf("%w (%d expired rows are deleted already)", err, n)
		}
		fmt.Printf("deleted %d expired rows\n", n)
		return nil
	})
}
