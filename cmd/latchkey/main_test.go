package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// asProgram makes the test's own binary be the program: it is the same code, and need not be built a second time.
const asProgram = "LATCHKEY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A shell runs the program in a folder.
type shell struct {
	t      *testing.T
	folder string
	env    []string
}

func newShell(t *testing.T, env ...string) *shell {
	return &shell{t: t, folder: t.TempDir(), env: env}
}

func (s *shell) command(args ...string) *exec.Cmd {
	s.t.Helper()
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = s.folder
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LATCHKEY_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, asProgram+"=1"), s.env...)
	return cmd
}

// run runs the program to its end with a text on standard input, and fails the test unless it leaves with the code.
func (s *shell) run(code int, input string, args ...string) (stdout, stderr string) {
	s.t.Helper()
	cmd := s.command(args...)
	var out, problems bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &problems
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("latchkey %s: left with %d, want %d\n%s%s", strings.Join(args, " "), got, code, &out, &problems)
	}
	return out.String(), problems.String()
}

func (s *shell) write(name, text string) string {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// database opens the one that development mode makes.
func (s *shell) database() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.folder, "latchkey.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

const goodSecret = "secret_key: a-key-for-tests-of-more-than-32-letters\n"

func TestConfigCheckSaysWhatIsWrong(t *testing.T) {
	s := newShell(t)
	tests := []struct {
		name, text string
		want       []string // lines, without the folder
	}{
		{"misspelt", goodSecret + "DJOSER:\n  LOGIN_FEILD: email\n", []string{"3:3: DJOSER.LOGIN_FEILD: no such setting; did you mean LOGIN_FIELD?"}},
		{"not YAML", "mounts: [\n", []string{"this is not YAML"}},
		{"wrong type", goodSecret + "USE_TZ: perhaps\n", []string{"2:9: USE_TZ: true or false is wanted here, not a text"}},
		{"several", "listen: nowhere\nDJOSER: {LOGIN_FIELD: nick}\n", []string{
			`1:1: listen: "nowhere" is no address and port; write one as in 127.0.0.1:8000`,
			`2:10: DJOSER.LOGIN_FIELD: "nick" is not known here; write username or email`,
			"secret_key: there is no secret key",
		}},
		{"twice", goodSecret + "profile: safe\nprofile: exact\n", []string{"3:1: profile: given twice; keep one of them"}},
		{"a class", goodSecret + "DJOSER: {SERIALIZERS: {user: shop.UserSerializer}}\n", []string{"2:24: DJOSER.SERIALIZERS.user: Python classes cannot run here"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			file := s.write("broken.yaml", test.text)
			out, problems := s.run(2, "", "config", "check", file)
			if out != "" {
				t.Errorf("on standard output: %s", out)
			}
			for _, want := range test.want {
				if !strings.Contains(problems, want) {
					t.Errorf("got %s\nwant %s", problems, want)
				}
			}
			lines := strings.Split(strings.TrimSpace(problems), "\n")
			if lines[0] != "latchkey: the configuration cannot be used:" || len(lines) != 1+len(test.want) {
				t.Errorf("got %d lines, want a title and one for each problem:\n%s", len(lines), problems)
			}
			if path := filepath.Join(s.folder, file) + ":"; !strings.HasPrefix(lines[1], path) {
				t.Errorf("the first problem does not begin with the place %s: %s", path, lines[1])
			}
		})
	}
	s.t = t
	file := s.write("fine.yaml", goodSecret+"DJOSER: {HIDE_USERS: false}\n")
	out, _ := s.run(0, "", "config", "check", file)
	for _, want := range []string{"note: TIME_ZONE is not set", "risk: DJOSER.HIDE_USERS is off", "fine.yaml is fine."} {
		if !strings.Contains(out, want) {
			t.Errorf("got %s\nwant %s", out, want)
		}
	}
}

func TestConfigShowHidesSecrets(t *testing.T) {
	s := newShell(t, "LATCHKEY_SITE_NAME=Shop", "LATCHKEY_SIMPLE_JWT__SIGNING_KEY=hunter2-hunter2-hunter2-hunter2-hunter2")
	file := s.write("latchkey.yaml", "secret_key: hunter2-hunter2-hunter2-hunter2-hunter2\ndatabase: postgres://ann:hunter2@db/app\n"+
		"EMAIL_HOST: mail\nEMAIL_USE_TLS: true\nEMAIL_HOST_USER: ann\nEMAIL_HOST_PASSWORD: hunter2\nSECRET_KEY_FALLBACKS: [hunter2-hunter2]\n")
	out, problems := s.run(0, "", "config", "show", "--config", file)
	if strings.Contains(out+problems, "hunter2") {
		t.Errorf("a secret is shown:\n%s%s", out, problems)
	}
	from := map[string]string{}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		from[fields[0]] = strings.Join(fields[1:], " ")
	}
	path := filepath.Join(s.folder, file)
	for key, want := range map[string]string{
		"secret_key":             "(hidden) " + path + ":1",
		"database":               "postgres://ann:(hidden)@db/app " + path + ":2",
		"SITE_NAME":              "Shop environment LATCHKEY_SITE_NAME",
		"SIMPLE_JWT.SIGNING_KEY": "(hidden) environment LATCHKEY_SIMPLE_JWT__SIGNING_KEY",
		"USE_TZ":                 "true default",
	} {
		if from[key] != want {
			t.Errorf("%s: got %q, want %q", key, from[key], want)
		}
	}
	out, _ = s.run(0, "", "config", "show", "--config", file, "--database", "sqlite://other.db", "--given")
	if !strings.Contains(out, "sqlite://other.db") || !strings.Contains(out, "flag --database") || strings.Contains(out, "USE_TZ") {
		t.Errorf("with --given and a flag:\n%s", out)
	}
	if entries, err := os.ReadDir(s.folder); err != nil || len(entries) != 1 {
		t.Errorf("looking at the configuration left files behind: %v, %v", entries, err)
	}
}

func TestMigrate(t *testing.T) {
	s := newShell(t)
	tables := func() (n int) {
		db, err := sql.Open("sqlite", filepath.Join(s.folder, "latchkey.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	plan, _ := s.run(0, "", "migrate", "--plan")
	if !strings.Contains(plan, `CREATE TABLE "auth_user"`) || !strings.Contains(plan, "CREATE TABLE latchkey_mail") {
		t.Errorf("the plan lacks tables:\n%s", plan)
	}
	if n := tables(); n != 0 {
		t.Errorf("the plan made %d tables and indexes", n)
	}
	if again, _ := s.run(0, "", "migrate", "--plan"); again != plan {
		t.Errorf("a second plan differs:\n%s", again)
	}
	out, _ := s.run(0, "", "migrate")
	if !strings.HasPrefix(out, "applied ") || strings.Count(out, "applied ") != strings.Count(out, "\n") {
		t.Errorf("migrate: %s", out)
	}
	if tables() == 0 {
		t.Error("no table is there")
	}
	for _, args := range [][]string{{"migrate"}, {"migrate", "--plan"}} {
		if out, _ := s.run(0, "", args...); out != "The database is up to date.\n" {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// A serving is the program while it serves.
type serving struct {
	base string
	cmd  *exec.Cmd
	said *bytes.Buffer // complete after stop
}

func (s *shell) serve(args ...string) *serving {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	sv := &serving{base: "http://" + address, cmd: s.command(append([]string{"serve", "--listen", address}, args...)...), said: new(bytes.Buffer)}
	sv.cmd.Stdout, sv.cmd.Stderr = sv.said, sv.said
	if err := sv.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { sv.stop(s.t) })
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get(sv.base + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return sv
			}
		}
	}
	s.t.Fatal("the program did not get ready")
	return nil
}

// stop asks the program to leave and waits. A second call does nothing.
func (sv *serving) stop(t *testing.T) {
	if sv.cmd.ProcessState != nil {
		return
	}
	if err := sv.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := sv.cmd.Wait(); err != nil {
		t.Errorf("serve: %v\n%s", err, sv.said)
	}
}

// signIn asks for tokens.
func (sv *serving) signIn(t *testing.T, username, password string) (status int, body map[string]string) {
	t.Helper()
	form := fmt.Sprintf(`{"username": %q, "password": %q}`, username, password)
	answer, err := http.Post(sv.base+"/auth/jwt/create/", "application/json", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &body); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return answer.StatusCode, body
}

func TestUsers(t *testing.T) {
	s := newShell(t)
	const password, other = "Nw7!xyzzyQ", "Qw8?plughZ"
	out, problems := s.run(0, password+"\n", "user", "create", "root", "--email", "root@example.com", "--superuser")
	if out != "made user root with id 1\n" || problems != "" {
		t.Errorf("create: %s%s", out, problems)
	}
	for _, refused := range []struct{ name, input, want string }{
		{"root", password, "latchkey: there is a user root already\n"},
		{"bob", "short", "latchkey: This password is too short. It must contain at least 8 characters.\n"},
		{"bob", "", "latchkey: no password on standard input\n"},
		{"b o b", password, "latchkey: a username holds letters, digits and @ . + - _ only\n"},
	} {
		if _, got := s.run(1, refused.input, "user", "create", refused.name); got != refused.want {
			t.Errorf("create %s: got %s want %s", refused.name, got, refused.want)
		}
	}
	list, _ := s.run(0, "", "user", "list")
	want := "ID  USERNAME  EMAIL             STATUS            LAST LOGIN\n" +
		"1   root      root@example.com  active superuser  never\n"
	if list != want {
		t.Errorf("list:\n%swant\n%s", list, want)
	}

	sv := s.serve()
	status, pair := sv.signIn(t, "root", password)
	if status != http.StatusOK {
		t.Fatalf("sign-in: %d %v", status, pair)
	}
	if out, _ := s.run(0, "", "user", "deactivate", "root"); out != "user root is inactive\n" {
		t.Errorf("deactivate: %s", out)
	}
	if status, body := sv.signIn(t, "root", password); status != http.StatusUnauthorized {
		t.Errorf("an inactive user signs in: %d %v", status, body)
	}
	form := strings.NewReader(`{"refresh": "` + pair["refresh"] + `"}`)
	answer, err := http.Post(sv.base+"/auth/jwt/refresh/", "application/json", form)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("an inactive user refreshes: %d", answer.StatusCode)
	}
	if out, _ := s.run(0, "", "user", "activate", "root"); out != "user root is active\n" {
		t.Errorf("activate: %s", out)
	}
	if out, _ := s.run(0, other, "user", "set-password", "root"); out != "user root has a new password\n" {
		t.Errorf("set-password: %s", out)
	}
	if status, _ := sv.signIn(t, "root", password); status != http.StatusUnauthorized {
		t.Errorf("the old password: %d", status)
	}
	if status, _ := sv.signIn(t, "root", other); status != http.StatusOK {
		t.Errorf("the new password: %d", status)
	}
	for _, verb := range []string{"activate", "deactivate", "set-password"} {
		if _, problems := s.run(1, other, "user", verb, "nobody"); problems != "latchkey: there is no user nobody\n" {
			t.Errorf("%s: %s", verb, problems)
		}
	}
	sv.stop(t)
	for _, secret := range []string{password, other, pair["access"], pair["refresh"]} {
		if strings.Contains(sv.said.String(), secret) {
			t.Error("the log holds a secret")
		}
	}
}

func TestFlushExpiredTokens(t *testing.T) {
	s := newShell(t)
	if out, _ := s.run(0, "", "flush-expired-tokens"); out != "deleted 0 expired rows\n" {
		t.Errorf("an empty database: %s", out)
	}
	s.run(0, "Nw7!xyzzyQ", "user", "create", "ann")
	db := s.database()
	for jti, expires := range map[string]string{"old": "2020-01-01 00:00:00", "good": "2999-01-01 00:00:00"} {
		if _, err := db.Exec(`INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti) VALUES ('', NULL, $1, 1, $2)`, expires, jti); err != nil {
			t.Fatal(err)
		}
	}
	if out, _ := s.run(0, "", "flush-expired-tokens"); out != "deleted 1 expired rows\n" {
		t.Errorf("one of two tokens: %s", out)
	}
	var left string
	if err := db.QueryRow("SELECT jti FROM token_blacklist_outstandingtoken").Scan(&left); err != nil || left != "good" {
		t.Errorf("%q is left, %v", left, err)
	}
}

// TestSuggestedRequest does what the program says at its start.
func TestSuggestedRequest(t *testing.T) {
	for _, settings := range []string{"", "mounts: [{path: /api/v1, dialect: djoser}]\nDJOSER: {USER_CREATE_PASSWORD_RETYPE: true}\n"} {
		s := newShell(t)
		sv := s.serve("--config", s.write("latchkey.yaml", "development: true\n"+settings))
		sv.stop(t)
		_, command, found := strings.Cut(sv.said.String(), "Try it:\n  curl ")
		command, _, _ = strings.Cut(command, "\n")
		words := strings.Split(command, " -d ")
		if !found || len(words) < 4 {
			t.Fatalf("nothing is suggested:\n%s", sv.said)
		}
		again := s.serve("--config", "latchkey.yaml")
		path := strings.TrimPrefix(words[0], sv.base)
		answer, err := http.Post(again.base+path, "application/x-www-form-urlencoded", strings.NewReader(strings.Join(words[1:], "&")))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			t.Errorf("%s: %d", command, answer.StatusCode)
		}
	}
}

// TestPortInUse starts the program where something listens already.
func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := l.Addr().String()
	_, problems := newShell(t).run(1, "", "serve", "--listen", address)
	if want := "latchkey: another program listens on " + address + " already"; !strings.Contains(problems, want) {
		t.Errorf("got %s\nwant %s", problems, want)
	}
}

func TestCommandLine(t *testing.T) {
	s := newShell(t)
	out, _ := s.run(0, "", "--help")
	for _, command := range []string{"serve", "migrate", "user create", "user list", "user activate", "user deactivate", "user set-password",
		"flush-expired-tokens", "config check", "config show", "version"} {
		if !strings.Contains(out, "\n  "+command) {
			t.Errorf("--help does not name %s:\n%s", command, out)
		}
	}
	if out, _ := s.run(0, "", "serve", "--help"); !strings.Contains(out, "--listen=HOST:PORT") || !strings.Contains(out, "LATCHKEY_CONFIG") {
		t.Errorf("serve --help:\n%s", out)
	}
	if out, _ := s.run(0, "", "version"); !strings.HasPrefix(out, "latchkey ") || strings.Count(out, "\n") != 1 {
		t.Errorf("version: %s", out)
	}
	for _, wrong := range []struct {
		args []string
		want string
	}{
		{nil, "expected one of"},
		{[]string{"serv"}, "unexpected argument serv"},
		{[]string{"serve", "--bogus"}, "unknown flag --bogus"},
		{[]string{"serve", "--config", "none.yaml"}, "none.yaml: no such file or directory"},
		{[]string{"user", "create"}, "<username>"},
		{[]string{"config", "check", "none.yaml"}, "none.yaml: no such file or directory"},
	} {
		out, problems := s.run(2, "", wrong.args...)
		if !strings.Contains(problems, wrong.want) {
			t.Errorf("%v: got %s want %s", wrong.args, problems, wrong.want)
		}
		if all := out + problems; strings.Count(all, "\n") > 6 || !strings.Contains(all, "--help") {
			t.Errorf("%v: want a few lines that lead to --help, got\n%s", wrong.args, all)
		}
	}
}
