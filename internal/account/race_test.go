package account_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
)

// is tells whether an error is the one wanted; a *tokens.Invalid when it says the same.
func is(err, want error) bool {
	var got, wanted *tokens.Invalid
	if errors.As(want, &wanted) {
		return errors.As(err, &got) && got.Error() == wanted.Error()
	}
	return errors.Is(err, want)
}

var listed = &tokens.Invalid{Message: message.T("Token is blacklisted")}

const racers = 32

// race runs fn in 32 goroutines on two services, as two servers on one database would, and returns what each came to.
func race(services [2]*account.Service, fn func(s *account.Service, i int) error) []error {
	var wait sync.WaitGroup
	var ready sync.WaitGroup
	ready.Add(racers)
	results := make([]error, racers)
	for i := range racers {
		wait.Go(func() {
			ready.Done()
			ready.Wait()
			results[i] = fn(services[i%2], i)
		})
	}
	wait.Wait()
	return results
}

// oneWins checks that one call succeeded and that all others got one of the errors of losers.
func oneWins(t *testing.T, results []error, losers ...error) {
	t.Helper()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		known := false
		for _, loser := range losers {
			known = known || is(err, loser)
		}
		if !known {
			t.Errorf("a loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won, want 1", won, len(results))
	}
}

// eachRace runs fn on both databases and in both profiles: the races are closed in the exact one, too.
func eachRace(t *testing.T, fn func(t *testing.T, w *world, services [2]*account.Service)) {
	t.Helper()
	for name, profile := range map[string]func(*account.Service){"safe": nil, "exact": exact} {
		t.Run(name, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				w := newWorld(t, url, profile)
				fn(t, w, [2]*account.Service{w.Service, newService(t, url, w.clock, profile)})
			})
		})
	}
}

func TestRaceForAnActivationLink(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		ann := w.register("ann", true)
		link := w.link()
		results := race(services, func(s *account.Service, i int) error {
			return s.Activate(ctx, link, &account.Letter{Kind: mail.Confirmation, Protocol: "https"})
		})
		oneWins(t, results, account.ErrStale, account.ErrBadLink)
		if !w.user(ann.ID).IsActive {
			t.Error("nobody was activated")
		}
		same(t, "confirmations", len(w.queue()), 1)
	})
}

func TestRaceForAPasswordResetLink(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		ann := w.register("ann", false)
		w.ask(mail.PasswordReset, ann.Email)
		link := w.link()
		results := race(services, func(s *account.Service, i int) error {
			return s.ResetPassword(ctx, account.PasswordReset{
				Link: link, Password: fmt.Sprint(anything, i), Letter: &account.Letter{Kind: mail.PasswordChanged, Protocol: "https"},
			})
		})
		oneWins(t, results, account.ErrBadLink)
		for i, err := range results {
			_, in := w.SignIn(ctx, "ann", fmt.Sprint(anything, i))
			if (in == nil) != (err == nil) {
				t.Errorf("the password of call %d, which came to %v, is answered %v", i, err, in)
			}
		}
		same(t, "notes", len(w.queue()), 1)
	})
}

func TestRaceForAUsernameResetLink(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		ann := w.register("ann", false)
		w.ask(mail.UsernameReset, ann.Email)
		link := w.link()
		results := race(services, func(s *account.Service, i int) error {
			return s.ResetUsername(ctx, link, fmt.Sprint("ann", i), account.Letters{})
		})
		oneWins(t, results, account.ErrBadLink)
		for i, err := range results {
			if err == nil {
				same(t, "name", w.user(ann.ID).Username, fmt.Sprint("ann", i))
			}
		}
	})
}

// In the safe profile all get the one successor, as tabs of one browser should; in the exact one whoever is first gets it.
func TestRaceForARefreshToken(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		w.register("ann", false)
		_, pair := w.signIn("ann")
		w.raceToRefresh(services, pair.Refresh)
	})
}

// A refresh token that Django made has no place in a family yet; it is rotated once all the same.
func TestRaceForARefreshTokenOfDjango(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		ann := w.register("ann", false)
		raw, err := w.JWTs.Encode(w.JWTs.NewRefresh(tokens.Claimant{ID: ann.ID.String(), Password: ann.Password}, w.Now()))
		must(t, err)
		w.raceToRefresh(services, raw)
	})
}

// raceToRefresh has everybody bring one refresh token at once, and checks that it got one successor.
func (w *world) raceToRefresh(services [2]*account.Service, raw string) {
	w.t.Helper()
	t := w.t.(*testing.T)
	pairs := make([]account.Pair, racers)
	results := race(services, func(s *account.Service, i int) (err error) {
		pairs[i], err = s.Refresh(ctx, raw)
		return err
	})
	next := ""
	for i, err := range results {
		switch {
		case err == nil && next != "" && pairs[i].Refresh != next:
			t.Error("two successors were handed out")
		case err == nil:
			next = pairs[i].Refresh
		case !w.Exact:
			t.Errorf("call %d came to %v", i, err)
		case pairs[i] != (account.Pair{}):
			t.Error("a loser was handed a token")
		}
	}
	same(t, "outstanding tokens", w.count("SELECT count(*) FROM token_blacklist_outstandingtoken"), 2)
	if w.Exact {
		oneWins(t, results, listed)
	} else {
		same(t, "places in the family", w.count("SELECT count(*) FROM latchkey_refresh"), 2)
		same(t, "places that were rotated", w.count("SELECT count(*) FROM latchkey_refresh WHERE rotated_at IS NOT NULL"), 1)
	}
	_, err := w.Refresh(ctx, next)
	wants(t, "the successor", err, nil)
}

func TestRaceForAName(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		oneWins(t, race(services, func(s *account.Service, i int) error {
			_, err := s.Register(ctx, account.Registration{
				Username: "ann", Email: fmt.Sprintf("ann%d@example.com", i), Password: password, Inactive: true, Letter: letter(mail.Activation),
			})
			return err
		}), account.ErrTaken)
		same(t, "users", w.count("SELECT count(*) FROM auth_user"), 1)
		same(t, "mails", len(w.queue()), 1)
		same(t, "links", w.count("SELECT count(*) FROM latchkey_link"), 1)
	})
}

func TestRaceToBeRenamed(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		var users [racers]*store.User
		for i := range users {
			users[i] = w.register(fmt.Sprint("user", i), false)
		}
		oneWins(t, race(services, func(s *account.Service, i int) error {
			return s.ChangeUsername(ctx, users[i].ID, "wanted", account.Letters{})
		}), account.ErrTaken)
		same(t, "users of the name", w.count("SELECT count(*) FROM auth_user WHERE username = 'wanted'"), 1)
	})
}

func TestRaceForATokenKey(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		ann := w.register("ann", false)
		keys := make([]string, racers)
		for i, err := range race(services, func(s *account.Service, i int) (err error) {
			keys[i], err = s.Key(ctx, ann)
			return err
		}) {
			if err != nil || keys[i] != keys[0] {
				t.Errorf("call %d got another key, or %v", i, err)
			}
		}
		same(t, "keys", w.count("SELECT count(*) FROM authtoken_token"), 1)
	})
}

// Whoever is first ends the token; the others are told that it is ended, or that they ended it.
func TestRaceToBlacklist(t *testing.T) {
	eachRace(t, func(t *testing.T, w *world, services [2]*account.Service) {
		w.register("ann", false)
		_, pair := w.signIn("ann")
		won := 0
		for _, err := range race(services, func(s *account.Service, i int) error { return s.Blacklist(ctx, pair.Refresh) }) {
			if err == nil {
				won++
			} else if !is(err, listed) {
				t.Errorf("a call came to %v", err)
			}
		}
		if won == 0 {
			t.Error("nobody ended the token")
		}
		same(t, "listed tokens", w.count("SELECT count(*) FROM token_blacklist_blacklistedtoken"), 1)
		_, err := w.Refresh(ctx, pair.Refresh)
		wants(t, "refresh", err, listed)
	})
}
