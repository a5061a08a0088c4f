package account_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
)

// refresh rotates a token that must be good.
func (w *world) refresh(raw string) string {
	w.t.Helper()
	pair, err := w.Refresh(ctx, raw)
	must(w.t, err)
	return pair.Refresh
}

func TestReuseOfARotatedToken(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		w.register("ann", false)
		_, stolen := w.signIn("ann")
		_, elsewhere := w.signIn("ann")
		second := w.refresh(stolen.Refresh)

		w.clock.advance(w.RefreshGrace)
		same(t, "the successor within the grace", w.refresh(stolen.Refresh), second)
		third := w.refresh(second)
		_, err := w.Refresh(ctx, stolen.Refresh)
		wants(t, "a token whose successor was used", err, listed)
		third = w.refresh(third)

		w.clock.advance(time.Second)
		_, err = w.Refresh(ctx, stolen.Refresh)
		wants(t, "reuse after the grace", err, listed)
		_, err = w.Refresh(ctx, third)
		wants(t, "the latest of the family", err, listed)
		_, err = w.Refresh(ctx, second)
		wants(t, "one of the ended family within its grace", err, listed)
		w.refresh(elsewhere.Refresh) // another device's family lives on
	})
}

// A token that Django made, which is on record nowhere but in its table, or nowhere at all, has its grace and its family from its first use.
func TestReuseOfATokenOfDjango(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		ann := w.register("ann", false)
		for _, claim := range []string{"", "iat"} { // one that says when it was made, and one that does not
			token := w.JWTs.NewRefresh(tokens.Claimant{ID: ann.ID.String(), Password: ann.Password}, w.Now())
			token.Claims = slices.DeleteFunc(token.Claims, func(c tokens.Claim) bool { return c.Name == claim })
			raw, err := w.JWTs.Encode(token)
			must(t, err)
			next := w.refresh(raw)
			same(t, "the successor within the grace", w.refresh(raw), next)
			w.clock.advance(w.RefreshGrace + 1)
			_, err = w.Refresh(ctx, raw)
			wants(t, "reuse after the grace", err, listed)
			_, err = w.Refresh(ctx, next)
			wants(t, "its successor", err, listed)
		}
	})
}

// Within the grace a rotated token is worth no more than its successor, and without a grace nothing.
func TestGraceHandsOutNothingDead(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		for what, end := range map[string]struct {
			change func(w *world, id store.ID, next string) error
			want   error
		}{
			"logout with the successor": {func(w *world, _ store.ID, next string) error { return w.Blacklist(ctx, next) }, listed},
			"a new password":            {func(w *world, id store.ID, _ string) error { return w.SetPassword(ctx, id, password) }, listed},
			"deactivation":              {func(w *world, id store.ID, _ string) error { return w.SetActive(ctx, id, false) }, listed},
			"deletion":                  {func(w *world, id store.ID, _ string) error { return w.Delete(ctx, id) }, listed},
			"no grace":                  {func(w *world, _ store.ID, _ string) error { w.RefreshGrace = 0; return nil }, listed},
		} {
			w := newWorld(t, url, nil)
			name := strings.ReplaceAll(what, " ", "-")
			ann := w.register(name, false)
			_, pair := w.signIn(name)
			next := w.refresh(pair.Refresh)
			must(t, end.change(w, ann.ID, next))
			got, err := w.Refresh(ctx, pair.Refresh)
			wants(t, what, err, end.want)
			same(t, "tokens after "+what, got, account.Pair{})
			_, err = w.Refresh(ctx, next)
			wants(t, "the successor after "+what, err, end.want)
		}
	})
}

func TestExactReuseLeavesTheFamily(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, exact)
		w.register("ann", false)
		_, first := w.signIn("ann")
		next := w.refresh(first.Refresh)
		w.clock.advance(time.Hour)
		_, err := w.Refresh(ctx, first.Refresh)
		wants(t, "reuse", err, listed)
		w.refresh(next)
	})
}

// A token that its owner ended at logout is no sign of theft when it comes again.
func TestLogoutIsNoReuse(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		w.register("ann", false)
		_, pair := w.signIn("ann")
		last := w.refresh(pair.Refresh)
		must(t, w.Blacklist(ctx, last))
		w.clock.advance(time.Hour)
		for range 2 {
			_, err := w.Refresh(ctx, last)
			wants(t, "refresh", err, listed)
		}
		same(t, "revoked places", w.count("SELECT count(*) FROM latchkey_refresh WHERE revoked_at IS NOT NULL"), 0)
	})
}

// Whoever reads the database, a backup of it for instance, cannot use the tokens in it. In the exact profile they are as SimpleJWT leaves them.
func TestOutstandingTokens(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		for _, profile := range []struct {
			change func(*account.Service)
			usable bool
		}{{nil, false}, {exact, true}} {
			w := newWorld(t, url, profile.change)
			name := map[bool]string{true: "eve", false: "ann"}[profile.usable]
			w.register(name, false)
			user, pair := w.signIn(name)
			w.refresh(pair.Refresh)
			sliding, err := w.NewSliding(ctx, user)
			must(t, err)
			handed := []string{pair.Refresh, sliding}
			rows, err := w.db.Query("SELECT token FROM token_blacklist_outstandingtoken WHERE user_id = (SELECT id FROM auth_user WHERE username = $1) ORDER BY id", name)
			must(t, err)
			defer func() { _ = rows.Close() }()
			n := 0
			for ; rows.Next(); n++ {
				var kept string
				must(t, rows.Scan(&kept))
				if _, err := w.JWTs.Decode(kept, "", w.Now(), nil); (err == nil) != profile.usable {
					t.Errorf("row %d: the kept token is answered %v", n, err)
				}
				for _, raw := range handed {
					if signature := raw[strings.LastIndexByte(raw, '.')+1:]; !profile.usable && strings.Contains(kept, signature) {
						t.Errorf("row %d holds a signature", n)
					}
				}
			}
			must(t, rows.Err())
			same(t, "rows", n, 3)
		}
	})
}

func TestVerifyAsksTheBlacklist(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		unlisting := func(s *account.Service) { s.JWT.BlacklistAfterRotation = false }
		w := newWorld(t, url, unlisting)
		w.register("ann", false)
		_, pair := w.signIn("ann")
		wants(t, "a good token", w.Verify(ctx, pair.Refresh), nil)
		must(t, w.Blacklist(ctx, pair.Refresh))
		wants(t, "a listed token", w.Verify(ctx, pair.Refresh), account.ErrBlacklisted)

		theirs := newWorld(t, url, func(s *account.Service) { exact(s); unlisting(s) })
		wants(t, "a listed token in the exact profile", theirs.Verify(ctx, pair.Refresh), nil)
		theirs = newWorld(t, url, exact)
		wants(t, "in the exact profile with BLACKLIST_AFTER_ROTATION", theirs.Verify(ctx, pair.Refresh), account.ErrBlacklisted)
	})
}

// A user who is gone or switched off refreshes nothing, though the token itself is good; nor does a token that names nobody.
func TestRefreshAsksForTheUser(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, func(s *account.Service) { s.End = account.End{} })
		ann := w.register("ann", false)
		_, pair := w.signIn("ann")
		sliding, err := w.NewSliding(ctx, w.user(ann.ID))
		must(t, err)
		must(t, w.SetActive(ctx, ann.ID, false))
		_, err = w.Refresh(ctx, pair.Refresh)
		wants(t, "refresh for an inactive user", err, account.ErrInactive)
		_, err = w.RefreshSliding(ctx, sliding)
		wants(t, "sliding refresh for an inactive user", err, account.ErrInactive)
		_, _, err = w.UserOfToken(ctx, pair.Access, account.TokenClasses([]string{"rest_framework_simplejwt.tokens.AccessToken"}), false)
		wants(t, "access for an inactive user", err, account.ErrInactive)
		must(t, w.Delete(ctx, ann.ID))
		_, err = w.Refresh(ctx, pair.Refresh)
		wants(t, "refresh for a deleted user", err, account.ErrUserNotFound)
		_, err = w.RefreshSliding(ctx, sliding)
		wants(t, "sliding refresh for a deleted user", err, account.ErrUserNotFound)

		nobody, err := w.JWTs.Encode(w.JWTs.NewRefresh(tokens.Claimant{}, w.Now()))
		must(t, err)
		_, err = w.Refresh(ctx, nobody)
		wants(t, "a token of nobody", err, account.ErrUserNotFound)
		theirs := newWorld(t, url, exact)
		_, err = theirs.Refresh(ctx, nobody)
		wants(t, "a token of nobody in the exact profile", err, nil)
	})
}

// CHECK_REVOKE_TOKEN ties every token to the password it was made under.
func TestRevokeClaim(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, func(s *account.Service) { s.End = account.End{}; s.JWT.CheckRevokeToken = true })
		ann := w.register("ann", false)
		_, pair := w.signIn("ann")
		must(t, w.SetPassword(ctx, ann.ID, anything))
		_, _, err := w.UserOfToken(ctx, pair.Access, account.TokenClasses([]string{"rest_framework_simplejwt.tokens.AccessToken"}), false)
		wants(t, "access", err, account.ErrPasswordChanged)
		_, err = w.Refresh(ctx, pair.Refresh)
		wants(t, "refresh", err, account.ErrPasswordChanged)
		_, err = w.Refresh(ctx, pair.Refresh)
		wants(t, "refresh a second time", err, listed)
	})
}
