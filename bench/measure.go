package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A measurement is one case on one stack.
type measurement struct {
	Stack, Case string
	Rates       []float64 // requests per second, by round
	Latencies   []int64   // in microseconds, sorted, of all rounds
	CPU         time.Duration
	DatabaseCPU time.Duration
}

func (m *measurement) rate() float64 { return median(m.Rates) }

// cost is the processor time per request in microseconds, of the server and of its database.
func (m *measurement) cost() (server, database float64) {
	n := float64(len(m.Latencies))
	return float64(m.CPU.Microseconds()) / n, float64(m.DatabaseCPU.Microseconds()) / n
}

// A footprint is what a stack takes beside requests.
type footprint struct {
	Stack        string
	Idle, Peak   float64         // MiB
	Empty, Start []time.Duration // from the start to the first answer, on an empty database and on one that is there
}

// results are all that was measured.
type results struct {
	options      *options
	measurements []*measurement
	footprints   []*footprint
	binary       int64 // bytes
	notes        []string
}

func (r *results) find(stack, name string) *measurement {
	i := slices.IndexFunc(r.measurements, func(m *measurement) bool { return m.Stack == stack && m.Case == name })
	if i < 0 {
		return nil
	}
	return r.measurements[i]
}

// of is what find finds, or a new measurement.
func (r *results) of(stack, name string) *measurement {
	m := r.find(stack, name)
	if m == nil {
		m = &measurement{Stack: stack, Case: name}
		r.measurements = append(r.measurements, m)
	}
	return m
}

// against is the ratio of a measurement to the same requests to another stack; NaN where that was not measured. What only a server with accounts can do is
// compared with the ceiling's answers to refresh.
func (r *results) against(m *measurement, stack string) float64 {
	other := r.find(stack, m.Case)
	if other == nil && stack == "ceiling" {
		other = r.find(stack, "refresh")
	}
	if other == nil {
		return median(nil)
	}
	return ratio(m.Rates, other.Rates)
}

// A bench is what runs while it measures.
type bench struct {
	*options
	ctx      context.Context
	progress io.Writer
	folder   string
	self     string // this program
	latchkey string
	size     int64  // of Latchkey's program
	root     string // of the module
	postgres *database
	stacks   []*stack
	n        int // jobs so far
}

// newBench builds the program, in a folder that goes with stop.
func newBench(ctx context.Context, o *options, progress io.Writer) (*bench, error) {
	b := &bench{options: o, ctx: ctx, progress: progress}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.folder, err = os.MkdirTemp("", "latchkey-bench-"); err != nil {
		return nil, err
	}
	if err := b.build(); err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

// measure starts everything, measures, and ends everything.
func measure(ctx context.Context, o *options, progress io.Writer) (*results, error) {
	stacks, cases, err := o.chosen()
	if err != nil {
		return nil, err
	}
	b, err := newBench(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	r := &results{options: o, binary: b.size}
	if slices.Contains(stacks, "postgres") || slices.Contains(stacks, "django") {
		b.say("starting PostgreSQL")
		if b.postgres, err = startPostgres(ctx); err != nil {
			r.notes = append(r.notes, fmt.Sprintf("no PostgreSQL, and so no Django: %v", err))
			stacks = slices.DeleteFunc(slices.Clone(stacks), func(s string) bool { return s == "postgres" || s == "django" })
		}
	}
	for _, name := range stacks {
		if name == "django" {
			if err := b.djangoThere(); err != nil {
				r.notes = append(r.notes, err.Error())
				continue
			}
		}
		b.say("starting %s", name)
		s, f, err := b.start(name, cases)
		if s != nil {
			b.stacks = append(b.stacks, s)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.footprints = append(r.footprints, f)
	}
	for round := range o.rounds + 1 { // the first one warms up and does not count
		for _, name := range cases {
			for _, s := range b.stacks {
				if !s.does(name) {
					continue
				}
				duration := o.duration
				if round == 0 {
					duration = min(duration/4, 500*time.Millisecond)
				} else {
					b.say("round %d of %d: %s on %s", round, o.rounds, name, s.name)
				}
				if err := b.once(s, name, duration, r.of(s.name, name), round > 0); err != nil {
					return nil, fmt.Errorf("%s on %s: %w", name, s.name, err)
				}
			}
		}
	}
	for _, m := range r.measurements {
		slices.Sort(m.Latencies)
	}
	for i, s := range b.stacks {
		for _, p := range s.processes() {
			peak, err := memory(p.cmd.Process.Pid, "VmHWM")
			if err != nil {
				return nil, err
			}
			r.footprints[i].Peak = max(r.footprints[i].Peak, peak)
		}
	}
	return r, nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, format+"\n", args...)
}

// build makes the program as it is given out, and notes its size.
func (b *bench) build() error {
	b.say("building latchkey")
	root, err := exec.CommandContext(b.ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("the benchmark runs within Latchkey's source: %w", err)
	}
	b.root = strings.TrimSpace(string(root))
	b.latchkey = filepath.Join(b.folder, "latchkey")
	cmd := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.latchkey, "./cmd/latchkey")
	cmd.Dir, cmd.Env = b.root, append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, said)
	}
	info, err := os.Stat(b.latchkey)
	if err != nil {
		return err
	}
	b.size = info.Size()
	return nil
}

// once runs one case on one stack for a while, and adds what it did to the measurement if it counts.
func (b *bench) once(s *stack, name string, duration time.Duration, m *measurement, counts bool) error {
	b.n++
	j, servers := s.job(name, b.n)
	j.Duration = duration
	before, beforeDatabase, err := b.spent(s, servers...)
	if err != nil {
		return err
	}
	done, err := b.drive(j)
	if err != nil {
		return err
	}
	after, afterDatabase, err := b.spent(s, servers...)
	if err != nil {
		return err
	}
	if name == "rotate" {
		copy(s.tokens, done.Tokens)
	}
	if counts {
		m.Rates = append(m.Rates, float64(len(done.Latencies))/done.Elapsed.Seconds())
		m.Latencies = append(m.Latencies, done.Latencies...)
		m.CPU += after - before
		m.DatabaseCPU += afterDatabase - beforeDatabase
	}
	return nil
}

// spent is the processor time of servers and of their database so far.
func (b *bench) spent(s *stack, servers ...*process) (own, db time.Duration, err error) {
	for _, p := range servers {
		one, err := cpu(p.cmd.Process.Pid)
		if err != nil {
			return 0, 0, err
		}
		own += one
	}
	if s.postgres {
		db, err = cpu(b.postgres.pid)
	}
	return own, db, err
}

// drive has the driver do a job.
func (b *bench) drive(j job) (*outcome, error) {
	input, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(b.ctx, b.self, "drive")
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &problems
	output, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the driver: %w\n%s", err, &problems)
	}
	var done outcome
	if err := json.Unmarshal(output, &done); err != nil {
		return nil, err
	}
	if done.Error != "" {
		return nil, fmt.Errorf("%s", done.Error)
	}
	return &done, nil
}

func (b *bench) stop() {
	for _, s := range b.stacks {
		for _, p := range s.processes() {
			p.stop()
		}
	}
	if b.postgres != nil {
		b.postgres.stop()
	}
	_ = os.RemoveAll(b.folder)
}
