package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"latchkey/internal/store"
)

type webhookCommands struct {
	List   webhookListCommand   `cmd:"" help:"List the events that receivers are owed, or with --failed those that were given up."`
	Replay webhookReplayCommand `cmd:"" help:"Tell events again that were given up. A running server does so within seconds."`
}

type webhookListCommand struct {
	source
	Failed bool `help:"Those that were given up."`
	JSON   bool `name:"json" help:"As JSON, an object a line, with what is told."`
	Limit  int  `default:"1000" help:"How many, the oldest first."`
}

// Run prints a table, or lines of JSON.
func (c *webhookListCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, &c.source, func(t *tools) error {
		owed, err := t.accounts.Owed(ctx, c.Failed, c.Limit)
		if err != nil {
			return err
		}
		if c.JSON {
			return printWebhooks(owed)
		}
		w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		state := "NEXT ATTEMPT"
		if c.Failed {
			state = "GIVEN UP"
		}
		fmt.Fprintln(w, "ID\tRECEIVER\tEVENT\tUSER\tQUEUED\tATTEMPTS\t"+state+"\tLAST ERROR")
		for _, o := range owed {
			at := o.Next
			if c.Failed {
				at = o.FailedAt
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", o.ID, o.Receiver, o.Event, o.UserID, o.QueuedAt.Format(time.DateTime), o.Attempts, at.Format(time.DateTime), o.LastError)
		}
		return w.Flush()
	})
}

func printWebhooks(owed []store.Webhook) error {
	out := json.NewEncoder(os.Stdout)
	for _, o := range owed {
		line := struct {
			ID        int64           `json:"id"`
			EventID   string          `json:"event_id"`
			Receiver  string          `json:"receiver"`
			Queued    time.Time       `json:"queued_at"`
			Attempts  int             `json:"attempts"`
			Next      *time.Time      `json:"next_attempt_at"`
			Failed    *time.Time      `json:"failed_at"`
			LastError string          `json:"last_error"`
			Body      json.RawMessage `json:"body"`
		}{o.ID, o.EventID, o.Receiver, o.QueuedAt, o.Attempts, &o.Next, nil, o.LastError, json.RawMessage(o.Body)}
		if !o.FailedAt.IsZero() {
			line.Next, line.Failed = nil, &o.FailedAt
		}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

type webhookReplayCommand struct {
	source
	IDs []int64 `arg:"" optional:"" name:"id" help:"The ids that 'webhook list --failed' shows."`
	All bool    `help:"All that were given up."`
}

// Run owes them anew.
func (c *webhookReplayCommand) Run(ctx context.Context) error {
	if c.All == (len(c.IDs) > 0) {
		return errors.New("name the ids that 'latchkey webhook list --failed' shows, or all of them with --all")
	}
	return withAccounts(ctx, &c.source, func(t *tools) error {
		if c.All {
			n, err := t.accounts.ReplayAll(ctx)
			if err == nil {
				fmt.Printf("%d will be told again\n", n)
			}
			return err
		}
		if err := t.accounts.Replay(ctx, c.IDs); err != nil {
			return err
		}
		fmt.Printf("%d will be told again\n", len(c.IDs))
		return nil
	})
}
