package account_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/internal/account"
	"latchkey/internal/message"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
)

// A life is what is thought of a refresh token: the model that TestTokenLifeCycle holds the real thing against.
type life struct {
	raw, access     string
	family          int
	issued, expires time.Time
	rotated         time.Time // zero: not yet
	next            int       // what it was rotated to
	ended           bool      // by a logout, with its family, or with all that its user has
}

// lives are all tokens of one user.
type lives struct {
	w        *world
	services [2]*account.Service // two processes on one database
	ann      *store.User
	all      []life
	active   bool
	cutoff   time.Time // access tokens that were made before are over
}

const (
	refreshLife = time.Minute
	accessLife  = 20 * time.Second
)

// TestTokenLifeCycle drives random sequences of what can happen to refresh tokens against a real store, from two services on it, and expects of each answer
// what a model of a few lines says.
func TestTokenLifeCycle(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		short := func(s *account.Service) {
			s.JWT.RefreshTokenLifetime, s.JWT.AccessTokenLifetime, s.EndAccess = refreshLife, accessLife, true
		}
		w := newWorld(t, url, short)
		services := [2]*account.Service{w.Service, newService(t, url, w.clock, short)}
		users := 0
		rapid.Check(t, func(r *rapid.T) {
			users++
			l := &lives{w: w, services: services, ann: w.register(fmt.Sprint("ann", users), false), active: true}
			l.signIn(r)
			r.Repeat(map[string]func(*rapid.T){
				"":           l.check,
				"sign in":    l.signIn,
				"rotate":     func(r *rapid.T) { l.refresh(r, l.draw(r, l.live)) },
				"replay":     func(r *rapid.T) { l.refresh(r, l.draw(r, l.replayed)) },
				"refresh":    func(r *rapid.T) { l.refresh(r, l.draw(r, anyToken)) },
				"log out":    l.logOut,
				"verify":     l.verify,
				"wait":       l.wait,
				"end device": l.endDevice,
				"end all":    l.endAll,
				"purge":      l.purge,
			})
		})
	})
}

// service is one of the two.
func (l *lives) service(r *rapid.T) *account.Service {
	return l.services[rapid.IntRange(0, 1).Draw(r, "service")]
}

// draw picks one of the tokens that are meant, the newer ones more often.
func (l *lives) draw(r *rapid.T, meant func(*life) bool) *life {
	var some []*life
	for i := range l.all {
		if meant(&l.all[i]) {
			some = append(some, &l.all[i])
		}
	}
	if some == nil {
		r.Skip("there is no such token")
	}
	n := len(some)
	return some[n-1-min(rapid.IntRange(0, n-1).Draw(r, "token"), rapid.IntRange(0, n-1).Draw(r, "or"))]
}

func anyToken(*life) bool { return true }

// replayed tells whether a token that comes now was rotated before, and is dead by nothing else.
func (l *lives) replayed(t *life) bool {
	return !t.ended && !t.rotated.IsZero() && t.expires.After(l.now())
}

func (l *lives) now() time.Time { return l.w.Now() }

// live tells whether a token can be refreshed.
func (l *lives) live(t *life) bool { return !t.ended && t.rotated.IsZero() && t.expires.After(l.now()) }

// expect is what a token is answered with that is not live, nil for a live one.
func (l *lives) expect(t *life) error {
	switch {
	case !t.expires.After(l.now()):
		return &tokens.Invalid{Message: message.T("Token is expired")}
	case !l.live(t):
		return listed
	}
	return nil
}

func (l *lives) answers(r *rapid.T, what string, err, want error) {
	if want == nil && err != nil || want != nil && !is(err, want) {
		r.Fatalf("%s: got %v, want %v", what, err, want)
	}
}

func (l *lives) add(pair account.Pair, family int) {
	at := l.now().Truncate(time.Second)
	l.all = append(l.all, life{raw: pair.Refresh, access: pair.Access, family: family, issued: at, expires: at.Add(refreshLife)})
}

func (l *lives) signIn(r *rapid.T) {
	if !l.active && rapid.Bool().Draw(r, "taken back") {
		l.answers(r, "activation", l.service(r).SetActive(ctx, l.ann.ID, true), nil)
		l.active = true
	}
	user := l.w.user(l.ann.ID)
	pair, err := l.service(r).NewPair(ctx, user)
	if !l.active {
		l.answers(r, "sign-in of an inactive user", err, account.ErrBadCredentials)
		return
	}
	l.answers(r, "sign-in", err, nil)
	l.add(pair, len(l.all))
}

func (l *lives) refresh(r *rapid.T, t *life) {
	s := l.service(r)
	pair, err := s.Refresh(ctx, t.raw)
	replayed := l.replayed(t)
	switch {
	case replayed && l.now().Sub(t.rotated) <= s.RefreshGrace && l.live(&l.all[t.next]):
		l.answers(r, "replay within the grace", err, nil)
		if next := &l.all[t.next]; pair.Refresh != next.raw {
			r.Fatalf("the replay got another successor")
		} else {
			next.access, next.issued = pair.Access, l.now().Truncate(time.Second)
		}
	case replayed && l.now().Sub(t.rotated) > s.RefreshGrace:
		l.answers(r, "replay after the grace", err, listed)
		l.end(func(other *life) bool { return other.family == t.family })
		l.cut()
	case l.live(t):
		l.answers(r, "refresh", err, nil)
		t.rotated, t.next = l.now(), len(l.all)
		l.add(pair, t.family)
	default:
		l.answers(r, "refresh of a dead token", err, l.expect(t))
	}
}

func (l *lives) logOut(r *rapid.T) {
	s, t := l.service(r), l.draw(r, anyToken)
	l.answers(r, "logout", s.Blacklist(ctx, t.raw), l.expect(t))
	t.ended = t.ended || l.live(t)
}

func (l *lives) verify(r *rapid.T) {
	s, t := l.service(r), l.draw(r, anyToken)
	want := l.expect(t)
	if want == error(listed) {
		want = account.ErrBlacklisted
	}
	l.answers(r, "verify", s.Verify(ctx, t.raw), want)
	_, _, err := s.UserOfToken(ctx, t.access, account.TokenClasses([]string{"rest_framework_simplejwt.tokens.AccessToken"}), false)
	var bad *account.BadToken
	good := t.issued.Add(accessLife).After(l.now()) && !t.issued.Before(l.cutoff)
	if good && l.active && err != nil || good && !l.active && !errors.Is(err, account.ErrInactive) || !good && !errors.As(err, &bad) && !errors.Is(err, account.ErrInactive) {
		r.Fatalf("the access token is answered %v; good: %v", err, good)
	}
}

func (l *lives) wait(r *rapid.T) {
	l.w.clock.advance(rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, time.Second, 9 * time.Second, 10 * time.Second, 11 * time.Second, refreshLife}).Draw(r, "time"))
}

// end ends the tokens that are meant.
func (l *lives) end(which func(*life) bool) {
	for i := range l.all {
		l.all[i].ended = l.all[i].ended || which(&l.all[i])
	}
}

// cut ends access tokens. What is made in the same second would have to wait for the next, so that comes now.
func (l *lives) cut() {
	l.cutoff = l.now().Truncate(time.Second).Add(time.Second)
	l.w.clock.advance(time.Second)
}

func (l *lives) endDevice(r *rapid.T) {
	s, t := l.service(r), l.draw(r, anyToken)
	head := slices.IndexFunc(l.all, func(o life) bool { return o.family == t.family && l.live(&o) })
	list, err := s.DevicesOf(ctx, l.ann, account.Proof{})
	l.answers(r, "devices", err, nil)
	first, err := s.JWTs.Decode(l.all[t.family].raw, "", l.all[t.family].issued, nil)
	l.answers(r, "decode", err, nil)
	shown := slices.ContainsFunc(list, func(d account.Device) bool { return d.ID == first.JTI() })
	if shown != (head >= 0) {
		r.Fatalf("the device is shown: %v, and a token of it lives: %v", shown, head >= 0)
	}
	if shown {
		l.answers(r, "end of a device", s.EndDevice(ctx, l.ann, first.JTI()), nil)
		l.end(func(o *life) bool { return o.family == t.family })
	}
}

// endAll is one of the changes that end all that a user has open; seldom, or nothing would live long enough.
func (l *lives) endAll(r *rapid.T) {
	s := l.service(r)
	switch rapid.IntRange(0, 14).Draw(r, "by") {
	case 0:
		l.answers(r, "a new password by the operator", s.SetPassword(ctx, l.ann.ID, password), nil)
	case 1:
		l.answers(r, "a new password", s.ChangePassword(ctx, account.PasswordChange{User: l.w.user(l.ann.ID), Password: password}), nil)
	case 2:
		l.answers(r, "signing out everywhere", s.EndDevices(ctx, l.ann), nil)
	case 3:
		l.answers(r, "deactivation", s.SetActive(ctx, l.ann.ID, false), nil)
		l.active = false
	case 4:
		address := fmt.Sprintf("a%d@example.com", l.now().UnixNano())
		_, err := s.Update(ctx, account.Update{ID: l.ann.ID, Values: []account.Value{{Field: "email", Value: address}}, Note: account.Letter{Protocol: "https"}})
		l.answers(r, "a new address", err, nil)
	default:
		r.Skip("not now")
	}
	l.end(func(*life) bool { return true })
	l.cut()
}

func (l *lives) purge(r *rapid.T) {
	_, err := l.service(r).Store.FlushExpired(ctx, l.now(), 100, nil)
	l.answers(r, "purge", err, nil)
}

// check holds after every step: of each family at most one token lives, and the user sees as many devices as there are living families.
func (l *lives) check(r *rapid.T) {
	living := map[int]bool{}
	for i := range l.all {
		if t := &l.all[i]; l.live(t) {
			if living[t.family] {
				r.Fatalf("two tokens of a family live")
			}
			living[t.family] = true
		}
	}
	list, err := l.w.DevicesOf(ctx, l.ann, account.Proof{})
	l.answers(r, "devices", err, nil)
	if len(list) != len(living) {
		r.Fatalf("%d devices are shown, and %d families live", len(list), len(living))
	}
}
