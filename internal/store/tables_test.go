package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

func TestTokenKeys(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann := addUser(t, s, "ann")
		for _, fresh := range []string{"first", "second"} {
			if key, err := s.TokenKeyFor(ctx, ann.ID, fresh, noon); key != "first" || err != nil {
				t.Errorf("got %q, %v", key, err)
			}
		}
		if got, err := s.TokenKeyOf(ctx, ann.ID); err != nil || *got != (store.TokenKey{Key: "first", Created: noon, UserID: ann.ID}) {
			t.Errorf("got %+v, %v", got, err)
		}
		if got, err := s.UserByTokenKey(ctx, "first"); err != nil || !reflect.DeepEqual(*got, *ann) {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := s.UserByTokenKey(ctx, "FIRST"); err != store.ErrNotFound {
			t.Errorf("another key: got %v", err)
		}
		if _, err := s.TokenKeyFor(ctx, store.IntID(99), "third", noon); err != store.ErrNotFound {
			t.Errorf("nobody's key: got %v", err)
		}
		for _, want := range []bool{true, false} {
			if had, err := s.DeleteTokenKey(ctx, ann.ID); had != want || err != nil {
				t.Errorf("deleting: got %v, %v", had, err)
			}
		}
		if _, err := s.UserByTokenKey(ctx, "first"); err != store.ErrNotFound {
			t.Errorf("a key that was deleted: got %v", err)
		}
	})
}

// blacklisted lists the jtis that are listed.
func blacklisted(t *testing.T, s *store.Store) string {
	t.Helper()
	return strings.Join(rows(t, s, `SELECT jti FROM token_blacklist_outstandingtoken o JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id ORDER BY jti`), " ")
}

func TestBlacklist(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, hour := addUser(t, s, "ann"), noon.Add(time.Hour)
		must(t, s.InsertOutstanding(ctx, store.Outstanding{UserID: ann.ID, JTI: "a", Token: "x.y.z", CreatedAt: noon, ExpiresAt: hour}))
		must(t, s.InsertOutstanding(ctx, store.Outstanding{JTI: "b", ExpiresAt: hour}))
		must(t, s.InsertOutstanding(ctx, store.Outstanding{UserID: ann.ID, JTI: "c", ExpiresAt: hour}))
		must(t, s.InsertOutstanding(ctx, store.Outstanding{UserID: ann.ID, JTI: "old", ExpiresAt: noon}))
		var duplicate *store.Duplicate
		if err := s.InsertOutstanding(ctx, store.Outstanding{JTI: "a", ExpiresAt: hour}); !errors.As(err, &duplicate) || duplicate.Column != "jti" {
			t.Errorf("a jti that is there: got %v", err)
		}
		var referenced *store.Referenced
		if err := s.InsertOutstanding(ctx, store.Outstanding{UserID: store.IntID(99), JTI: "x", ExpiresAt: hour}); !errors.As(err, &referenced) {
			t.Errorf("a user who is not there: got %v", err)
		}
		for _, jti := range []string{"a", "none", ""} {
			if listed, err := s.Blacklisted(ctx, jti); listed || err != nil {
				t.Errorf("%q: got %v, %v", jti, listed, err)
			}
		}
		for _, o := range []store.Outstanding{{UserID: ann.ID, JTI: "a"}, {UserID: ann.ID, JTI: "new", Token: "n", CreatedAt: noon}, {UserID: store.IntID(99), JTI: "99"}, {UserID: store.IntID(1 << 62), JTI: "huge"}, {JTI: "zero"}} {
			o.ExpiresAt = hour
			for _, want := range []bool{true, false} {
				if first, err := s.Blacklist(ctx, o, noon); first != want || err != nil {
					t.Errorf("%s: got %v, %v; want %v", o.JTI, first, err, want)
				}
			}
			if listed, err := s.Blacklisted(ctx, o.JTI); !listed || err != nil {
				t.Errorf("%s: got %v, %v", o.JTI, listed, err)
			}
		}
		same(t, "owners", rows(t, s, "SELECT jti, user_id, token FROM token_blacklist_outstandingtoken ORDER BY jti"), []string{
			"99|NULL|", "a|1|x.y.z", "b|NULL|", "c|1|", "huge|NULL|", "new|1|n", "old|1|", "zero|NULL|",
		})
		must(t, s.BlacklistUser(ctx, ann.ID, noon))
		must(t, s.BlacklistUser(ctx, ann.ID, noon))
		if got, want := blacklisted(t, s), "99 a c huge new zero"; got != want {
			t.Errorf("after BlacklistUser: got %s, want %s", got, want)
		}
	})
}

// A token that claims to live for ever is kept as long as a date can tell.
func TestFarTimes(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		must(t, s.InsertOutstanding(ctx, store.Outstanding{JTI: "a", ExpiresAt: time.Unix(1<<60, 0)}))
		must(t, s.InsertRefresh(ctx, store.Refresh{JTI: "a", ExpiresAt: time.Unix(1<<60, 0), IssuedAt: time.Unix(-1<<60, 0)}))
		got, err := s.RefreshByJTI(ctx, "a")
		must(t, err)
		if got.ExpiresAt.Year() != 9999 || got.IssuedAt.Year() != 1 {
			t.Errorf("got %+v", got)
		}
		if n, err := s.FlushExpired(ctx, noon, 100, nil); n != 0 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func TestFlushExpired(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		for i := range 25 {
			expires := noon.Add(time.Duration(i-20) * time.Second) // 21 of them are over at noon
			o := store.Outstanding{JTI: fmt.Sprintf("%02d", i), ExpiresAt: expires}
			must(t, s.InsertOutstanding(ctx, o))
			if i%2 == 0 {
				_, err := s.Blacklist(ctx, o, noon)
				must(t, err)
			}
			must(t, s.InsertRefresh(ctx, store.Refresh{JTI: o.JTI, IssuedAt: noon, ExpiresAt: expires}))
			must(t, s.InsertLink(ctx, store.Link{Digest: o.JTI, Purpose: "reset", CreatedAt: noon, ExpiresAt: expires}))
			must(t, s.SaveDevice(ctx, store.Device{ID: o.JTI, Kind: store.RefreshDevice, CreatedAt: noon, UsedAt: noon, ExpiresAt: expires}))
		}
		must(t, s.SaveDevice(ctx, store.Device{ID: "key", Kind: store.TokenDevice, CreatedAt: noon, UsedAt: noon})) // which lasts for ever
		must(t, s.SaveSession(ctx, store.SessionRow{Key: "k", Expires: noon.Add(-time.Hour)}))
		if n, err := s.Expired(ctx, noon); n != 84 || err != nil {
			t.Errorf("counted %d, %v; want 84", n, err)
		}
		var told, most int64
		if n, err := s.FlushExpired(ctx, noon, 4, func(rows int64) { told, most = told+rows, max(most, rows) }); n != 84 || told != n || most != 4 || err != nil {
			t.Errorf("got %d, told of %d and of %d at once, %v; want 84, by 4", n, told, most, err)
		}
		same(t, "devices", rows(t, s, "SELECT count(*) FROM latchkey_device"), []string{"5"})
		for _, table := range []string{"token_blacklist_outstandingtoken", "latchkey_refresh", "latchkey_link"} {
			same(t, table, rows(t, s, "SELECT count(*) FROM "+table), []string{"4"})
		}
		if got, want := blacklisted(t, s), "22 24"; got != want {
			t.Errorf("listed: got %s, want %s", got, want)
		}
		same(t, "sessions", rows(t, s, "SELECT count(*) FROM django_session"), []string{"1"})
		if n, err := s.FlushExpired(ctx, noon, 4, nil); n != 0 || err != nil {
			t.Errorf("again: got %d, %v", n, err)
		}
	})
}

// Rows that stay are looked at beside a transaction of somebody else, however many there are; on SQLite whoever writes excludes all others who do.
func TestFlushLeavesTheWriterAlone(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		for i := range 9 {
			must(t, s.InsertOutstanding(ctx, store.Outstanding{JTI: fmt.Sprint(i), ExpiresAt: noon.Add(time.Hour)}))
		}
		patient, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		must(t, s.InTx(ctx, func(tx *store.Store) error {
			if err := tx.InsertOutstanding(ctx, store.Outstanding{JTI: "new", ExpiresAt: noon.Add(time.Hour)}); err != nil {
				return err
			}
			return s.FlushOutstanding(patient, noon, 4, func(rows int64) { t.Errorf("%d rows are deleted", rows) })
		}))
	})
}

// claim rotates a token; one that is not on record is the first of a family f.
func claim(ctx context.Context, s *store.Store, jti, successor string, now time.Time) (bool, error) {
	claimed, _, err := s.ClaimRefresh(ctx, &store.Refresh{JTI: jti, Family: "f", Successor: successor, IssuedAt: noon, ExpiresAt: noon.Add(time.Hour), RotatedAt: now})
	return claimed, err
}

func TestRefreshFamilies(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, hour := addUser(t, s, "ann"), noon.Add(time.Hour)
		add := func(jti, family string, id store.ID) {
			must(t, s.InsertRefresh(ctx, store.Refresh{JTI: jti, Family: family, UserID: id, IssuedAt: noon, ExpiresAt: hour}))
			must(t, s.InsertOutstanding(ctx, store.Outstanding{JTI: jti, UserID: id, ExpiresAt: hour}))
		}
		add("a1", "a", ann.ID)
		add("a2", "a", ann.ID)
		add("b1", "b", store.ID{})
		for _, want := range []bool{true, false} {
			if done, err := claim(ctx, s, "a1", "a2", hour); done != want || err != nil {
				t.Errorf("claim: got %v, %v; want %v", done, err, want)
			}
		}
		want := store.Refresh{JTI: "a1", Family: "a", UserID: ann.ID, Successor: "a2", IssuedAt: noon, ExpiresAt: hour, RotatedAt: hour}
		if got, err := s.RefreshByJTI(ctx, "a1"); err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
		must(t, s.RevokeFamily(ctx, "a", noon))
		if got, err := s.RefreshByJTI(ctx, "a2"); err != nil || got.RevokedAt != noon {
			t.Errorf("after revoking: %+v, %v", got, err)
		}
		if done, err := claim(ctx, s, "a2", "a3", hour); done || err != nil {
			t.Errorf("a revoked token was rotated: %v", err)
		}
		if got := blacklisted(t, s); got != "a1 a2" {
			t.Errorf("listed: got %s", got)
		}
		if got, err := s.RefreshByJTI(ctx, "b1"); err != nil || !got.RevokedAt.IsZero() || !got.UserID.IsZero() {
			t.Errorf("another family: %+v, %v", got, err)
		}
		if _, err := s.RefreshByJTI(ctx, "c"); err != store.ErrNotFound {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		for _, want := range []bool{true, false} { // one that is not on record yet
			if done, err := claim(ctx, s, "x", "y", hour); done != want || err != nil {
				t.Errorf("claim of an unknown token: got %v, %v; want %v", done, err, want)
			}
		}
		if got, err := s.RefreshByJTI(ctx, "x"); err != nil || got.Family != "f" || got.Successor != "y" || got.RotatedAt != hour {
			t.Errorf("got %+v, %v", got, err)
		}

		for jti, end := range map[string]func(){
			"l1": func() {
				if done, err := claim(ctx, s, "l1", "l2", hour); !done || err != nil {
					t.Errorf("got %v, %v", done, err)
				}
			},
			"l3": func() { must(t, s.RevokeFamily(ctx, "l3", noon)) },
			"l4": func() {
				_, err := s.Blacklist(ctx, store.Outstanding{JTI: "l4", ExpiresAt: hour}, noon)
				must(t, err)
			},
		} {
			add(jti, jti, ann.ID)
			if _, err := s.LiveRefresh(ctx, jti); err != nil {
				t.Errorf("%s: got %v", jti, err)
			}
			end()
			if _, err := s.LiveRefresh(ctx, jti); err != store.ErrNotFound {
				t.Errorf("%s after its end: got %v, want ErrNotFound", jti, err)
			}
		}

		add("c1", "c", ann.ID)
		must(t, s.Exec(ctx, "DROP TABLE token_blacklist_blacklistedtoken"))
		bare := s // without the blacklist app the rows of ours tell
		must(t, bare.Migrate(ctx))
		must(t, bare.BlacklistUser(ctx, ann.ID, noon))
		if got, err := bare.RefreshByJTI(ctx, "c1"); err != nil || got.RevokedAt != noon {
			t.Errorf("after BlacklistUser: %+v, %v", got, err)
		}
		must(t, bare.RevokeFamily(ctx, "b", noon))
		if _, err := bare.FlushExpired(ctx, hour, 10, nil); err != nil {
			t.Error(err)
		}
	})
}

// A successor that is being inserted while its family is revoked is revoked too.
func TestRevokeSeesRotationUnderWay(t *testing.T) {
	s := testenv.OpenStore(t, testenv.Postgres(t)) // SQLite has one writer at a time
	must(t, s.InsertRefresh(ctx, store.Refresh{JTI: "1", Family: "f", IssuedAt: noon, ExpiresAt: noon}))
	revoked := make(chan error)
	must(t, s.InTx(ctx, func(tx *store.Store) error {
		if done, err := claim(ctx, tx, "1", "2", noon); err != nil || !done {
			t.Fatal(done, err)
		}
		go func() { revoked <- s.RevokeFamily(ctx, "f", noon) }()
		for len(rows(t, s, "SELECT 1 FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE query LIKE 'UPDATE latchkey_refresh SET revoked%')")) == 0 {
			time.Sleep(time.Millisecond) // until it waits for us
		}
		return tx.InsertRefresh(ctx, store.Refresh{JTI: "2", Family: "f", IssuedAt: noon, ExpiresAt: noon})
	}))
	must(t, <-revoked)
	same(t, "alive", rows(t, s, "SELECT jti FROM latchkey_refresh WHERE revoked_at IS NULL"), []string{})
}

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		row := store.SessionRow{Key: "k", Data: "one", Expires: noon}
		must(t, s.SaveSession(ctx, row))
		row.Data = "two"
		must(t, s.SaveSession(ctx, row))
		if got, err := s.Session(ctx, "k", noon.Add(-time.Microsecond)); err != nil || !reflect.DeepEqual(*got, row) {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := s.Session(ctx, "k", noon); err != store.ErrNotFound {
			t.Errorf("expired: got %v", err)
		}
		must(t, s.DeleteSession(ctx, "k", ""))
		must(t, s.DeleteSession(ctx, "k", ""))
		if _, err := s.Session(ctx, "k", time.Time{}); err != store.ErrNotFound {
			t.Errorf("deleted: got %v", err)
		}
	})
}

func TestSites(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		if domain, name, err := s.Site(ctx, 1); domain != "example.com" || name != "example.com" || err != nil {
			t.Errorf("got %q %q, %v", domain, name, err)
		}
		if _, _, err := s.Site(ctx, 1<<40); err != store.ErrNotFound {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestLinks(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, hour := addUser(t, s, "ann"), noon.Add(time.Hour)
		link := store.Link{Digest: "d", Purpose: "activation", UserID: ann.ID, CreatedAt: noon, ExpiresAt: hour}
		must(t, s.InsertLink(ctx, link))
		must(t, s.InsertLink(ctx, store.Link{Digest: "d", Purpose: "activation", CreatedAt: hour, ExpiresAt: hour}))
		if got, err := s.LinkByDigest(ctx, "d"); err != nil || !reflect.DeepEqual(*got, link) {
			t.Errorf("got %+v, %v", got, err)
		}
		use := func(digest, purpose string, now time.Time, want bool) {
			t.Helper()
			if done, err := s.UseLink(ctx, digest, purpose, now); done != want || err != nil {
				t.Errorf("got %v, %v; want %v", done, err, want)
			}
		}
		use("d", "reset", noon, false)
		use("x", "activation", noon, false)
		use("d", "activation", hour, false)
		// Django's tokens of one second do not differ by purpose
		must(t, s.InsertLink(ctx, store.Link{Digest: "d", Purpose: "reset", UserID: ann.ID, CreatedAt: noon, ExpiresAt: hour}))
		use("d", "activation", noon, true)
		use("d", "activation", noon, false)
		if got, err := s.LinkByDigest(ctx, "d"); err != nil || got.Purpose != "reset" {
			t.Errorf("got %+v, %v", got, err)
		}
		must(t, s.EndLinks(ctx, ann.ID, noon))
		use("d", "reset", noon, false)
		if _, err := s.LinkByDigest(ctx, "x"); err != store.ErrNotFound {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestActivation(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann := addUser(t, s, "ann")
		on := func(want store.Activation) {
			t.Helper()
			if got, err := s.ActivationOf(ctx, ann.ID); got != want || err != nil {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		}
		on(store.Activation{})
		must(t, s.RecordPending(ctx, ann.ID, noon))
		on(store.Activation{Pending: true})
		must(t, s.RecordActivation(ctx, ann.ID, noon))
		on(store.Activation{Activated: true})
		must(t, s.RecordPending(ctx, ann.ID, noon))
		on(store.Activation{Activated: true, Pending: true})
		must(t, s.RecordActivation(ctx, ann.ID, noon.Add(time.Hour)))
		on(store.Activation{Activated: true})
		same(t, "times", rows(t, s, "SELECT count(*) FROM latchkey_activation WHERE activated_at < $1", "2026-11-22 12:30:00+00"), []string{"1"}) // the first time counts
	})
}

func TestMail(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		if _, ok, err := s.NextMail(ctx); ok || err != nil {
			t.Errorf("an empty queue has a next mail: %v", err)
		}
		var want []store.Mail
		for i := range 5 {
			m := store.Mail{ID: int64(i + 1), MessageID: fmt.Sprint("m", i), Sender: "s", Recipient: "r", Subject: "ü", Text: "t\n", HTML: "<p>", CreatedAt: noon.Add(time.Duration(i) * time.Second)}
			must(t, s.EnqueueMail(ctx, m))
			m.Attempts = 1
			want = append(want, m)
		}
		claim := func(now time.Time, limit int, want ...store.Mail) {
			t.Helper()
			got, err := s.ClaimMail(ctx, now, time.Minute, limit)
			must(t, err)
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		}
		next := func(want time.Time) {
			t.Helper()
			if due, ok, err := s.NextMail(ctx); !due.Equal(want) || !ok || err != nil {
				t.Errorf("next: got %v %v, %v; want %v", due, ok, err, want)
			}
		}
		claim(noon.Add(-time.Second), 10)
		claim(noon.Add(3*time.Second), 2, want[:2]...)
		claim(noon.Add(3*time.Second), 10, want[2:4]...)
		next(noon.Add(4 * time.Second))
		must(t, s.MailSent(ctx, 1))
		must(t, s.MailFailed(ctx, want[1], "no", noon.Add(time.Hour)))
		if err := s.MailFailed(ctx, want[0], "no", noon); err != store.ErrNotFound {
			t.Errorf("a mail that is gone: got %v", err)
		}
		late := want[2]
		if n, _, err := s.OwedMail(ctx); n != 4 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		for i := range want {
			want[i].Attempts = 2
		}
		want[4].Attempts = 1
		claim(noon.Add(10*time.Minute), 10, want[2:]...) // the leases of the third and the fourth are over
		if err := s.MailFailed(ctx, late, "no", noon); err != store.ErrNotFound {
			t.Errorf("a mail that somebody else has claimed since: got %v", err)
		}
		next(noon.Add(11 * time.Minute))
	})
}
