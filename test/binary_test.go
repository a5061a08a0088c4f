package test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// built is the folder of the program, once it is there.
var built string

// build makes the program, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if built, err = os.MkdirTemp("", "latchkey-binary-"); err != nil {
		return "", err
	}
	path := filepath.Join(built, "latchkey")
	out, err := exec.Command("go", "build", "-o", path, "latchkey/cmd/latchkey").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// A program is the real Latchkey, running.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string // http://host:port
	log  *lockedBuffer
	gone chan struct{} // closed when it has ended
}

// launch starts the program in a folder, with nothing of this process's own settings in its environment.
func launch(t *testing.T, folder, listen string, args ...string) *program {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"serve", "--listen", listen}, args...)...)
	cmd.Dir, cmd.Env = folder, environment()
	return start(t, cmd, "http://"+listen)
}

// environment is this process's own, without settings.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LATCHKEY_") })
}

// start starts a command that serves at a base URL, until the test ends.
func start(t *testing.T, cmd *exec.Cmd, base string) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, base: base, log: new(lockedBuffer), gone: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.WaitDelay = 10 * time.Second // for what it started itself
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.gone
		if t.Failed() {
			t.Logf("the program said:\n%s", p.log)
		}
	})
	return p
}

// ready waits until the program answers.
func (p *program) ready() {
	p.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.gone:
			p.t.Fatalf("the program ended: %v", p.cmd.ProcessState)
		default:
		}
		if answer, err := http.Get(p.base + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
	}
	p.t.Fatal("the program did not get ready")
}

// logs says whether the program has said something, and waits for it a while: the line of a request is written when its answer is already out.
func (p *program) logs(text string) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(p.log.String(), text) {
			return true
		}
	}
	return false
}

// kill ends the program at once, as a power cut would.
func (p *program) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.gone
}

// call sends JSON and reads JSON, and fails the test unless the status is the one wanted. An empty answer leaves nil.
func (p *program) call(method, path, bearer string, body any, status int) map[string]any {
	p.t.Helper()
	var payload io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		payload = bytes.NewReader(data)
	}
	r, err := http.NewRequest(method, p.base+path, payload)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if answer.StatusCode != status {
		p.t.Fatalf("%s %s answered %d, not %d: %s", method, path, answer.StatusCode, status, data)
	}
	if len(data) == 0 {
		return nil
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		p.t.Fatalf("%s %s answered %s: %v", method, path, data, err)
	}
	return out
}

// freeAddress is a loopback address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestFirstMinutes is what the README shows: no configuration, an account, its mail, its tokens, and a clean end.
func TestFirstMinutes(t *testing.T) {
	p := launch(t, t.TempDir(), freeAddress(t))
	p.ready()
	ann := map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}
	if got := p.call("POST", "/auth/users/", "", ann, 201); got["username"] != "ann" || got["id"] != 1.0 {
		t.Fatalf("sign-up answered %v", got)
	}
	credentials := map[string]string{"username": "ann", "password": "Nw7!xyzzyQ"}
	p.call("POST", "/auth/jwt/create/", "", credentials, 401)

	uid, token := p.activationLink("ann@example.com")
	p.call("POST", "/auth/users/activation/", "", map[string]string{"uid": uid, "token": token}, 204)
	pair := p.call("POST", "/auth/jwt/create/", "", credentials, 200)
	access, refresh := fmt.Sprint(pair["access"]), fmt.Sprint(pair["refresh"])
	if me := p.call("GET", "/auth/users/me/", access, nil, 200); me["email"] != "ann@example.com" {
		t.Errorf("me answered %v", me)
	}
	fresh := p.call("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": refresh}, 200)
	p.call("GET", "/auth/users/me/", fmt.Sprint(fresh["access"]), nil, 200)
	p.call("POST", "/auth/jwt/verify/", "", map[string]string{"token": access}, 200)
	p.call("POST", "/auth/jwt/verify/", "", map[string]string{"token": access + "x"}, 401)
	p.terminate()
	for _, secret := range []string{"Nw7!xyzzyQ", access, refresh} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the log holds a secret")
		}
	}
}

// activationLink reads uid and token from the newest mail to an address in the development mailbox, once it has come.
func (p *program) activationLink(to string) (uid, token string) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get(p.base + "/dev/mail?format=json")
		if err != nil {
			p.t.Fatal(err)
		}
		var mails []struct{ To, Text string }
		err = json.NewDecoder(answer.Body).Decode(&mails)
		answer.Body.Close()
		if err != nil {
			p.t.Fatalf("/dev/mail: %v", err)
		}
		for _, m := range mails {
			if found := mailedToken.FindStringSubmatch(m.Text); found != nil && m.To == to {
				return found[1], found[2]
			}
		}
	}
	p.t.Fatalf("no mail to %s came", to)
	return "", ""
}

// terminate asks the program to stop, and expects it to leave with 0.
func (p *program) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.gone:
	case <-time.After(30 * time.Second):
		p.t.Fatal("the program did not stop")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("the program left with %d", code)
	}
}

// configure writes a configuration file with an SMTP server and a database.
func configure(t *testing.T, database string, smtp *testenv.SMTP) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{ // YAML takes JSON
		"database":   database,
		"secret_key": secretKey,
		"mounts":     []any{map[string]any{"path": "/auth", "dialect": "djoser"}},
		"DOMAIN":     "example.com",
		"SITE_NAME":  "Example",
		"EMAIL_HOST": "127.0.0.1",
		"EMAIL_PORT": smtp.Port(),
		"DJOSER":     map[string]any{"SEND_ACTIVATION_EMAIL": true, "ACTIVATION_URL": "activate/{uid}/{token}"},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestOwedMailOutlivesACrash kills the program while it owes a mail that no server takes, and starts it again.
func TestOwedMailOutlivesACrash(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		file := configure(t, url, smtp)
		smtp.Stop()
		p := launch(t, t.TempDir(), freeAddress(t), "--config", file)
		p.ready()
		ann := map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}
		p.call("POST", "/auth/users/", "", ann, 201)
		p.kill()

		db := openDatabase(t, url)
		id := owedMessage(t, db)
		// The dead process may hold the mail for a while yet; the test does not wait for that.
		if _, err := db.Exec("update latchkey_mail set next_attempt_at = created_at"); err != nil {
			t.Fatal(err)
		}
		smtp.Start()
		p = launch(t, t.TempDir(), freeAddress(t), "--config", file)
		p.ready()
		for _, m := range smtp.Take(1, 60*time.Second) {
			if got := strings.Trim(m.Header.Get("Message-ID"), "<>"); got != id {
				t.Errorf("the mail has the Message-ID %q, and was owed as %q", got, id)
			}
			found := mailedToken.FindStringSubmatch(m.Text)
			if found == nil {
				t.Fatalf("there is no link in\n%s", m.Text)
			}
			p.call("POST", "/auth/users/activation/", "", map[string]string{"uid": found[1], "token": found[2]}, 204)
		}
		p.terminate()
		for _, m := range smtp.Messages() {
			if got := strings.Trim(m.Header.Get("Message-ID"), "<>"); got != id {
				t.Errorf("another mail came: %q", got)
			}
		}
	})
}

// owedMessage is the Message-ID of the one mail that is owed.
func owedMessage(t *testing.T, db *sql.DB) string {
	t.Helper()
	var n int
	var id string
	if err := db.QueryRow("select count(*), max(message_id) from latchkey_mail").Scan(&n, &id); err != nil {
		t.Fatal(err)
	}
	if n != 1 {
		t.Fatalf("%d mails are owed, not 1", n)
	}
	return id
}

// TestTwoAtOnce starts two programs on one empty database, as a deployment does, and uses both.
func TestTwoAtOnce(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		file := configure(t, url, smtp)
		folder := t.TempDir()
		one := launch(t, folder, freeAddress(t), "--config", file)
		two := launch(t, folder, freeAddress(t), "--config", file)
		one.ready()
		two.ready()
		ann := map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}
		one.call("POST", "/auth/users/", "", ann, 201)
		two.call("POST", "/auth/users/", "", ann, 400)
		found := mailedToken.FindStringSubmatch(smtp.Take(1, 60*time.Second)[0].Text)
		if found == nil {
			t.Fatal("there is no link in the mail")
		}
		two.call("POST", "/auth/users/activation/", "", map[string]string{"uid": found[1], "token": found[2]}, 204)
		pair := one.call("POST", "/auth/jwt/create/", "", map[string]string{"username": "ann", "password": ann["password"]}, 200)
		two.call("GET", "/auth/users/me/", fmt.Sprint(pair["access"]), nil, 200)
		one.terminate()
		two.terminate()
	})
}
