package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/store"
)

type auditCommand struct {
	source
	User  string   `help:"Only what happened to this user, or what they did: an id, or a name as it was then." placeholder:"NAME"`
	Event []string `help:"Only these events: login.failed, or user for all that begin so." placeholder:"EVENT"`
	Since string   `help:"Not before: 2026-03-01, 2026-03-01T12:00:00Z, or 90m, 24h, 7d ago." placeholder:"WHEN"`
	Until string   `help:"Before: as --since." placeholder:"WHEN"`
	JSON  bool     `name:"json" help:"One JSON object a line, for programs."`
	Limit int      `default:"100" help:"How many, the newest first; 0 for all."`
}

// auditAtOnce is how many rows are held in memory.
const auditAtOnce = 500

// Run reads the trail page by page and prints each page as it comes.
func (c *auditCommand) Run(ctx context.Context) error {
	filter, err := c.filter(time.Now())
	if err != nil {
		return err
	}
	return withAccounts(ctx, &c.source, func(t *tools) (err error) {
		out := bufio.NewWriter(os.Stdout)
		defer func() { err = errors.Join(err, out.Flush()) }()
		show := printAudit(out)
		if c.JSON {
			show = encodeAudit(out)
		}
		for left, found := c.Limit, false; ; found = true {
			page := auditAtOnce
			if c.Limit > 0 {
				page = min(page, left)
			}
			rows, err := t.store.AuditTrail(ctx, filter, page)
			if err != nil {
				return err
			}
			if len(rows) == 0 && !found {
				fmt.Fprintln(os.Stderr, "nothing found")
			}
			if len(rows) == 0 {
				return nil
			}
			if err := show(rows); err != nil {
				return err
			}
			if left -= len(rows); len(rows) < page || left == 0 {
				return nil
			}
			filter.Before = &rows[len(rows)-1]
		}
	})
}

// filter reads the flags.
func (c *auditCommand) filter(now time.Time) (f store.AuditFilter, err error) {
	if c.Limit < 0 {
		return f, errors.New("--limit: it must not be negative; 0 is for all")
	}
	f.User = c.User
	for _, name := range c.Event {
		if !slices.ContainsFunc(account.AuditedEvents(), func(e account.EventName) bool { return string(e) == name || strings.HasPrefix(string(e), name+".") }) {
			return f, fmt.Errorf("--event: there is no event %q; those that there are: %v", name, account.AuditedEvents())
		}
		f.Events = append(f.Events, name)
	}
	if f.Since, err = moment(c.Since, now); err != nil {
		return f, fmt.Errorf("--since: %w", err)
	}
	if f.Until, err = moment(c.Until, now); err != nil {
		return f, fmt.Errorf("--until: %w", err)
	}
	return f, nil
}

// moment reads a day or a time, in UTC where it names no zone, or how long ago it was.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if ago, err := config.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is neither a time such as 2026-03-01T12:00:00Z nor as long ago as 24h or 7d", text)
}

// encodeAudit prints rows for programs, each on a line of its own.
func encodeAudit(out *bufio.Writer) func([]store.Audit) error {
	type line struct {
		At       time.Time `json:"at"`
		Event    string    `json:"event"`
		Result   string    `json:"result"`
		UserID   string    `json:"user_id"`
		Username string    `json:"username"`
		Actor    string    `json:"actor"`
		Via      string    `json:"via"`
		Changed  []string  `json:"changed"`
		Address  string    `json:"address"`
		Agent    string    `json:"agent"`
		Request  string    `json:"request"`
		Times    int       `json:"times"`
		ID       string    `json:"id"`
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return func(rows []store.Audit) error {
		for i := range rows {
			a := &rows[i]
			if err := encoder.Encode(line{a.At, a.Event, a.Result, a.UserID, a.Username, a.Actor, a.Via, changed(a), a.Address, a.Agent, a.Request, a.Times, a.ID}); err != nil {
				return err
			}
		}
		return out.Flush()
	}
}

// changed are the columns that a row names, none of them being an empty list.
func changed(a *store.Audit) []string {
	return strings.FieldsFunc(a.Changed, func(r rune) bool { return r == ',' })
}

// printAudit prints rows for people.
func printAudit(out *bufio.Writer) func([]store.Audit) error {
	width := 0
	if term.IsTerminal(int(os.Stdout.Fd())) {
		width, _, _ = term.GetSize(int(os.Stdout.Fd())) // 0 where it is not known
	}
	t := table{out: out, width: width, style: styleOf(os.Stdout), titles: []string{"WHEN (UTC)", "EVENT", "USER", "BY", "DETAILS", "ADDRESS", "AGENT"}}
	return func(rows []store.Audit) error {
		lines := make([][]string, len(rows))
		for i := range rows {
			a := &rows[i]
			lines[i] = []string{a.At.Format(time.DateTime), a.Event, whom(a), by(a), details(a), a.Address, a.Agent}
		}
		return t.print(lines)
	}
}

// whom is the user of a row: the name they had and their id.
func whom(a *store.Audit) string {
	if a.UserID == "" {
		return "-"
	}
	return a.Username + " (" + a.UserID + ")"
}

// by is who did it, where that is not the user.
func by(a *store.Audit) string {
	if a.Actor == a.UserID {
		return ""
	}
	return a.Actor
}

func details(a *store.Audit) string {
	var all []string
	if a.Result != account.AuditOK {
		all = append(all, a.Result)
	}
	if a.Times > 1 {
		all = append(all, fmt.Sprintf("%d times", a.Times))
	}
	if a.Via != "" {
		all = append(all, a.Via)
	}
	return strings.Join(append(all, changed(a)...), " ")
}
