package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"latchkey/internal/store"
)

type userListCommand struct {
	source
	Search   string `arg:"" optional:"" help:"Only users with this text in their name or address, in capitals or not."`
	Inactive bool   `help:"Only users who cannot sign in."`
	Staff    bool   `help:"Only staff and superusers."`
	Limit    int    `help:"At most so many users." placeholder:"N"`
	JSON     bool   `name:"json" help:"One JSON object a line, for programs."`
}

// usersAtOnce is how many users are held in memory.
const usersAtOnce = 500

// Run reads users page by page and prints each page as it comes.
func (c *userListCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, &c.source, func(t *tools) (err error) {
		out := bufio.NewWriter(os.Stdout)
		defer func() { err = errors.Join(err, out.Flush()) }()
		show := printUsers(out, t.store.Model())
		if c.JSON {
			show = encodeUsers(out, t.store.Model())
		}
		left, found := c.Limit, false
		for after := (store.ID{}); ; {
			users, err := t.store.UsersAfter(ctx, after, usersAtOnce)
			if err != nil {
				return err
			}
			if len(users) == 0 {
				if !found {
					fmt.Fprintln(os.Stderr, "no user found")
				}
				return nil
			}
			after = users[len(users)-1].ID
			page := users[:0]
			for _, u := range users {
				if c.wants(&u) {
					page = append(page, u)
				}
			}
			done := c.Limit > 0 && len(page) >= left
			if done {
				page = page[:left]
			}
			if len(page) == 0 {
				continue
			}
			left, found = left-len(page), true
			if err := show(page); err != nil || done {
				return err
			}
		}
	})
}

// wants tells whether a user is asked for.
func (c *userListCommand) wants(u *store.User) bool {
	has := func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(c.Search)) }
	return (has(u.Username) || has(u.Email)) && !(c.Inactive && u.IsActive) && !(c.Staff && !u.IsStaff && !u.IsSuperuser)
}

// encodeUsers prints users for programs, each on a line of its own.
func encodeUsers(out *bufio.Writer, model *store.Model) func([]store.User) error {
	type line struct {
		ID          any     `json:"id"`
		Username    string  `json:"username"`
		Email       string  `json:"email"`
		FirstName   string  `json:"first_name"`
		LastName    string  `json:"last_name"`
		IsActive    bool    `json:"is_active"`
		IsStaff     bool    `json:"is_staff"`
		IsSuperuser bool    `json:"is_superuser"`
		DateJoined  *string `json:"date_joined"`
		LastLogin   *string `json:"last_login"`
	}
	moment := func(t time.Time) *string {
		if t.IsZero() {
			return nil
		}
		text := t.UTC().Format(time.RFC3339Nano)
		return &text
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return func(users []store.User) error {
		for i := range users {
			u := &users[i]
			l := line{u.ID.String(), model.Name(u), u.Email, u.FirstName, u.LastName, u.IsActive, u.IsStaff, u.IsSuperuser, moment(u.DateJoined), moment(u.LastLogin)}
			if n, ok := u.ID.Int(); ok {
				l.ID = n
			}
			if err := encoder.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
}

// printUsers prints users for people: as a table that fits the terminal, or that is as wide as it needs to be where there is none.
func printUsers(out *bufio.Writer, model *store.Model) func([]store.User) error {
	width := 0
	if term.IsTerminal(int(os.Stdout.Fd())) {
		width, _, _ = term.GetSize(int(os.Stdout.Fd())) // 0 where it is not known
	}
	t := table{out: out, width: width, style: styleOf(os.Stdout), titles: []string{"ID", "USERNAME", "EMAIL", "STATUS", "LAST LOGIN"}}
	return func(users []store.User) error {
		rows := make([][]string, len(users))
		for i := range users {
			u := &users[i]
			last := "never"
			if !u.LastLogin.IsZero() {
				last = u.LastLogin.UTC().Format("2006-01-02 15:04")
			}
			rows[i] = []string{u.ID.String(), model.Name(u), u.Email, status(u), last}
		}
		return t.print(rows)
	}
}

// status is a user's standing in a word or two.
func status(u *store.User) string {
	text := "active"
	if !u.IsActive {
		text = "inactive"
	}
	switch {
	case u.IsSuperuser:
		text += " superuser"
	case u.IsStaff:
		text += " staff"
	}
	return text
}
