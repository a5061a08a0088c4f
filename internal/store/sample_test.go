package store_test

import (
	"slices"
	"strconv"
	"testing"

	"latchkey/internal/store"
)

// fillUsers adds users with the keys that an SQL expression makes of the numbers i from one to another, their passwords their keys.
func fillUsers(t *testing.T, s *store.Store, key string, from, to int) {
	t.Helper()
	must(t, s.Exec(ctx, `WITH RECURSIVE n(i) AS (SELECT `+strconv.Itoa(from)+` UNION ALL SELECT i + 1 FROM n WHERE i < `+strconv.Itoa(to)+`)
		INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
		SELECT `+key+`, CAST(`+key+` AS text), false, 'u' || CAST(`+key+` AS text), '', '', '', false, true, '2026-01-01' FROM n`))
}

// sample reads a sample, sorted, and fails for one that has somebody twice or is too large.
func sample(t *testing.T, s *store.Store) []int {
	t.Helper()
	passwords, err := s.SamplePasswords(ctx)
	must(t, err)
	keys := make([]int, len(passwords))
	for i, password := range passwords {
		keys[i], err = strconv.Atoi(password)
		must(t, err)
	}
	slices.Sort(keys)
	if len(keys) > 512 || len(slices.Compact(slices.Clone(keys))) < len(keys) {
		t.Fatalf("%d users, or one twice", len(keys))
	}
	return keys
}

// A sample is all of a small table, and of a large one a few users from everywhere, for long the same ones.
func TestSamplePasswords(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		if got := sample(t, s); len(got) != 0 {
			t.Errorf("nobody is there, and the sample is %v", got)
		}
		fillUsers(t, s, "i", 1, 1)
		if got := sample(t, s); !slices.Equal(got, []int{1}) {
			t.Errorf("of one user the sample is %v", got)
		}
		fillUsers(t, s, "i", 2, 400)
		if got := sample(t, s); len(got) != 400 {
			t.Errorf("of 400 users the sample has %d", len(got))
		}
		fillUsers(t, s, "i", 401, 20_000)
		before := sample(t, s)
		eighths := make([]int, 8)
		for _, key := range before {
			eighths[(key-1)*8/20_000]++
		}
		if len(before) < 256 || slices.Max(eighths) > 2*slices.Min(eighths) {
			t.Errorf("of the eighths of 20000 users the sample has %v", eighths)
		}
		fillUsers(t, s, "i", 20_001, 22_000)
		after := sample(t, s)
		if !slices.Equal(after[:len(before)], before) {
			t.Errorf("2000 more users at the end changed the sample of those before:\n%v\n%v", before, after)
		}
	})
}

// Keys may be negative, and most of the users between two of them.
func TestSampleOfSparseKeys(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		fillUsers(t, s, "-2147483647", 1, 1)
		fillUsers(t, s, "2147483647", 1, 1)
		fillUsers(t, s, "i * 3", 1, 2000)
		got := sample(t, s)
		if !slices.Contains(got, -2147483647) || !slices.Contains(got, 2147483647) || len(got) < 100 {
			t.Errorf("%d users: %v", len(got), got)
		}
	})
}

// UUIDs lie everywhere.
func TestSampleOfUUIDs(t *testing.T) {
	eachMember(t, func(t *testing.T, s *store.Store, _ string) {
		must(t, s.InTx(ctx, func(tx *store.Store) error {
			for i := range 1000 {
				user := addMember(t, tx, "m"+strconv.Itoa(i))
				if err := tx.SetPassword(ctx, user.ID, strconv.Itoa(i)); err != nil {
					return err
				}
			}
			return nil
		}))
		got := sample(t, s)
		older := 0
		for _, n := range got {
			if n < 500 {
				older++
			}
		}
		if len(got) < 300 || older < len(got)/4 || older > len(got)*3/4 {
			t.Errorf("the sample has %d users, %d of the older half", len(got), older)
		}
	})
}
