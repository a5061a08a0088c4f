package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A stack is one server to be measured, twice where it has both settings of rotation.
type stack struct {
	name     string
	postgres bool
	still    []*process // without rotation
	rotating []*process
	users    []account // one for each connection, of the servers without rotation
	tokens   []string  // the refresh tokens of those with it
}

// An account is a user with tokens.
type account struct{ name, access, refresh string }

const (
	password = "correct-horse-7"
	// secretKey is the same on all sides: as long as Latchkey wants it, as JWTs are signed with it.
	secretKey = "a-secret-key-of-the-benchmark-that-is-none-0123456789"
)

func (s *stack) processes() []*process {
	return slices.Concat(s.still, s.rotating)
}

// does tells whether the stack has the case: the ceiling only answers.
func (s *stack) does(name string) bool {
	return s.name != "ceiling" || name == "me" || name == "verify" || name == "refresh"
}

// start starts the servers of a stack, makes their users, and measures what it can before there are requests.
func (b *bench) start(name string, cases []string) (*stack, *footprint, error) {
	s := &stack{name: name, postgres: name == "postgres" || name == "django"}
	f := &footprint{Stack: name}
	var err error
	switch name {
	case "ceiling":
		var p *process
		p, err = b.launch(s, "", "/", func(address string) *exec.Cmd { return exec.Command(b.self, "ceiling", address) })
		if err == nil {
			s.still = []*process{p}
			f.Start = append(f.Start, p.started)
		}
	case "django":
		err = b.startDjango(s, f, slices.Contains(cases, "rotate"))
	default:
		err = b.startLatchkey(s, f, slices.Contains(cases, "rotate"))
	}
	if err != nil {
		return s, f, err
	}
	time.Sleep(time.Second) // what a start leaves to do is done
	if f.Idle, err = memory(s.still[0].cmd.Process.Pid, "VmRSS"); err != nil {
		return s, f, err
	}
	for i := range b.connections {
		u := account{name: fmt.Sprintf("user%d", i), access: "none", refresh: "none"}
		if name != "ceiling" {
			if u, err = register(s.still[0].address, u.name); err != nil {
				return s, f, err
			}
		}
		s.users = append(s.users, u)
		if s.rotating != nil {
			u, err := register(s.rotating[0].address, u.name)
			if err != nil {
				return s, f, err
			}
			s.tokens = append(s.tokens, u.refresh)
		}
	}
	return s, f, nil
}

// launch starts one of the servers of a stack, whose log has its name.
func (b *bench) launch(s *stack, variant, probe string, command func(address string) *exec.Cmd) (*process, error) {
	return launch(b.ctx, filepath.Join(b.folder, s.name+variant+".log"), probe, command)
}

// place makes an empty database for a stack and returns its URL.
func (b *bench) place(s *stack, variant string) (string, error) {
	name := s.name + variant
	if s.postgres {
		return b.postgres.schema(b.ctx, name)
	}
	return "sqlite://" + filepath.Join(b.folder, name+".db"), nil
}

// configuration writes Latchkey's and returns its file: the safe profile with its defaults, but for what is named here.
func (b *bench) configuration(name, database string, rotate bool) (file string, err error) {
	text, err := json.MarshalIndent(map[string]any{ // YAML takes JSON
		"database":          database,
		"secret_key":        secretKey,
		"mounts":            []any{map[string]any{"path": "/auth", "dialect": "djoser"}},
		"DOMAIN":            "app.example.com",
		"SITE_NAME":         "Example",
		"pbkdf2_iterations": b.iterations,
		// All requests come from one address.
		"throttle_rates": map[string]any{"login": nil, "register": nil, "mail": nil, "link": nil, "password": nil},
		"SIMPLE_JWT": map[string]any{
			"ACCESS_TOKEN_LIFETIME":    "1d", // one lasts as long as the benchmark
			"ROTATE_REFRESH_TOKENS":    rotate,
			"BLACKLIST_AFTER_ROTATION": rotate,
		},
	}, "", "  ")
	if err != nil {
		return "", err
	}
	file = filepath.Join(b.folder, name+".yaml")
	return file, os.WriteFile(file, text, 0o600)
}

// serveFile starts Latchkey with a configuration.
func (b *bench) serveFile(file, log string) (*process, error) {
	return launch(b.ctx, log, "/readyz", func(address string) *exec.Cmd {
		cmd := exec.Command(b.latchkey, "serve", "--config", file, "--listen", address)
		cmd.Dir, cmd.Env = b.folder, environment()
		return cmd
	})
}

func (b *bench) startLatchkey(s *stack, f *footprint, rotate bool) error {
	serve := func(variant string, rotate bool) (*process, func() (*process, error), error) {
		database, err := b.place(s, variant)
		if err != nil {
			return nil, nil, err
		}
		file, err := b.configuration(s.name+variant, database, rotate)
		if err != nil {
			return nil, nil, err
		}
		again := func() (*process, error) { return b.serveFile(file, file+".log") }
		p, err := again()
		return p, again, err
	}
	for i := range b.starts {
		p, again, err := serve(fmt.Sprintf("_start%d", i), false)
		if err != nil {
			return err
		}
		f.Empty = append(f.Empty, p.started)
		p.stop()
		if p, err = again(); err != nil {
			return err
		}
		f.Start = append(f.Start, p.started)
		p.stop()
	}
	p, _, err := serve("_still", false)
	if err != nil {
		return err
	}
	s.still = []*process{p}
	if !rotate {
		return nil
	}
	if p, _, err = serve("_rotating", true); err == nil {
		s.rotating = []*process{p}
	}
	return err
}

// environment is this process's own, without settings.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LATCHKEY_") })
}

const (
	python   = "/usr/bin/python3"
	gunicorn = "/usr/bin/gunicorn"
)

// djangoThere tells what is missing of Django.
func (b *bench) djangoThere() error {
	if _, err := os.Stat(gunicorn); err != nil {
		return fmt.Errorf("no Django: install gunicorn: %w", err)
	}
	if said, err := exec.CommandContext(b.ctx, python, "-c", "import django, rest_framework, rest_framework_simplejwt, djoser, allauth, psycopg2").CombinedOutput(); err != nil {
		return fmt.Errorf("no Django: install python3-django python3-djangorestframework python3-djangorestframework-simplejwt python3-djoser "+
			"python3-django-allauth python3-psycopg2: %w\n%s", err, said)
	}
	return nil
}

func (b *bench) startDjango(s *stack, f *footprint, rotate bool) error {
	serve := func(variant string, rotate bool) (*process, error) {
		database, err := b.place(s, variant)
		if err != nil {
			return nil, err
		}
		flag := "0"
		if rotate {
			flag = "1"
		}
		furnish := func(cmd *exec.Cmd) *exec.Cmd {
			cmd.Dir = filepath.Join(b.root, "test", "beside", "project")
			cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONWARNINGS=ignore", "PYTHONPATH="+filepath.Join(b.root, "bench", "django"),
				"DJANGO_SETTINGS_MODULE=bench_settings", "BESIDE_DATABASE="+database, "BENCH_ROTATE="+flag, fmt.Sprintf("BENCH_ITERATIONS=%d", b.iterations))
			return cmd
		}
		if said, err := furnish(exec.CommandContext(b.ctx, python, "manage.py", "migrate", "-v", "0")).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("manage.py migrate: %w\n%s", err, said)
		}
		return b.launch(s, variant, "/auth/users/me/", func(address string) *exec.Cmd {
			// the workers that gunicorn takes by itself: they close each connection after one answer, and are no slower than those with threads, which keep it
			return furnish(exec.Command(gunicorn, "--bind", address, "--workers", "2", "--log-level", "warning", "django.core.wsgi:get_wsgi_application()"))
		})
	}
	p, err := serve("_still", false)
	if err != nil {
		return err
	}
	s.still = []*process{p}
	f.Start = append(f.Start, p.started)
	if !rotate {
		return nil
	}
	if p, err = serve("_rotating", true); err == nil {
		s.rotating = []*process{p}
	}
	return err
}

// register makes a user and signs in.
func register(address, name string) (account, error) {
	u := account{name: name}
	if _, err := post(address, "/auth/users/", http.StatusCreated, map[string]string{"username": name, "email": name + "@example.com", "password": password}); err != nil {
		return u, err
	}
	pair, err := post(address, "/auth/jwt/create/", http.StatusOK, map[string]string{"username": name, "password": password})
	u.access, u.refresh = pair["access"], pair["refresh"]
	return u, err
}

// post sends JSON and reads the texts of the answer's JSON.
func post(address, path string, status int, body any) (map[string]string, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	answer, err := http.Post("http://"+address+path, "application/json", bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if data, err = io.ReadAll(answer.Body); err != nil {
		return nil, err
	}
	if answer.StatusCode != status {
		return nil, fmt.Errorf("POST %s answered %d, not %d: %.300s", path, answer.StatusCode, status, data)
	}
	var members map[string]any
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for key, value := range members {
		texts[key], _ = value.(string)
	}
	return texts, nil
}

// job is what is to be sent for a case, and to which servers; n is a number of its own.
func (s *stack) job(name string, n int) (job, []*process) {
	servers := s.still
	if name == "rotate" {
		servers = s.rotating
	}
	j := job{Status: http.StatusOK}
	for _, p := range servers {
		j.Addresses = append(j.Addresses, p.address)
	}
	if name == "register" {
		j.Status = http.StatusCreated
	}
	for i, u := range s.users {
		c := plan{Method: http.MethodPost}
		switch name {
		case "me":
			c.Method, c.Path, c.Bearer = http.MethodGet, "/auth/users/me/", u.access
		case "verify":
			c.Path, c.Body = "/auth/jwt/verify/", `{"token": "`+u.access+`"}`
		case "refresh":
			c.Path, c.Body = "/auth/jwt/refresh/", `{"refresh": "`+u.refresh+`"}`
		case "rotate":
			c.Path, c.Kind, c.Token = "/auth/jwt/refresh/", rotating, s.tokens[i]
		case "login":
			c.Path, c.Body = "/auth/jwt/create/", `{"username": "`+u.name+`", "password": "`+password+`"}`
		case "register":
			c.Path, c.Kind = "/auth/users/", unique
			c.Body = fmt.Sprintf(`{"username": "guest%d-%d-%%d", "email": "guest%d-%d-%%d@example.com", "password": "%s"}`, n, i, n, i, password)
		}
		j.Connections = append(j.Connections, c)
	}
	return j, servers
}
