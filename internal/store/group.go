package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// A group brings the transactions that wait for SQLite's one writer to disk together. Who finds it free leads: it runs its own transaction and those of all who
// came while the last ones were written, each in a savepoint of its own, and one commit makes them durable. Nobody waits for company.
type group struct {
	database *database
	mu       sync.Mutex
	busy     bool      // somebody leads
	waiting  []*member // in the order in which they came
}

// A member is one transaction.
type member struct {
	ctx  context.Context
	fn   func(tx *Store) error
	turn chan bool // true: it leads now; false: it is done

	inside *Store // where fn ran
	err    error
	panic  any
}

// groupSize bounds how many transactions one commit takes, so that the first need not wait long for the last.
const groupSize = 64

// run runs fn in a transaction, and returns when that is on disk or undone.
func (g *group) run(ctx context.Context, fn func(tx *Store) error) error {
	m := &member{ctx: ctx, fn: fn, turn: make(chan bool, 1), err: errNotRun}
	if g.join(m) {
		g.lead(m)
	}
	if m.panic != nil {
		panic(m.panic)
	}
	if m.err == nil {
		m.inside.committed()
	}
	return m.err
}

var errNotRun = errors.New("database: a transaction was not run to its end")

// join waits until the member leads or is done.
func (g *group) join(m *member) (leads bool) {
	g.mu.Lock()
	if !g.busy {
		g.busy = true
		g.mu.Unlock()
		return true
	}
	g.waiting = append(g.waiting, m)
	g.mu.Unlock()
	select {
	case leads = <-m.turn:
		return leads
	case <-m.ctx.Done():
	}
	g.mu.Lock()
	i := slices.Index(g.waiting, m)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	g.mu.Unlock()
	if i < 0 {
		return <-m.turn // somebody has taken it on, or made it the leader
	}
	m.err = g.database.wrap(m.ctx.Err())
	return false
}

// lead runs the member's transaction with those that wait, then hands over to the first who came meanwhile.
func (g *group) lead(m *member) {
	g.mu.Lock()
	n := min(len(g.waiting), groupSize-1)
	members := append([]*member{m}, g.waiting[:n]...)
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		if g.busy = len(g.waiting) > 0; g.busy {
			g.waiting[0].turn <- true
			g.waiting = slices.Delete(g.waiting, 0, 1)
		}
		g.mu.Unlock()
		for _, other := range members[1:] {
			other.turn <- false
		}
	}()
	begun, err := g.commit(members)
	if err != nil && begun && n > 0 { // nothing has happened yet, and each gets an error of its own
		for _, m := range members {
			if _, err := g.commit([]*member{m}); err != nil {
				m.err = g.database.wrap(err)
			}
		}
		return
	}
	if err != nil {
		for _, m := range members {
			m.err = g.database.wrap(err)
		}
	}
}

// commit runs the members in one transaction, which has begun if it could get hold of the database. After an error nothing of them has happened.
func (g *group) commit(members []*member) (begun bool, err error) {
	ctx := context.Background() // none of several may stop the others
	if len(members) == 1 {
		ctx = members[0].ctx
	}
	conn, err := g.database.write.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool
	command := func(text string) error {
		_, err := conn.ExecContext(context.Background(), text)
		return err
	}
	if err := command("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	open := true
	defer func() {
		if open && command("ROLLBACK") != nil { // SQLite has done so itself, or cannot
			_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // has it closed
		}
	}()
	for _, m := range members {
		if len(members) == 1 {
			if m.run(&Store{database: g.database, tx: plainly{conn}}); m.err != nil || m.panic != nil {
				return true, nil // undone, as it asked for
			}
			continue
		}
		if err := command("SAVEPOINT member"); err != nil {
			return true, err
		}
		if m.run(&Store{database: g.database, tx: plainly{conn}}); m.err != nil || m.panic != nil {
			if err := command("ROLLBACK TO member"); err != nil {
				return true, err
			}
		}
		if err := command("RELEASE member"); err != nil {
			return true, err
		}
	}
	err = command("COMMIT")
	open = err != nil
	return true, err
}

// run runs the member's statements. A panic goes on where its caller waits.
func (m *member) run(inside *Store) {
	m.inside, m.err, m.panic = inside, errNotRun, nil
	defer func() {
		if p := recover(); p != nil {
			m.panic = fmt.Sprintf("%v\n\n%s", p, debug.Stack())
		}
	}()
	m.err = m.fn(inside)
}
