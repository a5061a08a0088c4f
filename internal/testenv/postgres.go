package testenv

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// lifetime does with the server $2 … what its standard input tells, a word a line: start, or the name of a signal that ends it. When that input closes, which is as long as
// the process of the test lives, however that ends, the server ends too, and its folder $1 goes.
const lifetime = `
folder=$1
shift
while read -r order; do
	case $order in
	start) "$@" & ;;
	*) kill -s "$order" $!; wait $! ;;
	esac
done
kill -s QUIT $!
wait
cd /
rm -rf "$folder"
`

// A cluster is a PostgreSQL server that runs on a temporary folder.
type cluster struct {
	folder string
	orders io.WriteCloser // of lifetime
}

// keepOpen is the cluster of this process, whose orders must not be closed before the process ends.
var keepOpen *cluster

// startPostgres makes a cluster and starts it. Only a socket in its folder, which nobody else may enter, leads to it. It returns its URL.
func startPostgres() (address string, err error) {
	keepOpen, err = newCluster("trust", "unasked", nil, "-c", "listen_addresses=", "-c", "synchronous_commit=off", "-c", "max_connections=400")
	if err != nil {
		return "", err
	}
	address = (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {keepOpen.folder}}.Encode()}).String()
	if err := errors.Join(keepOpen.order("start"), answering(address)); err != nil {
		return "", errors.Join(err, keepOpen.orders.Close())
	}
	return address, nil
}

// newCluster makes a database cluster in a temporary folder, whose superuser postgres has the password and signs in by the method. Its server, told to start, is run
// by the command wrapper, with options. What the machine might lose in a power cut is not waited for.
func newCluster(method, password string, wrapper []string, options ...string) (c *cluster, err error) {
	initdb, server, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "latchkey-postgres-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	secret, data := filepath.Join(folder, "password"), filepath.Join(folder, "data")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		return nil, err
	}
	if as != nil {
		if err := errors.Join(os.Chown(folder, int(as.Uid), int(as.Gid)), os.Chown(secret, int(as.Uid), int(as.Gid))); err != nil {
			return nil, err
		}
	}
	making := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", method, "--pwfile", secret, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	making.Dir, making.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as}
	if output, err := making.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	running := exec.Command("sh", slices.Concat([]string{"-c", lifetime, "sh", folder}, wrapper, []string{server, "-D", data, "-k", folder, "-c", "fsync=off",
		"-c", "full_page_writes=off", "-c", "shared_buffers=64MB", "-c", "autovacuum=off"}, options)...)
	// a session of its own: Ctrl-C in the terminal is for the tests, and the server ends after them
	running.Dir, running.SysProcAttr = folder, &syscall.SysProcAttr{Credential: as, Setsid: true}
	c = &cluster{folder: folder}
	if c.orders, err = running.StdinPipe(); err != nil {
		return nil, err
	}
	return c, running.Start()
}

// order tells lifetime what to do.
func (c *cluster) order(word string) error {
	_, err := io.WriteString(c.orders, word+"\n")
	return err
}

// An OwnPostgres is a PostgreSQL server of one test, which may kill it. It listens on a port of this machine and asks for a password. What it has acknowledged outlives it.
type OwnPostgres struct {
	// URL is its database postgres, with Password in it.
	URL, Password string

	tb      testing.TB
	cluster *cluster
}

// NewPostgres starts such a server; it goes with the test. Where there is no PostgreSQL the test is skipped, but fails if CI is set.
func NewPostgres(tb testing.TB) *OwnPostgres {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()
	p := &OwnPostgres{Password: "s3cret" + rand.Text(), tb: tb}
	p.URL = (&url.URL{Scheme: "postgres", User: url.UserPassword("postgres", p.Password), Host: address.String(), Path: "/postgres", RawQuery: "sslmode=disable"}).String()
	flock, err := exec.LookPath("flock")
	if err != nil {
		missing(tb, err)
	}
	// All processes of a server inherit the lock, and those that outlive a killed one for a moment must not meet the next.
	p.cluster, err = newCluster("scram-sha-256", p.Password, []string{flock, "-F", "lock"}, "-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(address.Port))
	if err != nil {
		missing(tb, err)
	}
	tb.Cleanup(func() { p.cluster.orders.Close() })
	p.Start()
	return p
}

// Kill ends the server at once by a signal: KILL, which leaves it no time for anything, or QUIT, which it calls an immediate shutdown.
func (p *OwnPostgres) Kill(signal string) {
	p.tb.Helper()
	if err := p.cluster.order(signal); err != nil {
		p.tb.Fatal(err)
	}
}

// Start starts the server where it was, and waits until it answers.
func (p *OwnPostgres) Start() {
	p.tb.Helper()
	if err := errors.Join(p.cluster.order("start"), answering(p.URL)); err != nil {
		p.tb.Fatal(err)
	}
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
