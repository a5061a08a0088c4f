package testenv

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// lifetime runs the server $1 on the folder $2 for as long as its standard input is open, which is as long as the process of the test
// lives: however that ends, the server ends too, and its folder goes. Only a socket in the folder, which nobody else may enter, leads to it.
const lifetime = `
"$1" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c max_connections=400 -c shared_buffers=64MB -c autovacuum=off &
cat >/dev/null
kill -QUIT $!
wait
cd /
rm -rf "$2"
`

// keepOpen holds the other end of that standard input, so that it is not closed before the process ends.
var keepOpen io.WriteCloser

// startPostgres makes a database cluster in a temporary folder and starts its server. It returns its URL.
func startPostgres() (address string, err error) {
	initdb, server, err := binaries()
	if err != nil {
		return "", err
	}
	as, err := unprivileged()
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "latchkey-postgres-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			return "", err
		}
	}
	cluster := exec.Command(initdb, "-D", filepath.Join(folder, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	cluster.Dir, cluster.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as}
	if output, err := cluster.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, output)
	}
	running := exec.Command("sh", "-c", lifetime, "sh", server, folder)
	// a session of its own: Ctrl-C in the terminal is for the tests, and the server ends after them
	running.Dir, running.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as, Setsid: true}
	if keepOpen, err = running.StdinPipe(); err != nil {
		return "", err
	}
	if err := running.Start(); err != nil {
		return "", err
	}
	address = (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {folder}}.Encode()}).String()
	if err := answering(address); err != nil {
		return "", errors.Join(err, keepOpen.Close())
	}
	return address, nil
}

// answering waits until the server answers.
func answering(address string) error {
	pool, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := pool.PingContext(ctx)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, pool.Close())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// binaries finds initdb and postgres: on the PATH, or where Debian and its kin put them, newest first.
func binaries() (initdb, server string, err error) {
	if initdb, err = exec.LookPath("initdb"); err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
		if len(found) == 0 {
			return "", "", errors.New("there is no initdb")
		}
		initdb = slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return "", "", err
	}
	server = filepath.Join(filepath.Dir(initdb), "postgres")
	if _, err := os.Stat(server); err != nil {
		return "", "", err
	}
	return initdb, server, nil
}

// version is the 15 of /usr/lib/postgresql/15/bin/initdb.
func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 sorts last
	return n
}

// unprivileged is whom the server runs as: PostgreSQL refuses root, so the user postgres there, and otherwise whoever we are.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
