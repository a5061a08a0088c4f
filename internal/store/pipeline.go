package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A pipeline sends PostgreSQL the queries of several requests in one go: most of what reading a row by its key costs, on both sides, is the way there and back.
// As many go at once as there are lanes; who finds one free takes along all who came while none was. Nobody waits for company.
type pipeline struct {
	database *database
	mu       sync.Mutex
	free     int      // lanes
	waiting  []*query // in the order in which they came
}

// A query is one that reads, outside of a transaction.
type query struct {
	ctx  context.Context
	next func(row) (more bool, err error) // takes the rows
	text string
	args []any
	turn chan bool // true: it has a lane now; false: it is done

	none bool // no row was taken, so that it can be asked again
	lost bool // its connection ended
	err  error
}

const (
	// pipelineSize bounds how many queries go together.
	pipelineSize = 64
	// pipelineTimeout bounds what several queries together may take; one alone has its own request's bound.
	pipelineTimeout = 20 * time.Second
)

// lanes is how many pipelines of queries are on their way at once: with one for every two processors each has company to take along, and PostgreSQL has work
// while answers are read.
func lanes(conns int) int { return min(conns, max(1, runtime.GOMAXPROCS(0)/2)) }

// run asks one query, and returns when all its rows are taken: ErrNotFound when there was none.
func (p *pipeline) run(ctx context.Context, next func(row) (bool, error), text string, args []any) error {
	q := &query{ctx: ctx, next: next, text: text, args: args, turn: make(chan bool, 1)}
	if p.enter(q) {
		p.lead(q)
	}
	if q.err == nil && q.none {
		return ErrNotFound
	}
	return p.database.wrap(q.err)
}

// enter waits until the query has a lane or is done.
func (p *pipeline) enter(q *query) (leads bool) {
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return true
	}
	p.waiting = append(p.waiting, q)
	p.mu.Unlock()
	select {
	case leads = <-q.turn:
		return leads
	case <-q.ctx.Done():
	}
	p.mu.Lock()
	i := slices.Index(p.waiting, q)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 {
		return <-q.turn // it is on its way, or has a lane
	}
	q.err = q.ctx.Err()
	return false
}

// lead asks the query with those that wait, then hands its lane over.
func (p *pipeline) lead(q *query) {
	p.mu.Lock()
	n := min(len(p.waiting), pipelineSize-1)
	queries := append([]*query{q}, p.waiting[:n]...)
	p.waiting = slices.Delete(p.waiting, 0, n)
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		if len(p.waiting) > 0 {
			p.waiting[0].turn <- true
			p.waiting = slices.Delete(p.waiting, 0, 1)
		} else {
			p.free++
		}
		p.mu.Unlock()
		for _, other := range queries[1:] {
			other.turn <- false
		}
	}()
	if n > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(q.ctx), pipelineTimeout) // none of several may stop the others
		p.ask(ctx, queries)
		cancel()
	}
	for _, q := range queries {
		if n == 0 || q.err != nil && q.none { // an error of one ends those behind it
			p.alone(q)
		}
	}
}

// alone asks one query, again where its connection ended under it: it may have been closed while it rested.
func (p *pipeline) alone(q *query) {
	for range 3 {
		if p.ask(q.ctx, []*query{q}); q.err == nil || !q.none || !q.lost || q.ctx.Err() != nil {
			return
		}
	}
}

// ask sends queries over one connection and takes the answers.
func (p *pipeline) ask(ctx context.Context, queries []*query) {
	for _, q := range queries {
		q.none, q.lost, q.err = true, false, errNotRun
	}
	fail := func(err error) {
		for _, q := range queries {
			if q.err == errNotRun {
				q.err = err
			}
		}
	}
	conn, err := p.database.read.Conn(ctx)
	if err != nil {
		fail(err)
		return
	}
	defer func() { _ = conn.Close() }() // it goes back to the pool
	err = conn.Raw(func(raw any) error {
		c := raw.(*stdlib.Conn).Conn() // openPostgres opened it
		if len(queries) == 1 {
			q := queries[0]
			rows, err := c.Query(ctx, q.text, q.args...)
			q.take(rows, err)
		} else {
			batch := &pgx.Batch{}
			for _, q := range queries {
				batch.Queue(q.text, q.args...)
			}
			results := c.SendBatch(ctx, batch)
			for _, q := range queries {
				rows, err := results.Query()
				q.take(rows, err)
			}
			_ = results.Close() // each query has had its error
		}
		if !c.IsClosed() {
			return nil
		}
		for _, q := range queries {
			q.lost = q.err != nil
		}
		return driver.ErrBadConn // it leaves the pool
	})
	if err != nil && !errors.Is(err, driver.ErrBadConn) {
		fail(err)
	}
}

// take hands the rows on.
func (q *query) take(rows pgx.Rows, err error) {
	if q.err = err; err != nil {
		return
	}
	defer rows.Close()
	var more bool
	if q.none, more, q.err = handOn(rows, q.next); q.err != nil {
		return
	}
	rows.Close()
	if more { // who has all that was wanted does not care what became of the rest
		q.err = rows.Err()
	}
}
