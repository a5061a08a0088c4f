package tokens

import (
	"testing"
	"time"
)

func chicago(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestResetTokensAreDjangos(t *testing.T) {
	v, loc := readVectors(t), chicago(t)
	if len(v.Tokens.Items) == 0 {
		t.Fatal("no vectors")
	}
	for _, item := range v.Tokens.Items {
		s := Subject{ID: item.PK, Password: item.Password, Email: item.Email}
		if item.LastLogin != nil {
			s.LastLogin = moment(t, *item.LastLogin, time.UTC)
		}
		now := moment(t, item.Local, loc)
		for secret, want := range map[string]string{v.How.Secret: item.Token, v.How.OldSecret: item.TokenOldKey} {
			r := Resets{Keys: Keys{Secret: secret}, Location: loc}
			if got := r.Make(s, now); got != want {
				t.Errorf("token of %s at %s = %s, want %s", item.PK, item.Local, got, want)
			}
		}
	}
}

func TestResetChecksAreDjangos(t *testing.T) {
	v, loc := readVectors(t), chicago(t)
	s := Subject{ID: v.TokenChecks.User.PK, Password: v.TokenChecks.User.Password, Email: v.TokenChecks.User.Email}
	issued := moment(t, v.TokenChecks.IssuedAt, loc)
	for _, item := range v.TokenChecks.Items {
		r := Resets{
			Keys:     Keys{Secret: v.How.Secret, Fallbacks: item.Fallbacks},
			Location: loc,
			Timeout:  time.Duration(item.Timeout) * time.Second,
		}
		if got := r.Check(s, item.Token, issued.Add(time.Duration(item.After)*time.Second)); got != item.Valid {
			t.Errorf("%s: Check = %v, want %v", item.Case, got, item.Valid)
		}
	}
}

func TestResetTokenDiesWithWhatItCovers(t *testing.T) {
	now := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	r := Resets{Keys: Keys{Secret: "secret"}, Timeout: time.Hour}
	s := Subject{ID: "1", Password: "hash", Email: "a@example.com", LastLogin: now.Add(-time.Hour)}
	token := r.Make(s, now)
	if !r.Check(s, token, now) {
		t.Fatal("the token is not good for its own subject")
	}
	same := s
	same.LastLogin = s.LastLogin.Add(999 * time.Millisecond).In(time.FixedZone("", 3600))
	if !r.Check(same, token, now) {
		t.Error("neither the fraction of last_login nor its zone should matter")
	}
	for name, change := range map[string]func(*Subject){
		"id":         func(s *Subject) { s.ID = "2" },
		"password":   func(s *Subject) { s.Password = "other" },
		"email":      func(s *Subject) { s.Email = "" },
		"last login": func(s *Subject) { s.LastLogin = s.LastLogin.Add(time.Second) },
		"no login":   func(s *Subject) { s.LastLogin = time.Time{} },
	} {
		other := s
		change(&other)
		if r.Check(other, token, now) {
			t.Errorf("%s changed and the token is still good", name)
		}
	}
}

// Tokens count by the wall clock, which repeats an hour where summer time ends.
func TestResetClockFollowsTheWall(t *testing.T) {
	r := Resets{Location: chicago(t)}
	before := time.Date(2026, 11, 1, 6, 59, 59, 0, time.UTC) // 01:59:59 summer time
	if got := r.clock(before.Add(time.Second)) - r.clock(before); got != 1-3600 {
		t.Errorf("the clock moved by %d seconds where summer time ends, want %d", got, 1-3600)
	}
}

func FuzzResetCheck(f *testing.F) {
	now := time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC)
	r := Resets{Keys: Keys{Secret: "secret", Fallbacks: []string{"old"}}, Timeout: time.Hour}
	s := Subject{ID: "1", Password: "hash", Email: "a@example.com"}
	genuine := r.Make(s, now)
	for _, seed := range []string{genuine, "", "-", "a-b-c", "zzzzzzzzzzzzz-", "+1-aa", "_-", "0-" + genuine} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if r.Check(s, token, now) && token != genuine {
			t.Errorf("%q is accepted", token)
		}
	})
}

func BenchmarkResetMake(b *testing.B) {
	r, s, now := Resets{Keys: Keys{Secret: "a secret of the usual fifty characters, more or less"}}, benchSubject, time.Now()
	b.ReportAllocs()
	for b.Loop() {
		r.Make(s, now)
	}
}

func BenchmarkResetCheck(b *testing.B) {
	r := Resets{Keys: Keys{Secret: "a secret of the usual fifty characters, more or less"}, Timeout: time.Hour}
	now := time.Now()
	token := r.Make(benchSubject, now)
	b.ReportAllocs()
	for b.Loop() {
		if !r.Check(benchSubject, token, now) {
			b.Fatal("refused")
		}
	}
}

var benchSubject = Subject{
	ID:        "12345",
	Password:  "pbkdf2_sha256$1000000$abcdefghijklmnopqrstuv$KtF5cHt/Y43ymr/dFw6A73giwTJSmjAydsgmSCEg7Ww=",
	Email:     "alice@example.com",
	LastLogin: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
}
