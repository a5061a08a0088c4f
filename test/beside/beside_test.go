// Package beside runs a real Django project with djoser and SimpleJWT and Latchkey on one database, and checks that each honours what the
// other made. The project is in project/; Latchkey's configuration is what django-settings reads from it.
package beside

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/server"
	"latchkey/internal/testenv"
)

const python = "/usr/bin/python3"

// A stack is a set of Python packages: those that Debian has installed, or those in a folder.
type stack struct{ name, path string }

// stacks are Debian's packages, and those that LATCHKEY_DJANGO names, a folder for PYTHONPATH. Without any the test is skipped, but fails if CI is set.
func stacks(t *testing.T) []stack {
	t.Helper()
	var found []stack
	var missing error
	for _, s := range []stack{{"debian", ""}, {"folder", os.Getenv("LATCHKEY_DJANGO")}} {
		if s.name == "folder" && s.path == "" {
			continue
		}
		cmd := exec.Command(python, "-c", "import django, rest_framework, rest_framework_simplejwt, djoser, allauth, psycopg2, argon2, bcrypt, cryptography")
		cmd.Env = append(os.Environ(), "PYTHONPATH="+s.path)
		if said, err := cmd.CombinedOutput(); err != nil {
			missing = fmt.Errorf("%s: %w: %s", s.name, err, lastLine(said))
			continue
		}
		found = append(found, s)
	}
	if len(found) > 0 {
		return found
	}
	const notice = "these tests need Django: install python3-django python3-djangorestframework python3-djangorestframework-simplejwt " +
		"python3-djoser python3-django-allauth python3-psycopg2 python3-argon2 python3-bcrypt python3-cryptography: %v"
	if os.Getenv("CI") != "" {
		t.Fatalf(notice, missing)
	}
	t.Skipf(notice, missing)
	return nil
}

func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// A django is the project with a stack's packages, a database and a mail server.
type django struct {
	stack    stack
	database string
	smtp     *testenv.SMTP
	settings string // the settings module
}

// command is a manage.py command.
func (d *django) command(args ...string) *exec.Cmd {
	cmd := exec.Command(python, append([]string{"manage.py"}, args...)...)
	cmd.Dir = "project"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore", "PYTHONPATH="+d.stack.path, "DJANGO_SETTINGS_MODULE="+d.settings,
		"BESIDE_DATABASE="+d.database, fmt.Sprintf("BESIDE_SMTP_PORT=%d", d.smtp.Port()))
	return cmd
}

// manage runs a manage.py command with a text on standard input and returns what it printed.
func (d *django) manage(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := d.command(args...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("manage.py %s: %v\n%s%s", strings.Join(args, " "), err, &out, &problems)
	}
	return out.String()
}

// serve runs Django's own server until the test ends.
func (d *django) serve(t *testing.T) site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := d.command("runserver", "--noreload", address)
	said := new(bytes.Buffer) // complete when the process has ended
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(gone)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself, which the next line waits for
		<-gone
		if t.Failed() {
			t.Logf("Django said:\n%s", said)
		}
	})
	s := site{name: "Django", base: "http://" + address}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case <-gone:
			t.Fatalf("Django ended: %v", cmd.ProcessState)
		default:
		}
		if answer, err := http.Get(s.base + "/auth/users/"); err == nil {
			answer.Body.Close()
			return s
		}
	}
	t.Fatal("Django did not get ready")
	return s
}

// program is the path of the built latchkey.
var program = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "latchkey-beside-")
	if err != nil {
		return "", err
	}
	built = folder
	path := filepath.Join(folder, "latchkey")
	if said, err := exec.Command("go", "build", "-o", path, "latchkey/cmd/latchkey").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, said)
	}
	return path, nil
})

var built string // the folder of the program

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// latchkey runs the program and returns what it printed and how it left.
func latchkey(t *testing.T, args ...string) (said string, code int) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LATCHKEY_") })
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// configure writes the project's settings as Latchkey's configuration, and returns the file.
func (d *django) configure(t *testing.T, options ...string) string {
	t.Helper()
	script, code := latchkey(t, append([]string{"django-settings"}, options...)...)
	if code != 0 {
		t.Fatalf("django-settings: %d\n%s", code, script)
	}
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, []byte(d.manage(t, script, "shell", "-v", "0")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A pair is Django and Latchkey on one database.
type pair struct {
	*django
	maker            string // of the tables
	db               *sql.DB
	config           string // Latchkey's configuration file
	python, latchkey site
	stop             func() // ends Latchkey
}

// given is what the tests need beyond the project's settings: no limits for their one address, and dj-rest-auth's registration, which Debian
// does not have, on allauth's tables.
var given = map[string]string{
	"throttle_rates":              "{login: null, register: null, mail: null, link: null, password: null}",
	"mounts":                      "[{path: /auth, dialect: djoser}, {path: /api/token, dialect: simplejwt}, {path: /api/auth/registration, dialect: dj-rest-auth.registration}]",
	"REST_AUTH.USE_JWT":           "true",
	"links.account_confirm_email": "/accounts/confirm-email/{key}/",
}

// serveLatchkey runs Latchkey by the project's settings until it is stopped or the test ends.
func (p *pair) serveLatchkey(t *testing.T, more map[string]string) (s site, stop func()) {
	t.Helper()
	flags := map[string]string{}
	for _, settings := range []map[string]string{given, more} {
		for key, value := range settings {
			flags[key] = value
		}
	}
	cfg, err := config.Load(config.Options{File: p.config, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	running, err := server.New(context.Background(), cfg, server.Options{Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(running.Handler())
	stop = sync.OnceFunc(func() {
		web.Close()
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return site{name: "Latchkey", base: web.URL}, stop
}

// sides are both orders of the two.
func (p *pair) sides() [][2]site {
	return [][2]site{{p.python, p.latchkey}, {p.latchkey, p.python}}
}

// eachPair runs fn for every stack on SQLite and PostgreSQL, on tables that Django made and on tables that Latchkey made.
func eachPair(t *testing.T, fn func(t *testing.T, p *pair)) {
	for _, s := range stacks(t) {
		for _, maker := range []string{"Django", "Latchkey"} {
			t.Run(s.name+"/tables of "+maker, func(t *testing.T) {
				testenv.EachDatabase(t, func(t *testing.T, url string) {
					d := &django{stack: s, database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "settings"}
					p := &pair{django: d, maker: maker, db: testenv.OpenDB(t, url), config: d.configure(t, "--with-secrets")}
					if maker == "Django" {
						d.manage(t, "", "migrate", "-v", "0")
					} else if said, code := latchkey(t, "migrate", "--config", p.config); code != 0 {
						t.Fatalf("latchkey migrate: %s", said)
					}
					fn(t, p)
				})
			})
		}
	}
}

// TestBeside is all that the two promise each other.
func TestBeside(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		before := schemaOf(t, p.db)
		p.plansNothingForDjango(t)
		p.latchkey, p.stop = p.serveLatchkey(t, nil)
		p.findsNothingToMigrate(t)
		p.python = p.serve(t)
		if p.maker == "Django" { // hashes do not depend on it, and take their time
			t.Run("passwords", p.passwords)
		}
		t.Run("tokens", p.tokens)
		t.Run("sessions", p.sessions)
		t.Run("links", p.links)
		t.Run("new password", p.newPassword)
		t.Run("addresses", p.addresses)
		t.Run("at once", p.atOnce)
		sameSchema(t, before, schemaOf(t, p.db))
		t.Run("gone again", p.goneAgain)
		sameSchema(t, before, schemaOf(t, p.db))
	})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
