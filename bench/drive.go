package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A job is what the driver, a process of its own, reads from its standard input: one request after the other on each connection, for a while.
type job struct {
	Addresses   []string // of which each connection has the next one
	Duration    time.Duration
	Status      int // of every answer
	Connections []plan
}

// A plan is what one connection sends.
type plan struct {
	Method, Path, Bearer string
	Body                 string
	Kind                 kind
	Token                string   // where it rotates: the refresh token to begin with
	Values               []string // where it varies
}

// A kind says how the requests of a plan differ.
type kind string

const (
	same      kind = ""         // not at all
	rotating  kind = "rotating" // each has the refresh token of the answer before
	unique    kind = "unique"   // each has a number in place of %d
	varied    kind = "varied"   // each has the next of the values in place of %s, in its body or as its bearer
	keepAlive      = 30 * time.Second
)

// An outcome is what the driver answers.
type outcome struct {
	Elapsed   time.Duration
	Latencies []int64  // in microseconds, sorted
	Tokens    []string // what each rotating connection has got last
	Error     string
}

// driver is the subcommand drive.
func driver() error {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(drive(j))
}

// drive does a job.
func drive(j job) outcome {
	var all outcome
	all.Tokens = make([]string, len(j.Connections))
	latencies := make([][]int64, len(j.Connections))
	failures := make([]error, len(j.Connections))
	var running sync.WaitGroup
	start := time.Now()
	for i, p := range j.Connections {
		running.Go(func() {
			c := connection{address: j.Addresses[i%len(j.Addresses)], status: j.Status, plan: p, end: start.Add(j.Duration)}
			failures[i] = c.run()
			latencies[i], all.Tokens[i] = c.latencies, c.plan.Token
		})
	}
	running.Wait()
	all.Elapsed = time.Since(start)
	all.Latencies = slices.Concat(latencies...)
	slices.Sort(all.Latencies)
	if err := errors.Join(failures...); err != nil {
		all.Error = err.Error()
	}
	return all
}

// A connection sends its requests. It speaks just as much HTTP as the servers here do, so that little of the machine goes to the client.
type connection struct {
	address   string
	status    int
	plan      plan
	end       time.Time
	latencies []int64

	conn   net.Conn
	reader *bufio.Reader
	body   bytes.Buffer // of the last answer
	sent   int
}

// run sends until the time is over, at least one request.
func (c *connection) run() (err error) {
	defer func() {
		if c.conn != nil {
			err = errors.Join(err, c.conn.Close())
		}
	}()
	request := c.request()
	for {
		start := time.Now()
		if c.conn == nil {
			if err := c.dial(); err != nil {
				return err
			}
		}
		if _, err := c.conn.Write(request); err != nil {
			return err
		}
		status, closing, err := c.answer()
		if err != nil {
			return fmt.Errorf("%s %s: %w", c.plan.Method, c.plan.Path, err)
		}
		now := time.Now()
		c.latencies = append(c.latencies, now.Sub(start).Microseconds())
		if status != c.status {
			return fmt.Errorf("%s %s answered %d, not %d: %.300s", c.plan.Method, c.plan.Path, status, c.status, c.body.String())
		}
		if closing {
			if err := c.conn.Close(); err != nil {
				return err
			}
			c.conn = nil
		}
		c.sent++
		if c.plan.Kind == rotating {
			var pair struct{ Refresh string }
			if err := json.Unmarshal(c.body.Bytes(), &pair); err != nil || pair.Refresh == "" {
				return fmt.Errorf("%s answered no refresh token: %.300s", c.plan.Path, c.body.String())
			}
			c.plan.Token = pair.Refresh
		}
		if !now.Before(c.end) {
			return nil
		}
		if c.plan.Kind != same {
			request = c.request()
		}
	}
}

func (c *connection) dial() error {
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(c.end.Add(keepAlive)); err != nil {
		return errors.Join(err, conn.Close())
	}
	c.conn, c.reader = conn, bufio.NewReaderSize(conn, 16<<10)
	return nil
}

// request is the next one.
func (c *connection) request() []byte {
	body, bearer := c.plan.Body, c.plan.Bearer
	switch c.plan.Kind {
	case rotating:
		body = `{"refresh": "` + c.plan.Token + `"}`
	case unique:
		body = strings.ReplaceAll(body, "%d", strconv.Itoa(c.sent))
	case varied:
		value := strings.NewReplacer("%s", c.plan.Values[c.sent%len(c.plan.Values)])
		body, bearer = value.Replace(body), value.Replace(bearer)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: application/json\r\n", c.plan.Method, c.plan.Path, c.address)
	if bearer != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", bearer)
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// answer reads one, its body into c.body, and tells whether the server closes the connection after it.
func (c *connection) answer() (status int, closing bool, err error) {
	c.body.Reset()
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, false, fmt.Errorf("no answer of HTTP: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("no status in %q", line)
	}
	length, chunked := int64(-1), false
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if !found {
			break
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			closing = bytes.EqualFold(value, []byte("close"))
		}
	}
	switch {
	case status == http.StatusNoContent || status == http.StatusNotModified:
	case chunked:
		if _, err = c.body.ReadFrom(httputil.NewChunkedReader(c.reader)); err == nil {
			_, err = c.reader.ReadSlice('\n') // after the last chunk, where no trailer is
		}
	case length >= 0:
		_, err = io.CopyN(&c.body, c.reader, length)
	case closing:
		_, err = c.body.ReadFrom(c.reader)
	default:
		err = errors.New("an answer without an end")
	}
	return status, closing, err
}
