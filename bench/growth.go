package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // fills databases

	"latchkey/internal/config"
	"latchkey/internal/passwords"
	"latchkey/internal/server"
)

// A series is what grows from a thousand tenfold to -up-to, or to its own end, and the requests that are sent at each size.
type series struct {
	name, of string
	most     int
	requests []string
	fill     []string // INSERT … SELECT of i; {password} stands for a hash
}

const (
	fillUsers = `INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
		SELECT '{password}', false, 'u' || i, '', '', 'u' || i || '@example.com', false, true, '2026-01-01 00:00:00' FROM n`
	// jtis have the length of real ones, and tokens about that.
	jti        = `'0123456789abcdef012345' || (1000000000 + i)`
	fillTokens = `INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti)
		SELECT '{token}', '2026-01-01 00:00:00', '{end}', 1 + i % 1000, ` + jti + ` FROM n`
	fillFamilies = `INSERT INTO latchkey_refresh (jti, family, user_id, successor, issued_at, expires_at)
		SELECT ` + jti + `, ` + jti + `, CAST(1 + i % 1000 AS text), '', '2026-01-01 00:00:00', '{end}' FROM n`
	fillListed = `INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
		SELECT '2026-01-01 00:00:00', id FROM token_blacklist_outstandingtoken JOIN n ON jti = ` + jti
	fillMail = `INSERT INTO latchkey_mail (message_id, sender, recipient, subject, body_text, body_html, created_at, attempts, next_attempt_at, last_error)
		SELECT '<' || i || '@example.com>', 'a@example.com', 'u' || i || '@example.com', 'Hello', '{token}', '{token}', '{now}', 0, '{now}', '' FROM n`
)

// allSeries are in the order of the report.
var allSeries = []*series{
	{"users", "users in auth_user", math.MaxInt, []string{"me", "login", "rotate", "register", "reset", "reset, indexed"}, []string{fillUsers}},
	{"tokens", "outstanding refresh tokens", math.MaxInt, []string{"me", "login", "rotate"}, []string{fillTokens, fillFamilies}},
	{"mail", "owed mails, mail server down", 100_000, []string{"me", "register", "reset", "claim"}, []string{fillMail}},
}

// foldIndex is the index of one's own that finds an address whatever its case.
var foldIndex = map[string]string{
	"sqlite":   `CREATE INDEX bench_email ON auth_user (email COLLATE NOCASE)`,
	"postgres": `CREATE INDEX bench_email ON auth_user (upper(email))`,
}

// A point is what a request cost at a size.
type point struct {
	series         *series
	request, stack string
	size           int
	cost, p50      float64 // µs of processor time, of server and database; ms
}

// A cleaning is a request's p99 in ms, quiet and while expired rows are deleted.
type cleaning struct {
	request, stack string
	quiet, during  []float64
}

// A growth is what -growth has measured.
type growth struct {
	points    []point
	cleanings []*cleaning
	cleaned   map[string]string // by stack: how long, of how many
}

const (
	few   = 1000 // users where users are not what grows
	picks = 64   // users whose requests are sent, spread over all
)

// grow is -growth.
func grow(ctx context.Context, o *options, progress io.Writer) (*growth, error) {
	stacks, _, err := o.chosen()
	if err != nil {
		return nil, err
	}
	own := *o
	own.iterations, own.connections = 1000, 2 // a hash is to hide nothing, and neither is waiting for a processor
	b, err := newBench(ctx, &own, progress)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	g := &growth{cleaned: map[string]string{}}
	for _, name := range stacks {
		if name != "sqlite" && name != "postgres" {
			continue
		}
		for _, s := range allSeries {
			if o.series == "" || slices.Contains(strings.Split(o.series, ","), s.name) {
				if err := b.growOne(g, name, s); err != nil {
					return nil, fmt.Errorf("%s on %s: %w", s.name, name, err)
				}
			}
		}
		if o.series == "" || slices.Contains(strings.Split(o.series, ","), "clean") {
			if err := b.clean(g, name); err != nil {
				return nil, fmt.Errorf("cleaning on %s: %w", name, err)
			}
		}
	}
	return g, nil
}

// A grown is a database that is filled while no server runs on it.
type grown struct {
	*bench
	stack, url, config string
	filled             map[string]int // rows by statement
}

// newGrown makes a database with Latchkey's tables. PostgreSQL's server is a new one each time, whose folder goes with it.
func (b *bench) newGrown(engine, name string) (*grown, error) {
	d := &grown{bench: b, stack: engine, filled: map[string]int{}}
	var err error
	if engine == "postgres" {
		if b.postgres, err = startPostgres(b.ctx); err != nil {
			return nil, err
		}
	}
	if d.url, err = b.place(&stack{name: engine, postgres: engine == "postgres"}, "_"+name); err != nil {
		return nil, err
	}
	if d.config, err = b.configuration(engine+"_"+name, d.url, true); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(b.ctx, b.latchkey, "migrate", "--config", d.config)
	cmd.Dir, cmd.Env = b.folder, environment()
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("latchkey migrate: %w\n%s", err, said)
	}
	return d, nil
}

// drop frees the disk.
func (d *grown) drop() {
	if d.stack == "postgres" {
		d.postgres.stop()
		d.bench.postgres = nil
		return
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(strings.TrimPrefix(d.url, "sqlite://") + end)
	}
}

// open connects to the database, to fill it.
func (d *grown) open() (exec func(statement string) error, done func() error, err error) {
	if d.stack == "postgres" {
		_, name, _ := strings.Cut(d.url, "schema=")
		if _, err := d.postgres.admin.Exec(d.ctx, "SET synchronous_commit = off; SET search_path = "+name); err != nil {
			return nil, nil, err
		}
		return func(statement string) error {
			_, err := d.postgres.admin.Exec(d.ctx, statement)
			return err
		}, func() error { return nil }, nil
	}
	db, err := sql.Open("sqlite", strings.TrimPrefix(d.url, "sqlite://")+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-200000)")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	return func(statement string) error {
		_, err := db.ExecContext(d.ctx, statement)
		return err
	}, db.Close, nil
}

// fillTo has the rows of a statement be so many; end is when tokens expire.
func (d *grown) fillTo(statement, end string, size int) error {
	from := d.filled[statement]
	if from >= size {
		return nil
	}
	p, err := passwords.New(passwords.Config{Hashers: []string{"django.contrib.auth.hashers.PBKDF2PasswordHasher"}, Iterations: d.iterations})
	if err != nil {
		return err
	}
	hash, err := p.Make(d.ctx, password)
	if err != nil {
		return err
	}
	run, done, err := d.open()
	if err != nil {
		return err
	}
	rows := fmt.Sprintf("WITH n AS (SELECT i FROM generate_series(%d, %d) AS i) ", from+1, size)
	if d.stack == "sqlite" {
		rows = fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", from+1, size)
	}
	text := strings.NewReplacer("{password}", hash, "{token}", strings.Repeat("x", 250), "{end}", end, "{now}", time.Now().UTC().Format(time.DateTime)).Replace(statement)
	start := time.Now()
	err = run(rows + text)
	if err == nil && d.stack == "postgres" {
		err = run("VACUUM ANALYZE " + strings.Fields(statement)[2])
	}
	d.filled[statement] = size
	d.say("%s: %d rows of %s in %.1f s", d.stack, size-from, strings.Fields(statement)[2], time.Since(start).Seconds())
	return errors.Join(err, done())
}

// serve starts a program on the database: Latchkey, or this one where clean is set.
func (d *grown) serve(clean bool) (*process, error) {
	closed, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(closed, ":")
	return launch(d.ctx, d.config+".log", "/readyz", func(address string) *exec.Cmd {
		cmd := exec.Command(d.latchkey, "serve", "--config", d.config, "--listen", address)
		if clean {
			cmd = exec.Command(d.self, "clean", d.config, address)
		}
		cmd.Dir = d.folder
		cmd.Env = append(environment(), "LATCHKEY_MAILS_PER_ADDRESS=1000000/min")
		if d.filled[fillMail] > 0 {
			cmd.Env = append(cmd.Env, "LATCHKEY_EMAIL_HOST=127.0.0.1", "LATCHKEY_EMAIL_PORT="+port)
		} else {
			cmd.Env = append(cmd.Env, "LATCHKEY_EMAIL_BACKEND=django.core.mail.backends.dummy.EmailBackend")
		}
		return cmd
	})
}

// signedIn are users spread over all, with their tokens.
func (d *grown) signedIn(p *process) (all []account, err error) {
	users := d.filled[fillUsers]
	for i := range min(picks, users) {
		u := account{name: fmt.Sprintf("u%d", 1+i*(users/min(picks, users)))}
		pair, err := post(p.address, "/auth/jwt/create/", http.StatusOK, map[string]string{"username": u.name, "password": password})
		if err != nil {
			return nil, err
		}
		u.access, u.refresh = pair["access"], pair["refresh"]
		all = append(all, u)
	}
	return all, nil
}

// send sends a request of that name for a while.
func (d *grown) send(p *process, users []account, request string, duration time.Duration) (cost float64, done *outcome, err error) {
	d.n++
	j := job{Addresses: []string{p.address}, Status: http.StatusOK, Duration: duration}
	for i := range d.connections {
		c := plan{Method: http.MethodPost, Kind: varied}
		mine := users[i*len(users)/d.connections : (i+1)*len(users)/d.connections]
		for _, u := range mine {
			value := u.name
			if request == "me" {
				value = u.access
			}
			c.Values = append(c.Values, value)
		}
		switch request {
		case "me":
			c.Method, c.Path, c.Bearer = http.MethodGet, "/auth/users/me/", "%s"
		case "login":
			c.Path, c.Body = "/auth/jwt/create/", `{"username": "%s", "password": "`+password+`"}`
		case "rotate":
			c.Path, c.Kind, c.Token = "/auth/jwt/refresh/", rotating, mine[0].refresh
		case "register":
			j.Status, c.Path, c.Kind = http.StatusCreated, "/auth/users/", unique
			c.Body = fmt.Sprintf(`{"username": "guest%d-%d-%%d", "email": "guest%d-%d-%%d@example.com", "password": "%s"}`, d.n, i, d.n, i, password)
		case "reset", "reset, indexed":
			j.Status, c.Path, c.Body = http.StatusNoContent, "/auth/users/reset_password/", `{"email": "%s@example.com"}`
		}
		j.Connections = append(j.Connections, c)
	}
	on := &stack{postgres: d.stack == "postgres"}
	own, database, err := d.spent(on, p)
	if err != nil {
		return 0, nil, err
	}
	if done, err = d.drive(j); err != nil {
		return 0, nil, err
	}
	for i := range users[:min(d.connections, len(users))] { // the tokens to go on with
		if request == "rotate" {
			users[i*len(users)/d.connections].refresh = done.Tokens[i]
		}
	}
	ownAfter, databaseAfter, err := d.spent(on, p)
	return float64((ownAfter - own + databaseAfter - database).Microseconds()) / float64(len(done.Latencies)), done, err
}

// growOne measures a series.
func (b *bench) growOne(g *growth, stack string, s *series) error {
	d, err := b.newGrown(stack, s.name)
	if err != nil {
		return err
	}
	defer d.drop()
	for size := 1000; size <= min(b.upTo, s.most); size *= 10 {
		for _, statement := range append([]string{fillUsers}, s.fill...) {
			n := size
			if statement == fillUsers && s.name != "users" {
				n = few
			}
			if err := d.fillTo(statement, "2099-01-01 00:00:00", n); err != nil {
				return err
			}
		}
		p, err := d.serve(false)
		if err != nil {
			return err
		}
		users, err := d.signedIn(p)
		for _, request := range s.requests {
			if err != nil {
				break
			}
			pt := point{series: s, request: request, stack: stack, size: size}
			switch request {
			case "claim":
				p.stop()
				pt.cost = math.NaN()
				pt.p50, err = d.claims()
			case "reset, indexed":
				p.stop()
				if p, err = d.indexed(); err == nil {
					err = d.measure(&pt, p, users)
				}
			default:
				err = d.measure(&pt, p, users)
			}
			g.points = append(g.points, pt)
			b.say("%s: %s of %d: %s: %s µs, %s ms", stack, s.name, size, request, number(pt.cost), number(pt.p50))
		}
		if p != nil {
			p.stop()
		}
		if err != nil {
			return err
		}
		if slices.Contains(s.requests, "reset, indexed") {
			run, done, err := d.open()
			if err == nil {
				err = errors.Join(run("DROP INDEX bench_email"), done())
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *grown) measure(pt *point, p *process, users []account) error {
	if _, _, err := d.send(p, users, pt.request, d.duration/4); err != nil { // to warm up
		return err
	}
	cost, done, err := d.send(p, users, pt.request, d.duration)
	if err == nil {
		pt.cost, pt.p50 = cost, percentile(done.Latencies, 0.5)/1000
	}
	return err
}

// indexed gives the table of users an index of one's own and starts the server again.
func (d *grown) indexed() (*process, error) {
	run, done, err := d.open()
	if err != nil {
		return nil, err
	}
	if err := run(foldIndex[d.stack]); err != nil {
		return nil, errors.Join(err, done())
	}
	if err := errors.Join(run("ANALYZE auth_user"), done()); err != nil {
		return nil, err
	}
	return d.serve(false)
}

// claims is the median time in ms of taking a mail out of the queue and putting it back as failed.
func (d *grown) claims() (float64, error) {
	cfg, err := config.Load(config.Options{File: d.config})
	if err != nil {
		return 0, err
	}
	db, err := server.OpenStore(d.ctx, cfg)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	now, times := time.Now().Add(time.Hour), []float64{} // what the server put off is due by then
	for range 300 {
		start := time.Now()
		all, err := db.ClaimMail(d.ctx, now, time.Minute, 1)
		for _, m := range all {
			err = errors.Join(err, db.MailFailed(d.ctx, m, "down", now.Add(time.Hour)))
		}
		if err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(start).Microseconds())/1000)
	}
	return median(times), nil
}

// clean measures requests while expired tokens are deleted.
func (b *bench) clean(g *growth, stack string) error {
	d, err := b.newGrown(stack, "clean")
	if err != nil {
		return err
	}
	defer d.drop()
	tokens := min(b.upTo, 1_000_000)
	for _, f := range []struct {
		statement string
		size      int
	}{{fillUsers, few}, {fillTokens, tokens}, {fillListed, tokens}} {
		if err := d.fillTo(f.statement, "2026-01-15 00:00:00", f.size); err != nil {
			return err
		}
	}
	p, err := d.serve(true)
	if err != nil {
		return err
	}
	defer p.stop()
	users, err := d.signedIn(p)
	if err != nil {
		return err
	}
	ended := func() string { // what the program says when all are deleted
		said, _ := os.ReadFile(d.config + ".log") // it is there since the start
		_, after, _ := strings.Cut(string(said), cleaned)
		return strings.TrimSpace(after)
	}
	kinds := []*cleaning{{request: "me", stack: stack}, {request: "rotate", stack: stack}}
	for round := range b.rounds + 1 {
		for _, c := range kinds {
			_, done, err := d.send(p, users, c.request, b.duration)
			if err != nil {
				return err
			}
			if round > 0 {
				c.quiet = append(c.quiet, percentile(done.Latencies, 0.99)/1000)
			}
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return err
	}
	for ended() == "" {
		for _, c := range kinds {
			_, done, err := d.send(p, users, c.request, b.duration)
			if err != nil {
				return err
			}
			if ended() == "" && len(c.during) < 10*b.rounds {
				c.during = append(c.during, percentile(done.Latencies, 0.99)/1000)
			}
		}
	}
	g.cleaned[stack] = ended()
	g.cleanings = append(g.cleanings, kinds...)
	b.say("%s: cleaned %s", stack, ended())
	return nil
}

const cleaned = "cleaned: "

// cleaner is the subcommand clean: Latchkey's server, which does at a signal what it does every hour.
func cleaner(ctx context.Context, file, address string) error {
	cfg, err := config.Load(config.Options{File: file, Env: os.Environ()})
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	s, err := server.New(ctx, cfg, server.Options{Log: log})
	if err != nil {
		return err
	}
	defer s.Close()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	web := server.HTTPServer(s.Handler(), log)
	defer web.Close()
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	for {
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		case <-asked:
			go func() {
				start := time.Now()
				n, err := s.Store.FlushExpired(ctx, time.Now(), server.PurgeBatch, nil)
				fmt.Printf("%s%d rows in %.1f s", cleaned, n, time.Since(start).Seconds())
				if err != nil {
					fmt.Print(", and then ", err)
				}
				fmt.Println()
			}()
		}
	}
}
