package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// TestFullDisk has the disk under the database run full under load. What writes is answered 503, what only reads goes on, and the log tells why, once. When there is room again the
// same process goes on, and nothing that was acknowledged is lost.
func TestFullDisk(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		disk := testenv.SmallDisk(t, "8m")
		fillsUp(t, "sqlite://"+filepath.Join(disk, "latchkey.db"), "disk is full", func(*program) (free func()) { return fill(t, disk) })
	})
	// A limit of the process is met like the disk's end, and can be tried by anybody.
	t.Run("sqlite with a limit", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "latchkey.db")
		fillsUp(t, "sqlite://"+file, "disk I/O error", func(p *program) (free func()) {
			p.limitFiles("65536") // wherever in its journal SQLite is
			return func() { p.limitFiles("unlimited") }
		})
	})
	t.Run("postgres", func(t *testing.T) {
		disk, server := testenv.SmallDisk(t, "16m"), testenv.NewPostgres(t)
		db := openDatabase(t, server.URL)
		for _, query := range []string{"create tablespace small location '" + disk + "'", "alter role postgres set default_tablespace = small"} {
			if _, err := db.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		fillsUp(t, server.URL, "No space left on device", func(*program) (free func()) { return fill(t, disk) })
	})
}

// fillsUp is the test on one database: full leaves no room on its disk, and free gives it back. The log must hold reason.
func fillsUp(t *testing.T, url, reason string, full func(*program) (free func())) {
	l := newLoad(t, url)
	p := launch(t, t.TempDir(), freeAddress(t), "--config", l.file)
	p.ready()
	ann := map[string]string{"username": "ann", "email": "ann@example.com", "password": firstPassword}
	p.call("POST", "/auth/users/", "", ann, 201)
	access := fmt.Sprint(p.call("POST", "/auth/jwt/create/", "", ann, 200)["access"])

	var refused atomic.Int64
	l.begin(crasher{base: p.base, t: t, steady: true, refused: &refused})
	time.Sleep(300 * time.Millisecond)
	before := refused.Load()
	free := full(p)
	until(t, "writing is refused", func() bool { return refused.Load() >= before+20 })
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		p.call("GET", "/auth/users/me/", access, nil, 200)
		p.call("POST", "/auth/jwt/verify/", "", map[string]string{"token": access}, 200)
		for _, path := range []string{"/healthz", "/readyz"} {
			if got := status(t, p.base+path); got != 200 {
				t.Errorf("%s is answered %d", path, got)
			}
		}
	}
	free()
	writes, n := crasher{base: p.base, t: t, steady: true}, 0
	until(t, "writing goes on", func() bool {
		n++
		name := fmt.Sprintf("bob%d", n)
		status, _, ok := writes.post("/auth/users/", "", map[string]string{"username": name, "email": name + "@example.com", "password": firstPassword})
		return ok && status == 201
	})
	time.Sleep(300 * time.Millisecond)
	l.reckon(p)

	said := p.log.String()
	if n := strings.Count(said, `msg="the database is not available"`); n == 0 || n > 20 || !strings.Contains(said, reason) || strings.Contains(said, "level=ERROR") {
		t.Errorf("the log tells %d times that the database is not available, %d requests were refused:\n%s", n, refused.Load(), said)
	}
	t.Logf("%d requests were refused", refused.Load())
}

// fill leaves no room on a disk until it is told to free it.
func fill(t *testing.T, disk string) (free func()) {
	t.Helper()
	file, err := os.Create(filepath.Join(disk, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = file.Write(block)
	}
	if closing := file.Close(); closing != nil || !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err, closing)
	}
	return func() {
		if err := os.Remove(file.Name()); err != nil {
			t.Error(err)
		}
	}
}

// limitFiles has the running program write no file beyond a size.
func (p *program) limitFiles(size string) {
	p.t.Helper()
	if output, err := exec.Command("prlimit", "--pid", fmt.Sprint(p.cmd.Process.Pid), "--fsize="+size+":").CombinedOutput(); err != nil {
		p.t.Fatalf("prlimit: %v: %s", err, output)
	}
}
