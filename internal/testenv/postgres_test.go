package testenv

import "testing"

// A server that was killed in either way is back with what it had acknowledged.
func TestOwnPostgresOutlivesItself(t *testing.T) {
	p := NewPostgres(t)
	db := OpenDB(t, p.URL)
	if _, err := db.Exec("create table t (n int)"); err != nil {
		t.Fatal(err)
	}
	for i, signal := range []string{"KILL", "QUIT"} {
		if _, err := db.Exec("insert into t values (1)"); err != nil {
			t.Fatal(err)
		}
		p.Kill(signal)
		for db.Ping() == nil {
		}
		p.Start()
		var n int
		if err := db.QueryRow("select count(*) from t").Scan(&n); err != nil || n != i+1 {
			t.Errorf("after %s: %d rows, %v", signal, n, err)
		}
	}
}
