package store_test

import (
	"fmt"
	"testing"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// benchmark runs fn on both databases, with a thousand users, keys and outstanding tokens, every other one listed.
func benchmark(b *testing.B, fn func(b *testing.B, s *store.Store, i int) error) {
	b.Helper()
	for _, engine := range []struct {
		name string
		url  func(testing.TB) string
	}{{"sqlite", testenv.SQLite}, {"postgres", testenv.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			s := testenv.OpenStore(b, engine.url(b))
			must(b, s.InTx(ctx, func(tx *store.Store) error {
				for i := range 1000 {
					u := addUser(b, tx, fmt.Sprint("user", i))
					_, err := tx.TokenKeyFor(ctx, u.ID, fmt.Sprint("key", i), noon)
					must(b, err)
					o := store.Outstanding{UserID: u.ID, JTI: fmt.Sprint("jti", i), CreatedAt: noon, ExpiresAt: noon}
					must(b, tx.InsertOutstanding(ctx, o))
					if i%2 == 0 {
						_, err := tx.Blacklist(ctx, o, noon)
						must(b, err)
					}
				}
				return nil
			}))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := fn(b, s, i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkUser(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store, i int) error {
		_, err := s.User(ctx, store.IntID(int64(i%1000+1)))
		return err
	})
}

func BenchmarkUserByTokenKey(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store, i int) error {
		_, err := s.UserByTokenKey(ctx, fmt.Sprint("key", i%1000))
		return err
	})
}

func BenchmarkBlacklisted(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store, i int) error {
		_, err := s.Blacklisted(ctx, fmt.Sprint("jti", i%1000))
		return err
	})
}

func BenchmarkInsertOutstanding(b *testing.B) {
	benchmark(b, func(b *testing.B, s *store.Store, i int) error {
		return s.InsertOutstanding(ctx, store.Outstanding{UserID: store.IntID(1), JTI: fmt.Sprint("new", i), Token: "x.y.z", CreatedAt: noon, ExpiresAt: noon})
	})
}
