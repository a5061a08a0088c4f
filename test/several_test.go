package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// TestSeveralProgramsMailOnce has three processes on one database owe mails while the mail server is down, and then send all of them: between them, and each once.
func TestSeveralProgramsMailOnce(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		t.Parallel() // it mostly waits for the next attempts
		inbox := testenv.NewSMTP(t, testenv.SMTPOptions{})
		inbox.Stop()
		settings := shared(url)
		delete(settings, "EMAIL_BACKEND")
		settings["EMAIL_HOST"], settings["EMAIL_PORT"] = "127.0.0.1", inbox.Port()
		settings["DJOSER"] = map[string]any{"SEND_ACTIVATION_EMAIL": true, "ACTIVATION_URL": "activate/{uid}/{token}"}
		programs := make([]*program, 3)
		file := writeSettings(t, settings, "")
		for i := range programs {
			programs[i] = launch(t, t.TempDir(), freeAddress(t), "--config", file)
		}
		for _, p := range programs {
			p.ready()
		}
		const users = 60
		var all sync.WaitGroup
		for i, p := range programs {
			all.Go(func() {
				for n := i; n < users; n += len(programs) {
					p.call("POST", "/auth/users/", "", somebody(fmt.Sprint("user", n)), 201)
				}
			})
		}
		all.Wait()
		inbox.Start()
		took := map[string]string{} // the recipient by the mail's id
		for _, m := range inbox.Take(users, 2*time.Minute) {
			took[m.Header.Get("Message-ID")] = m.Header.Get("To")
		}
		to := map[string]bool{}
		for _, recipient := range took {
			to[recipient] = true
		}
		if len(took) != users || len(to) != users {
			t.Errorf("%d mails came for %d users: %d ids, %d recipients", users, users, len(took), len(to))
		}
		until(t, "nothing is owed any more", func() (none bool) {
			err := openDatabase(t, url).QueryRow("SELECT NOT EXISTS (SELECT 1 FROM latchkey_mail)").Scan(&none)
			return err == nil && none
		})
		for _, p := range programs {
			p.terminate()
		}
		if more := inbox.Messages(); len(more) > 0 {
			t.Errorf("and then %d more", len(more))
		}
	})
}

// TestMigrationBesideOldProcess starts the next version beside a process of this one that is under load, with changes of every kind that a migration may make: it adds columns, indexes and
// tables to those in use, and fills them. No client of either notices.
func TestMigrationBesideOldProcess(t *testing.T) {
	url, folder := testenv.Postgres(t), t.TempDir()
	next := nextVersion(t, folder, `
		ALTER TABLE latchkey_device ADD COLUMN next_name text NOT NULL DEFAULT '';
		ALTER TABLE latchkey_refresh ADD COLUMN next_mark integer;
		CREATE INDEX latchkey_refresh_next ON latchkey_refresh (issued_at);
		ALTER TABLE latchkey_audit ADD COLUMN next_place text NOT NULL DEFAULT '';
		CREATE TABLE latchkey_next (user_id text NOT NULL PRIMARY KEY, seen integer NOT NULL);
		INSERT INTO latchkey_next SELECT user_id, count(*) FROM latchkey_device GROUP BY user_id;
		UPDATE latchkey_refresh SET next_mark = 1;`)
	file := writeSettings(t, shared(url), "")
	p := launch(t, folder, freeAddress(t), "--config", file)
	p.ready()
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 10}}
	old := gather(t, p.base, client, 4)
	time.Sleep(500 * time.Millisecond) // every statement has been prepared, and rows are there

	address := freeAddress(t)
	cmd := exec.Command(next, "serve", "--listen", address, "--config", file)
	cmd.Dir, cmd.Env = folder, environment()
	upgraded := start(t, cmd, "http://"+address)
	upgraded.ready()
	var filled bool
	if err := openDatabase(t, url).QueryRow("SELECT EXISTS (SELECT 1 FROM latchkey_next) AND EXISTS (SELECT 1 FROM latchkey_refresh WHERE next_mark = 1)").Scan(&filled); err != nil || !filled {
		t.Errorf("the next version changed nothing: %v", err)
	}
	both := &crowd{t: t, base: upgraded.base, client: client}
	for i := range 20 {
		both.live(fmt.Sprintf("next%d", i))
	}
	if n := both.failed.Load(); n > 0 {
		t.Errorf("%d requests failed at the next version", n)
	}
	time.Sleep(500 * time.Millisecond)
	old.dismiss()
	for _, p := range []*program{p, upgraded} {
		if said := p.log.String(); strings.Contains(said, "level=ERROR") {
			t.Errorf("the log holds an error:\n%s", said)
		}
	}
}

// nextVersion is the program with one more step for PostgreSQL's schema than there is.
func nextVersion(t *testing.T, folder, step string) (path string) {
	t.Helper()
	schema, err := filepath.Abs("../internal/store/schema/postgres/9999_next.sql")
	if err != nil {
		t.Fatal(err)
	}
	file, overlay := filepath.Join(folder, "next.sql"), filepath.Join(folder, "overlay.json")
	replace, _ := json.Marshal(map[string]any{"Replace": map[string]string{schema: file}}) // never fails
	for name, data := range map[string][]byte{file: []byte(step), overlay: replace} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(folder, "latchkey-next")
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", path, "latchkey/cmd/latchkey").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}
