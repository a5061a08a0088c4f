package testenv

import (
	"context"
	"database/sql"
	"os"
	"os/exec"
	"testing"
	"time"

	"latchkey/internal/store"
)

// Every test has a database of its own, which is empty.
func TestEachDatabaseIsFresh(t *testing.T) {
	var seen []string
	for range 2 {
		EachDatabase(t, func(t *testing.T, url string) {
			for _, other := range seen {
				if url == other {
					t.Errorf("%s was given twice", url)
				}
			}
			seen = append(seen, url)
			s := OpenStore(t, url)
			users, err := s.Users(context.Background())
			if err != nil || len(users) != 0 {
				t.Fatalf("got %d users, %v; want none", len(users), err)
			}
			if err := s.InsertUser(context.Background(), &store.User{Username: "ann", DateJoined: time.Now()}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// The server ends with the process that started it, also when that is killed, and leaves no folder.
func TestServerEndsWithItsProcess(t *testing.T) {
	const child = "LATCHKEY_TESTENV_CHILD"
	if os.Getenv(child) != "" {
		address, err := startPostgres()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(os.Getenv(child), []byte(address), 0o600); err != nil {
			t.Fatal(err)
		}
		select {} // until killed
	}
	Postgres(t) // skips, or fails, without PostgreSQL
	if os.Getenv("LATCHKEY_TEST_POSTGRES") != "" {
		t.Skip("the server is somebody else's")
	}
	told := t.TempDir() + "/address"
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsProcess$")
	cmd.Env = append(os.Environ(), child+"="+told)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var address []byte
	for deadline := time.Now().Add(time.Minute); len(address) == 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server did not start")
		}
		address, _ = os.ReadFile(told) // not there yet
	}
	pool, err := sql.Open("pgx", string(address))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	if err := pool.Ping(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for deadline := time.Now().Add(time.Minute); pool.Ping() == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server outlived its process")
		}
	}
}
