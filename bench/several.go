package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What -several measures: so many processes, asked for these.
var (
	processCounts = []int{1, 2, 4}
	sharedCases   = []string{"me", "refresh", "rotate", "login"}
)

// An idling is what processes that nobody asks cost PostgreSQL.
type idling struct {
	processes, connections int
	transactions           float64 // per second
	cost                   float64 // ms of processor time per second
}

// A sharing is what -several has measured. Its stacks are the numbers of processes.
type sharing struct {
	results
	idle []idling
}

// several is -several. All processes have the same database; as many run as are measured, and no others.
func several(ctx context.Context, o *options, progress io.Writer) (*sharing, error) {
	_, cases, err := o.chosen()
	if err != nil {
		return nil, err
	}
	own := *o
	own.iterations = 1000 // a hash is to hide nothing
	b, err := newBench(ctx, &own, progress)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	b.say("starting PostgreSQL")
	if b.postgres, err = startPostgres(ctx); err != nil {
		return nil, err
	}
	database, err := b.postgres.schema(ctx, "several")
	if err != nil {
		return nil, err
	}
	still, err := b.configuration("still", database, false)
	if err != nil {
		return nil, err
	}
	rotating, err := b.configuration("rotating", database, true)
	if err != nil {
		return nil, err
	}
	users, tokens, err := b.accounts(rotating, slices.Max(processCounts)*b.connections)
	if err != nil {
		return nil, err
	}
	all := &sharing{results: results{options: &own}}
	for _, n := range append([]int{0}, processCounts...) {
		b.say("idle processes: %d", n)
		i, err := b.idle(n, still)
		if err != nil {
			return nil, err
		}
		all.idle = append(all.idle, i)
	}
	for round := range b.rounds {
		for _, name := range sharedCases {
			if !slices.Contains(cases, name) {
				continue
			}
			file := still
			if name == "rotate" {
				file = rotating
			}
			for _, n := range processCounts {
				b.say("round %d of %d: %s, processes: %d", round+1, b.rounds, name, n)
				err := b.together(n, file, func(servers []*process) error {
					s := &stack{name: strconv.Itoa(n), postgres: true, still: servers, rotating: servers, users: users[:n*b.connections], tokens: tokens[:n*b.connections]}
					m := all.of(s.name, name)
					if err := b.once(s, name, b.duration/4, m, false); err != nil { // the processes are new
						return err
					}
					return b.once(s, name, b.duration, m, true)
				})
				if err != nil {
					return nil, fmt.Errorf("%s, processes: %d: %w", name, n, err)
				}
			}
		}
	}
	for _, m := range all.measurements {
		slices.Sort(m.Latencies)
	}
	return all, nil
}

// accounts makes so many users, and signs each in once more for a token to rotate.
func (b *bench) accounts(file string, n int) (users []account, tokens []string, err error) {
	err = b.together(1, file, func(servers []*process) error {
		for i := range n {
			u, err := register(servers[0].address, fmt.Sprintf("user%d", i))
			if err != nil {
				return err
			}
			pair, err := post(servers[0].address, "/auth/jwt/create/", http.StatusOK, map[string]string{"username": u.name, "password": password})
			if err != nil {
				return err
			}
			users, tokens = append(users, u), append(tokens, pair["refresh"])
		}
		return nil
	})
	return users, tokens, err
}

// together has so many processes run for as long as do does.
func (b *bench) together(n int, file string, do func(servers []*process) error) error {
	var servers []*process
	defer func() {
		for _, p := range servers {
			p.stop()
		}
	}()
	for i := range n {
		p, err := b.serveFile(file, fmt.Sprintf("%s.%d.log", file, i))
		if err != nil {
			return err
		}
		servers = append(servers, p)
	}
	return do(servers)
}

// idle is what so many processes cost by being there for ten times the duration.
func (b *bench) idle(n int, file string) (idling, error) {
	i := idling{processes: n}
	err := b.together(n, file, func([]*process) error {
		read := func() (transactions int64, spent time.Duration, err error) {
			err = b.postgres.admin.QueryRow(b.ctx, `SELECT xact_commit, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
				FROM pg_stat_database WHERE datname = current_database()`).Scan(&transactions, &i.connections)
			if err == nil {
				spent, err = cpu(b.postgres.pid)
			}
			return transactions, spent, err
		}
		if n > 0 { // what a start leaves to do is done, and its transactions are counted: PostgreSQL has sessions tell theirs within ten seconds
			if err := b.wait(6 * b.duration); err != nil {
				return err
			}
		}
		start := time.Now()
		before, spentBefore, err := read()
		if err != nil {
			return err
		}
		if err := b.wait(10 * b.duration); err != nil {
			return err
		}
		after, spentAfter, err := read()
		if err != nil {
			return err
		}
		seconds := time.Since(start).Seconds()
		i.transactions = float64(after-before) / seconds
		i.cost = float64((spentAfter - spentBefore).Milliseconds()) / seconds
		return nil
	})
	return i, err
}

func (b *bench) wait(d time.Duration) error {
	select {
	case <-b.ctx.Done():
		return b.ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// text is the report of -several.
func (s *sharing) text(markdown bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rounds of %s, %d connections to each process, PBKDF2 with %d iterations\n\n", s.options.rounds, s.options.duration, s.options.connections, s.options.iterations)
	rows := [][]string{{"request", "processes", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "CPU µs of PostgreSQL", "requests/s of a processor", "of a processor of PostgreSQL"}}
	for _, name := range sharedCases {
		for _, n := range processCounts {
			if m := s.find(strconv.Itoa(n), name); m != nil {
				own, database := m.cost()
				rows = append(rows, []string{name, m.Stack, number(m.rate()), number(percentile(m.Latencies, 0.5) / 1000), number(percentile(m.Latencies, 0.99) / 1000),
					number(own), number(database), number(1e6 / own), number(1e6 / database)})
			}
		}
	}
	table(&b, rows, markdown)
	rows = [][]string{{"idle processes", "connections", "transactions/s", "CPU ms of PostgreSQL, each s"}}
	for _, i := range s.idle {
		rows = append(rows, []string{strconv.Itoa(i.processes), strconv.Itoa(i.connections), number(i.transactions), number(i.cost)})
	}
	table(&b, rows, markdown)
	return b.String()
}
