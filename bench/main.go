// Command bench measures Latchkey on this machine: on SQLite and PostgreSQL, against a bare net/http handler, and against Django with djoser and SimpleJWT where
// Debian's packages of them are installed. It starts all of them, and a PostgreSQL, by itself, and leaves nothing behind. docs/performance.md tells what the
// figures mean.
//
//	go run ./bench
//	go run ./bench -duration 10s -rounds 5 -only sqlite,ceiling,me -markdown -svg performance.svg
//	go run ./bench -hashers
//	go run ./bench -growth -up-to 1e7 -markdown -svg growth.svg
//	go run ./bench -several
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The stacks and cases by their names, in the order of the table.
var (
	stackNames = []string{"ceiling", "sqlite", "postgres", "django"}
	caseNames  = []string{"me", "verify", "refresh", "rotate", "login", "register"}
)

// options are the flags.
type options struct {
	duration    time.Duration
	rounds      int
	connections int
	iterations  int
	starts      int
	only        string
	markdown    bool
	svg         string

	hashers bool
	hashes  int
	growth  bool
	upTo    int
	series  string
	several bool
}

func (o *options) flags() *flag.FlagSet {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.DurationVar(&o.duration, "duration", 2*time.Second, "how long each request is sent to each server in a round")
	set.IntVar(&o.rounds, "rounds", 3, "how often all of it is done")
	set.IntVar(&o.connections, "connections", 64, "how many connections send at once, each with a user of its own")
	set.IntVar(&o.iterations, "iterations", 260_000, "the count of PBKDF2 on both sides; 260000 is Django 3.2's")
	set.IntVar(&o.starts, "starts", 5, "how often a start is measured")
	set.StringVar(&o.only, "only", "", "a list of these: "+strings.Join(slices.Concat(stackNames, caseNames), ", "))
	set.BoolVar(&o.markdown, "markdown", false, "print the tables as Markdown")
	set.StringVar(&o.svg, "svg", "", "write a picture to this `file`")
	set.BoolVar(&o.hashers, "hashers", false, "compare argon2id, bcrypt and scrypt with those in C instead")
	set.IntVar(&o.hashes, "hashes", 5, "how many hashes are made in a round of -hashers")
	set.BoolVar(&o.growth, "growth", false, "measure how cost grows with what the database holds instead")
	set.Func("up-to", "how many users and tokens -growth goes to: 1e6 where it is not given; 1e7 needs 10 GB of disk", func(text string) error {
		n, err := strconv.ParseFloat(text, 64)
		o.upTo = int(n)
		return err
	})
	o.upTo = 1_000_000
	set.StringVar(&o.series, "series", "", "a list of what -growth measures: users, tokens, mail, clean")
	set.BoolVar(&o.several, "several", false, "measure several processes on one PostgreSQL instead, with so many -connections to each")
	return set
}

// chosen are the stacks and cases that -only names: all of a kind where it names none.
func (o *options) chosen() (stacks, cases []string, err error) {
	for name := range strings.SplitSeq(o.only, ",") {
		switch {
		case name == "":
		case slices.Contains(stackNames, name):
			stacks = append(stacks, name)
		case slices.Contains(caseNames, name):
			cases = append(cases, name)
		default:
			return nil, nil, fmt.Errorf("-only: there is no %q", name)
		}
	}
	if stacks == nil {
		stacks = stackNames
	}
	if cases == nil {
		cases = caseNames
	}
	return stacks, cases, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does what the arguments say. Two of them are for the processes that it starts of itself.
func run(ctx context.Context, args []string, out, progress io.Writer) error {
	if len(args) == 1 && args[0] == "drive" {
		return driver()
	}
	if len(args) == 2 && args[0] == "ceiling" {
		return ceiling(args[1])
	}
	if len(args) == 3 && args[0] == "hash" {
		return hashOwn(args[1], args[2], out)
	}
	if len(args) == 3 && args[0] == "clean" {
		return cleaner(ctx, args[1], args[2])
	}
	var o options
	set := o.flags()
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 || o.rounds < 1 || o.connections < 1 || o.starts < 1 || o.hashes < 1 || o.duration <= 0 {
		return errors.New("counts and times are above zero, and there is nothing behind the flags")
	}
	if o.hashers {
		return hashers(ctx, &o, out, progress)
	}
	if o.growth {
		g, err := grow(ctx, &o, progress)
		if err != nil {
			return err
		}
		if o.svg != "" {
			if err := os.WriteFile(o.svg, g.svg(), 0o644); err != nil {
				return err
			}
		}
		_, err = io.WriteString(out, g.text(o.markdown))
		return err
	}
	if o.several {
		s, err := several(ctx, &o, progress)
		if err != nil {
			return err
		}
		_, err = io.WriteString(out, s.text(o.markdown))
		return err
	}
	r, err := measure(ctx, &o, progress)
	if err != nil {
		return err
	}
	if o.svg != "" {
		if err := os.WriteFile(o.svg, r.svg(), 0o644); err != nil {
			return err
		}
	}
	_, err = io.WriteString(out, r.text(o.markdown))
	return err
}
