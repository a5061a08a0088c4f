package store_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/internal/store"
)

// openDevices gives a user one device of each kind, and Django's side a refresh token of its own.
func openDevices(t *testing.T, s *store.Store, u *store.User) {
	t.Helper()
	hour := noon.Add(time.Hour)
	name := u.Username
	must(t, s.InsertRefresh(ctx, store.Refresh{JTI: name + "-2", Family: name + "-1", UserID: u.ID, IssuedAt: noon, ExpiresAt: hour}))
	for _, jti := range []string{name + "-2", name + "-django"} {
		must(t, s.InsertOutstanding(ctx, store.Outstanding{UserID: u.ID, JTI: jti, CreatedAt: noon, ExpiresAt: hour}))
	}
	must(t, s.SaveSession(ctx, store.SessionRow{Key: name + "-key", Expires: hour}))
	_, err := s.TokenKeyFor(ctx, u.ID, name, noon)
	must(t, err)
	for _, d := range []store.Device{
		{ID: name + "-1", Kind: store.RefreshDevice, Handle: name + "-2", Address: "192.0.2.1", Agent: "curl", ExpiresAt: hour},
		{ID: name + "-session", Kind: store.SessionDevice, Handle: name + "-key", ExpiresAt: hour},
	} {
		d.UserID, d.CreatedAt, d.UsedAt = u.ID, noon, noon
		must(t, s.SaveDevice(ctx, d))
	}
}

// devices lists the ids of what a user has open.
func devices(t *testing.T, s *store.Store, u *store.User) []string {
	t.Helper()
	list, err := s.Devices(ctx, u.ID, noon, 100)
	must(t, err)
	ids := []string{}
	for _, d := range list {
		if of, err := s.DeviceOf(ctx, u.ID, d.ID); err != nil || *of != d {
			t.Errorf("DeviceOf %s: %+v, %v; want %+v", d.ID, of, err, d)
		}
		ids = append(ids, d.ID)
	}
	slices.Sort(ids)
	return ids
}

func TestDevices(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, bob := addUser(t, s, "ann"), addUser(t, s, "bob")
		openDevices(t, s, ann)
		openDevices(t, s, bob)
		key := store.KeyDeviceID(ann.ID)
		all := []string{"ann-1", "ann-django", "ann-session", key}
		same(t, "open", devices(t, s, ann), all)
		for _, id := range []string{"bob-1", "bob-django", "bob-session", store.KeyDeviceID(bob.ID), "nothing", ""} {
			if d, err := s.DeviceOf(ctx, ann.ID, id); err != store.ErrNotFound {
				t.Errorf("%s: got %+v, %v", id, d, err)
			}
		}
		if late, err := s.Devices(ctx, ann.ID, noon.Add(time.Hour), 100); err != nil || len(late) != 1 || late[0].ID != key {
			t.Errorf("an hour later: %+v, %v", late, err)
		}
		for i, id := range all {
			d, err := s.DeviceOf(ctx, ann.ID, id)
			must(t, err)
			must(t, s.EndDevice(ctx, d, noon))
			same(t, "after the end of "+id, devices(t, s, ann), append([]string{}, all[i+1:]...))
			if _, err := s.DeviceOf(ctx, ann.ID, id); err != store.ErrNotFound {
				t.Errorf("%s after its end: %v", id, err)
			}
		}
		same(t, "listed", []string{blacklisted(t, s)}, []string{"ann-2 ann-django"})
		same(t, "revoked", rows(t, s, "SELECT jti FROM latchkey_refresh WHERE revoked_at IS NOT NULL"), []string{"ann-2"})
		same(t, "sessions", rows(t, s, "SELECT session_key FROM django_session"), []string{"bob-key"})
		same(t, "keys", rows(t, s, `SELECT "key" FROM authtoken_token`), []string{"bob"})
		same(t, "somebody else's", devices(t, s, bob), []string{"bob-1", "bob-django", "bob-session", store.KeyDeviceID(bob.ID)})

		must(t, s.BlacklistUser(ctx, bob.ID, noon))
		same(t, "after listing all", devices(t, s, bob), []string{"bob-session", store.KeyDeviceID(bob.ID)})
		for _, kind := range []string{store.RefreshDevice, store.SessionDevice, store.TokenDevice} {
			must(t, s.EndDevicesOf(ctx, bob.ID, kind, noon))
		}
		same(t, "but for the key itself", devices(t, s, bob), []string{store.KeyDeviceID(bob.ID)})
		same(t, "sessions in the end", rows(t, s, "SELECT session_key FROM django_session"), []string{})
	})
}

// The next use of a device changes what it is known by, and leaves when it was opened.
func TestDeviceUse(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		hour := noon.Add(time.Hour)
		d := store.Device{ID: "a", Kind: store.RefreshDevice, Handle: "1", Address: "192.0.2.1", Agent: "old", CreatedAt: noon, UsedAt: noon, ExpiresAt: hour}
		must(t, s.SaveDevice(ctx, d))
		d.Handle, d.Address, d.Agent, d.UsedAt, d.ExpiresAt = "2", "192.0.2.2", "new", hour, hour.Add(time.Hour)
		again := d
		again.CreatedAt, again.Kind = hour, store.TokenDevice
		must(t, s.SaveDevice(ctx, again))
		if got, err := s.Device(ctx, "a"); err != nil || *got != d {
			t.Errorf("got %+v, %v; want %+v", got, err, d)
		}
		must(t, s.InsertRefresh(ctx, store.Refresh{JTI: "2", Family: "a", IssuedAt: noon, ExpiresAt: hour}))
		for jti, want := range map[string]error{"a": nil, "2": nil, "1": store.ErrNotFound} {
			if got, err := s.DeviceOfRefresh(ctx, jti); err != want || err == nil && got.ID != "a" {
				t.Errorf("%s is of %+v, %v", jti, got, err)
			}
		}
	})
}

// TestTokenUse: the query for all that a token's use asks finds what the queries for each find, and where the token names nobody by the key at least whether it is listed.
func TestTokenUse(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ann, hour := addUser(t, s, "ann"), noon.Add(time.Hour)
		must(t, s.SaveDevice(ctx, store.Device{ID: "1", Kind: store.RefreshDevice, UserID: ann.ID, CreatedAt: noon, UsedAt: noon, ExpiresAt: hour, EndedAt: hour}))
		for _, jti := range []string{"1", "2"} {
			must(t, s.InsertRefresh(ctx, store.Refresh{JTI: jti, Family: "1", UserID: ann.ID, IssuedAt: noon, ExpiresAt: hour}))
		}
		_, err := s.Blacklist(ctx, store.Outstanding{UserID: ann.ID, JTI: "1", ExpiresAt: hour}, noon)
		must(t, err)
		device := store.DeviceUse{ID: "1", UsedAt: noon, EndedAt: hour}
		for _, test := range []struct {
			jti, column, value string
			want               store.TokenUse
		}{
			{"1", "id", ann.ID.String(), store.TokenUse{Listed: true, Device: device, User: ann}},
			{"2", "id", ann.ID.String(), store.TokenUse{User: ann}},
			{"3", "id", ann.ID.String(), store.TokenUse{User: ann}},
			{"1", "id", "99", store.TokenUse{Listed: true}},
			{"2", "id", "nobody", store.TokenUse{}},
			{"1", "username", "ann", store.TokenUse{Listed: true}},
			{"3", "", "", store.TokenUse{}},
		} {
			got, err := s.TokenUse(ctx, test.jti, test.column, test.value)
			if err != nil || got.Listed != test.want.Listed || got.Device != test.want.Device {
				t.Errorf("%s of %s %q: %+v, %v", test.jti, test.column, test.value, got, err)
			}
			if (got.User == nil) != (test.want.User == nil) || got.User != nil && got.User.Username != test.want.User.Username {
				t.Errorf("%s of %s %q: user %+v", test.jti, test.column, test.value, got.User)
			}
		}
	})
}

func TestCutoffs(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		hour := noon.Add(time.Hour)
		for _, step := range []struct{ cut, want store.Cutoff }{
			{store.Cutoff{}, store.Cutoff{}},
			{store.Cutoff{Sessions: noon}, store.Cutoff{Sessions: noon}},
			{store.Cutoff{Access: hour}, store.Cutoff{Sessions: noon, Access: hour}},
			{store.Cutoff{Sessions: hour}, store.Cutoff{Sessions: hour, Access: hour}},
		} {
			if step.cut != (store.Cutoff{}) {
				must(t, s.CutOff(ctx, store.IntID(7), step.cut))
			}
			if got, err := s.CutoffOf(ctx, store.IntID(7)); err != nil || got != step.want {
				t.Errorf("got %+v, %v; want %+v", got, err, step.want)
			}
		}
	})
}
