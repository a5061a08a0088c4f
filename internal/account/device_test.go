package account_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/tokens"
)

// from is a request of a client.
func from(address, agent string) context.Context {
	return account.WithClient(ctx, account.Client{Address: address, Agent: agent})
}

// proof reads the token that a request is signed in with.
func (w *world) proof(raw string) account.Proof {
	w.t.Helper()
	_, token, err := w.UserOfToken(ctx, raw, account.TokenClasses([]string{"rest_framework_simplejwt.tokens.AccessToken", "rest_framework_simplejwt.tokens.SlidingToken"}), false)
	must(w.t, err)
	return account.Proof{Token: token}
}

// kinds lists what kinds of devices a user has, and which one is current: refresh*.
func (w *world) kinds(user *store.User, proof account.Proof) []string {
	w.t.Helper()
	list, err := w.DevicesOf(ctx, w.user(user.ID), proof)
	must(w.t, err)
	kinds := []string{}
	for _, d := range list {
		kind := d.Kind
		if d.Current {
			kind += "*"
		}
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

func TestDevices(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		for _, rotating := range []bool{true, false} {
			w := newWorld(t, url, func(s *account.Service) { s.JWT.RotateRefreshTokens = rotating })
			name := map[bool]string{true: "ann", false: "bob"}[rotating]
			ann := w.register(name, false)
			phone, err := w.NewPair(from("192.0.2.1", "phone"), ann)
			must(t, err)
			w.clock.advance(time.Minute)
			laptop, err := w.NewPair(from("192.0.2.2", "laptop"), ann)
			must(t, err)
			sliding, err := w.NewSliding(from("192.0.2.3", "watch"), ann)
			must(t, err)
			_, err = w.Key(from("192.0.2.4", "script"), ann)
			must(t, err)
			session, err := w.OpenSession(from("192.0.2.5", "browser"), "", account.Login{User: ann, Backend: account.ModelBackend})
			must(t, err)
			w.open("bystander" + name)

			all := []string{"refresh", "refresh", "refresh", "session", "token"}
			current := func(kind string) []string {
				marked := slices.Clone(all)
				marked[slices.Index(all, kind)] += "*"
				slices.Sort(marked)
				return marked
			}
			same(t, "by the key", w.kinds(ann, account.Proof{Key: true}), current("token"))
			same(t, "by the session", w.kinds(ann, account.Proof{Session: session}), current("session"))
			same(t, "by nothing", w.kinds(ann, account.Proof{}), all)
			for _, access := range []string{phone.Access, laptop.Access, sliding} {
				same(t, "by a token", w.kinds(ann, w.proof(access)), current("refresh"))
			}

			w.clock.advance(10 * time.Minute)
			next, err := w.Refresh(from("198.51.100.1", "phone, updated"), phone.Refresh)
			must(t, err)
			list, err := w.DevicesOf(ctx, ann, w.proof(next.Access))
			must(t, err)
			first := list[0]
			if !first.Current || first.Address != "198.51.100.1" || first.Agent != "phone, updated" || !first.CreatedAt.Equal(noon) || !first.UsedAt.Equal(w.Now()) {
				t.Errorf("the phone is shown as %+v", first)
			}

			wants(t, "a device of nobody", w.EndDevice(ctx, ann, "nothing"), account.ErrNoSession)
			must(t, w.EndDevice(ctx, ann, first.ID))
			for _, raw := range []string{phone.Refresh, next.Refresh} {
				if raw != "" {
					_, err = w.Refresh(ctx, raw)
					wants(t, "refresh of a device that was ended", err, listed)
				}
			}
			must(t, w.EndOtherDevices(ctx, ann, account.Proof{Session: session}))
			same(t, "after the others ended", w.kinds(ann, account.Proof{Session: session}), []string{"session*"})
			_, err = w.Refresh(ctx, laptop.Refresh)
			wants(t, "refresh", err, listed)
			_, err = w.UserOfSession(ctx, session)
			wants(t, "the session that was kept", err, nil)
			must(t, w.EndDevices(ctx, ann))
			same(t, "after all ended", w.kinds(ann, account.Proof{}), []string{})
			_, err = w.UserOfSession(ctx, session)
			wants(t, "session", err, account.ErrNoSession)
			same(t, "somebody else's", len(w.kinds(w.user(ann.ID), account.Proof{})), 0)
			bystander, err := w.UserBy(ctx, "username", "bystander"+name)
			must(t, err)
			same(t, "somebody else's", w.kinds(bystander, account.Proof{}), []string{"refresh", "session", "token"})
		}
	})
}

// What Django or a logout ended shows no more, and what Django opened shows.
func TestDevicesBesideDjango(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		ann := w.register("ann", false)
		token := w.JWTs.NewRefresh(tokens.Claimant{ID: ann.ID.String(), Password: ann.Password}, w.Now())
		raw, err := w.JWTs.Encode(token)
		must(t, err)
		must(t, w.Store.InsertOutstanding(ctx, store.Outstanding{UserID: ann.ID, JTI: token.JTI(), Token: raw, CreatedAt: w.Now(), ExpiresAt: token.ExpiresAt()}))
		_, err = w.db.Exec(`INSERT INTO authtoken_token ("key", created, user_id) VALUES ('k', $1, $2)`, "2026-03-01 12:00:00", ann.ID.String())
		must(t, err)
		session := w.djangoSession(ann, "django-session")
		same(t, "before they came here", w.kinds(ann, account.Proof{}), []string{"refresh", "token"})
		next := w.refresh(raw)
		_, err = w.UserOfSession(from("192.0.2.1", "browser"), session)
		must(t, err)
		same(t, "afterwards", w.kinds(ann, account.Proof{Session: session}), []string{"refresh", "session*", "token"})

		must(t, w.Blacklist(ctx, next))
		_, err = w.db.Exec("DELETE FROM authtoken_token")
		must(t, err)
		_, err = w.db.Exec("DELETE FROM django_session")
		must(t, err)
		same(t, "after their end", w.kinds(ann, account.Proof{}), []string{})
	})
}

// A new password ends sessions as Django does, without their rows being told; the caller's own goes on as the same device.
func TestDevicesAfterANewPassword(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		ann := w.open("ann")
		_, err := w.OpenSession(ctx, "", account.Login{User: ann.user, Backend: account.ModelBackend})
		must(t, err)
		w.clock.advance(time.Minute)
		user := w.user(ann.user.ID)
		must(t, w.ChangePassword(ctx, account.PasswordChange{User: user, Password: anything}))
		key, err := w.RenewSession(ctx, ann.session, user)
		must(t, err)
		list, err := w.DevicesOf(ctx, user, account.Proof{Session: key})
		must(t, err)
		if len(list) != 1 || !list[0].Current || !list[0].CreatedAt.Equal(noon) || !list[0].UsedAt.Equal(w.Now()) {
			t.Errorf("got %+v", list)
		}
	})
}

// Without a blacklist no row of Django's tells that a token was ended, and in the safe profile one of Latchkey's own does.
func TestEndWithoutABlacklist(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, func(s *account.Service) { s.JWT.BlacklistAfterRotation = false })
		for _, table := range []string{"token_blacklist_blacklistedtoken", "token_blacklist_outstandingtoken"} {
			_, err := w.db.Exec("DROP TABLE " + table)
			must(t, err)
		}
		must(t, w.Store.Migrate(ctx)) // which looks at what there is
		for _, rotating := range []bool{false, true} {
			w.JWT.RotateRefreshTokens = rotating
			name := map[bool]string{true: "ann", false: "bob"}[rotating]
			ann := w.register(name, false)
			_, kept := w.signIn(name)
			_, ended := w.signIn(name)
			sliding, err := w.NewSliding(ctx, w.user(ann.ID))
			must(t, err)
			id := w.proof(ended.Access)
			list, err := w.DevicesOf(ctx, ann, id)
			must(t, err)
			i := slices.IndexFunc(list, func(d account.Device) bool { return d.Current })
			must(t, w.EndDevice(ctx, ann, list[i].ID))
			_, err = w.Refresh(ctx, ended.Refresh)
			wants(t, "a token that was ended", err, listed)
			_, err = w.Refresh(ctx, kept.Refresh)
			wants(t, "another", err, nil)
			must(t, w.SetPassword(ctx, ann.ID, anything))
			_, err = w.Refresh(ctx, kept.Refresh)
			wants(t, "after a new password", err, listed)
			_, err = w.RefreshSliding(ctx, sliding)
			wants(t, "a sliding token", err, listed)
		}
	})
}
