package main

import (
	"context"
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

	"github.com/jackc/pgx/v5"
)

// lifetime runs the server $1 on the folder $2 for as long as its standard input is open: it ends with this process, however that does. Unlike the tests' server
// (internal/testenv) it is as PostgreSQL comes: what is committed is on the disk.
const lifetime = `
"$1" -D "$2/data" -k "$2" -c listen_addresses= >"$2/log" 2>&1 &
echo $!
cat >/dev/null
kill -INT $!
wait
cd /
rm -rf "$2"
`

// A database is a PostgreSQL server.
type database struct {
	pid     int
	address url.URL
	admin   *pgx.Conn
	script  *exec.Cmd
	open    io.Closer
}

// startPostgres makes a cluster in a folder for the time being and starts its server.
func startPostgres(ctx context.Context) (d *database, err error) {
	initdb, server, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "latchkey-bench-postgres-")
	if err != nil {
		return nil, err
	}
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(folder))
		}
	}
	cluster := exec.CommandContext(ctx, initdb, "-D", filepath.Join(folder, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")
	cluster.Dir, cluster.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as}
	if said, err := cluster.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, said), os.RemoveAll(folder))
	}
	d = &database{script: exec.Command("sh", "-c", lifetime, "sh", server, folder)}
	d.script.Dir, d.script.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as, Setsid: true}
	if d.open, err = d.script.StdinPipe(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	said, err := d.script.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := d.script.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	defer func() {
		if err != nil {
			d.stop()
		}
	}()
	if _, err := fmt.Fscan(said, &d.pid); err != nil {
		return nil, err
	}
	d.address = url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {folder}}.Encode()}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if d.admin, err = pgx.Connect(ctx, d.address.String()); err == nil {
			return d, nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return nil, err
		}
	}
}

// stop ends the server; its folder goes.
func (d *database) stop() {
	if d.admin != nil {
		_ = d.admin.Close(context.Background())
	}
	_ = d.open.Close()
	_ = d.script.Wait() // its code is the server's
}

// schema makes one and returns its URL, as Latchkey and the Django project write it.
func (d *database) schema(ctx context.Context, name string) (string, error) {
	if _, err := d.admin.Exec(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", err
	}
	address := d.address
	query := address.Query()
	query.Set("schema", name)
	address.RawQuery = query.Encode()
	return address.String(), nil
}

// binaries finds initdb and postgres: on the PATH, or where Debian and its kin put them, newest first.
func binaries() (initdb, server string, err error) {
	if initdb, err = exec.LookPath("initdb"); err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
		if len(found) == 0 {
			return "", "", errors.New("there is no initdb")
		}
		version := func(path string) int {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 sorts last
			return n
		}
		initdb = slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	}
	if initdb, err = filepath.EvalSymlinks(initdb); err != nil {
		return "", "", err
	}
	server = filepath.Join(filepath.Dir(initdb), "postgres")
	_, err = os.Stat(server)
	return initdb, server, err
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
