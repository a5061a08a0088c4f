package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/drf"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/passwords"
	"latchkey/internal/server"
	"latchkey/internal/store"
)

type userCommands struct {
	Create      userCreateCommand      `cmd:"" help:"Make an active user. The password is asked for, or read from standard input."`
	List        userListCommand        `cmd:"" help:"List users, as a table or as JSON."`
	Activate    userActivateCommand    `cmd:"" help:"Let a user sign in."`
	Deactivate  userDeactivateCommand  `cmd:"" help:"Lock a user out and end what they have open."`
	SetPassword userSetPasswordCommand `cmd:"" name:"set-password" help:"Give a user another password, asked for or read from standard input."`
	Import      userImportCommand      `cmd:"" help:"Take over users from a file: CSV, JSON lines, or Django's dumpdata."`
	Export      userExportCommand      `cmd:"" help:"Write all users to a file that import, and Django's loaddata, read."`
}

// tools are what commands work with: the database and the rules.
type tools struct {
	cfg      *config.Config
	store    *store.Store
	accounts *account.Service
}

// withAccounts opens the database, brings it up to date and runs fn.
func withAccounts(ctx context.Context, s *source, fn func(*tools) error) error {
	return s.withTools(ctx, fn, func(db *store.Store) error { return db.Migrate(ctx) })
}

// withTools opens the database, has it prepared and runs fn.
func (s *source) withTools(ctx context.Context, fn func(*tools) error, prepare func(*store.Store) error) (err error) {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	if err := cfg.EnsureSecret(); err != nil {
		return err
	}
	db, err := server.OpenStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := prepare(db); err != nil {
		return cfg.Explain(err)
	}
	accounts, err := server.Accounts(cfg, db, &mail.Mailbox{}, server.Options{Log: slog.Default(), Now: time.Now, Terminal: io.Discard})
	if err != nil {
		return err
	}
	return fn(&tools{cfg, db, accounts})
}

type userCreateCommand struct {
	source
	Username  string            `arg:"" help:"The name to sign in with."`
	Email     string            `help:"The address."`
	FirstName string            `help:"The first name."`
	LastName  string            `help:"The last name."`
	Set       map[string]string `help:"A value of another field of the user model, as the API takes it." placeholder:"FIELD=VALUE"`
	Superuser bool              `help:"Give the user every right in Django's admin."`
	Staff     bool              `help:"Let the user into Django's admin, and see every user over the API."`
}

// Run checks what the API would check and makes the user.
func (c *userCreateCommand) Run(ctx context.Context) error {
	return withAccounts(ctx, &c.source, func(t *tools) error {
		reg, err := c.registration(ctx, t)
		if err != nil {
			return err
		}
		if reg.Password, err = readPassword(); err != nil {
			return err
		}
		about := passwords.Attributes{Username: reg.Username, Email: reg.Email, FirstName: c.FirstName, LastName: c.LastName}
		if err := t.judge(reg.Password, about); err != nil {
			return err
		}
		user, err := t.accounts.Register(ctx, reg)
		if errors.Is(err, account.ErrTaken) {
			return fmt.Errorf("there is a user %s already", c.Username)
		}
		if err != nil {
			return err
		}
		fmt.Printf("made user %s with id %s\n", t.store.Model().Name(user), user.ID)
		return nil
	})
}

// registration is what the new user is made of, but for the password.
func (c *userCreateCommand) registration(ctx context.Context, t *tools) (account.Registration, error) {
	model := &drf.Model{Model: t.store.Model(), Accounts: t.accounts, Zone: t.cfg.Location()}
	reg := account.Registration{FirstName: c.FirstName, LastName: c.LastName, Staff: c.Staff || c.Superuser, Superuser: c.Superuser}
	if model.AbstractUser && model.UsernameField == "username" && !drf.ValidUsername(c.Username) {
		return reg, errors.New("a username holds letters, digits and @ . + - _ only")
	}
	if model.NameField != "" {
		reg.Username = c.Username // which in a table with both is the name too
	}
	if reg.Email = c.Email; model.UsernameField == model.EmailField && c.Email == "" {
		reg.Email = c.Username
	}
	if reg.Email != "" && !drf.ValidEmail(reg.Email) {
		return reg, fmt.Errorf("%s is no e-mail address", reg.Email)
	}
	more, err := model.ReadTexts(ctx, c.Set)
	if err != nil {
		return reg, err
	}
	for name, value := range more {
		reg.Set(model.Model, name, value)
	}
	if model.UsernameField != model.EmailField {
		reg.Set(model.Model, model.UsernameField, c.Username)
	}
	return reg, nil
}

// judge says in words why a password is refused.
func (t *tools) judge(password string, about passwords.Attributes) error {
	var weak *account.WeakPassword
	if err := t.accounts.JudgePassword(password, about); errors.As(err, &weak) {
		return errors.New(message.Sentences(weak.Messages...).String())
	}
	return nil
}

// one names a user.
type one struct {
	source
	Username string `arg:"" help:"The name the user signs in with."`
}

// with finds the user and runs fn.
func (o *one) with(ctx context.Context, fn func(*tools, *store.User) error) error {
	return withAccounts(ctx, &o.source, func(t *tools) error {
		user, err := t.accounts.UserBy(ctx, t.cfg.UserModel.UsernameField, o.Username)
		if errors.Is(err, account.ErrUserNotFound) {
			return fmt.Errorf("there is no user %s", o.Username)
		}
		if err != nil {
			return err
		}
		return fn(t, user)
	})
}

type userActivateCommand struct{ one }

// Run switches the account on.
func (c *userActivateCommand) Run(ctx context.Context) error { return c.set(ctx, true) }

type userDeactivateCommand struct{ one }

// Run switches the account off.
func (c *userDeactivateCommand) Run(ctx context.Context) error { return c.set(ctx, false) }

func (o *one) set(ctx context.Context, active bool) error {
	return o.with(ctx, func(t *tools, user *store.User) error {
		if err := t.accounts.SetActive(ctx, user.ID, active); err != nil {
			return err
		}
		state := "inactive"
		if active {
			state = "active"
		}
		fmt.Printf("user %s is %s\n", o.Username, state)
		return nil
	})
}

type userSetPasswordCommand struct{ one }

// Run writes the password.
func (c *userSetPasswordCommand) Run(ctx context.Context) error {
	return c.with(ctx, func(t *tools, user *store.User) error {
		password, err := readPassword()
		if err != nil {
			return err
		}
		if err := t.judge(password, account.About(user)); err != nil {
			return err
		}
		if err := t.accounts.SetPassword(ctx, user.ID, password); err != nil {
			return err
		}
		fmt.Printf("user %s has a new password\n", c.Username)
		return nil
	})
}

// readPassword asks for a password twice on a terminal, or reads one line where there is none.
func readPassword() (string, error) {
	terminal := int(os.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("no password on standard input")
		}
		return line, nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprint(os.Stderr, prompt)
		password, err := term.ReadPassword(terminal)
		fmt.Fprintln(os.Stderr)
		return string(password), err
	}
	first, err := ask("Password: ")
	if err != nil {
		return "", err
	}
	again, err := ask("Again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", errors.New("the two passwords differ")
	}
	return first, nil
}
