// Package testenv is for tests only: fresh databases, the real ones.
package testenv

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib" // and the driver pgx

	"latchkey/internal/store"
)

// EachDatabase runs fn as the subtests sqlite and postgres, each with the URL of an empty database of its own.
func EachDatabase(t *testing.T, fn func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// SQLite is the URL of a file that is not there yet; it goes with the test.
func SQLite(tb testing.TB) string {
	tb.Helper()
	return "sqlite://" + filepath.Join(tb.TempDir(), "latchkey.db")
}

// Postgres is the URL of an empty schema, dropped with the test, on the server that LATCHKEY_TEST_POSTGRES names, or else on one
// that is started once for the test's process. Where there is no PostgreSQL the test is skipped, but fails if CI is set.
func Postgres(tb testing.TB) string {
	tb.Helper()
	server, err := postgres()
	if err != nil {
		missing(tb, err)
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	schema := "test_" + hex.EncodeToString(random)
	if _, err := server.admin.Exec("CREATE SCHEMA " + schema); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if _, err := server.admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			tb.Error(err)
		}
	})
	address := *server.address
	query := address.Query()
	query.Set("schema", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

// missing ends a test that has no PostgreSQL.
func missing(tb testing.TB, err error) {
	tb.Helper()
	const notice = "these tests need PostgreSQL: install the package postgresql, or name a server in LATCHKEY_TEST_POSTGRES, which does for most: %v"
	if os.Getenv("CI") != "" {
		tb.Fatalf(notice, err)
	}
	tb.Skipf(notice, err)
}

// OpenStore opens the database at address with Django's stock user table, and migrates it; it is closed with the test.
func OpenStore(tb testing.TB, address string) *store.Store {
	tb.Helper()
	s, err := store.Open(context.Background(), store.Config{URL: address, User: store.DefaultUserModel()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	if err := s.Migrate(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// OpenDB is a way into the database at address past the store, for tests that look at rows or play another program.
func OpenDB(tb testing.TB, address string) *sql.DB {
	tb.Helper()
	var db *sql.DB
	if path, ok := strings.CutPrefix(address, "sqlite://"); ok {
		var err error
		if db, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "_pragma=busy_timeout(10000)"}).String()); err != nil {
			tb.Fatal(err)
		}
	} else {
		cfg, err := pgx.ParseConfig(address)
		if err != nil {
			tb.Fatal(err)
		}
		if schema, ok := cfg.RuntimeParams["schema"]; ok {
			delete(cfg.RuntimeParams, "schema")
			cfg.RuntimeParams["search_path"] = schema
		}
		db = stdlib.OpenDB(*cfg)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// A server is a PostgreSQL that tests may make schemas on.
type server struct {
	address *url.URL
	admin   *sql.DB
}

// postgres is the server of this process.
var postgres = sync.OnceValues(func() (*server, error) {
	address := os.Getenv("LATCHKEY_TEST_POSTGRES")
	if address == "" {
		var err error
		if address, err = startPostgres(); err != nil {
			return nil, err
		}
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		return nil, err
	}
	return &server{parsed, admin}, admin.Ping()
})
