package store

import (
	"context"
	"errors"
	"time"
)

// The kinds of devices.
const (
	RefreshDevice = "refresh" // refresh tokens that follow from each other, or a sliding token
	SessionDevice = "session" // a session of Django's
	TokenDevice   = "token"   // the user's token key
)

// A Device is a row of latchkey_device: something that a user has open.
type Device struct {
	ID, Kind  string
	UserID    ID
	Handle    string // the newest refresh token's jti, or Django's key of the session
	Address   string
	Agent     string
	CreatedAt time.Time
	UsedAt    time.Time
	ExpiresAt time.Time // zero: never
	EndedAt   time.Time // zero: not
}

const deviceColumns = "id, kind, user_id, handle, address, agent, created_at, used_at, expires_at, ended_at"

func (d *Device) fields() []any {
	return []any{&d.ID, &d.Kind, &d.UserID, &d.Handle, &d.Address, &d.Agent, instant{&d.CreatedAt}, instant{&d.UsedAt}, optional{&d.ExpiresAt}, optional{&d.EndedAt}}
}

// SaveDevice records a device, or its next use: where and when, under which handle, and how long it lasts from then.
func (s *Store) SaveDevice(ctx context.Context, d Device) error {
	return s.do(ctx, "INSERT INTO latchkey_device ("+deviceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE
		SET handle = excluded.handle, address = excluded.address, agent = excluded.agent, used_at = excluded.used_at, expires_at = excluded.expires_at`,
		d.ID, d.Kind, d.UserID.String(), d.Handle, d.Address, d.Agent, s.stamp(d.CreatedAt), s.stamp(d.UsedAt), s.stamp(d.ExpiresAt), s.stamp(d.EndedAt))
}

// Device reads a device.
func (s *Store) Device(ctx context.Context, id string) (*Device, error) {
	d := &Device{}
	if err := s.first(ctx, d.fields(), "SELECT "+deviceColumns+" FROM latchkey_device WHERE id = $1", id); err != nil {
		return nil, err
	}
	return d, nil
}

// A DeviceUse is what a refresh asks of its device.
type DeviceUse struct {
	ID              string
	UsedAt, EndedAt time.Time
}

// DeviceOfRefresh reads the device that a refresh token belongs to.
func (s *Store) DeviceOfRefresh(ctx context.Context, jti string) (d DeviceUse, err error) {
	err = s.first(ctx, []any{&d.ID, instant{&d.UsedAt}, optional{&d.EndedAt}}, `SELECT id, used_at, ended_at FROM latchkey_device
		WHERE id = coalesce((SELECT family FROM latchkey_refresh WHERE jti = $1), CAST($1 AS text))`, jti)
	return d, err
}

// A TokenUse is what is on record of a refresh or sliding token that somebody uses.
type TokenUse struct {
	Listed bool      // on the blacklist
	Device DeviceUse // that which began with the token; zero: none did, but DeviceOfRefresh may know one
	User   *User     // nil: not asked
}

// TokenUse reads what a token's use asks for. Where the token names its user by the key, whom it names comes with it, in one query.
func (s *Store) TokenUse(ctx context.Context, jti, column, value string) (use TokenUse, err error) {
	if id, _, ok := s.asKey(column, value); ok {
		u, dest := s.Model().blank()
		dest = append(dest, flag{&use.Listed}, &use.Device.ID, optional{&use.Device.UsedAt}, optional{&use.Device.EndedAt})
		if err = s.first(ctx, dest, s.facts.Load().use, jti, id); err == nil {
			use.User = u
		}
		if !errors.Is(err, ErrNotFound) {
			return use, err
		}
	}
	if s.Apps().Blacklist {
		use.Listed, err = s.Blacklisted(ctx, jti)
	}
	return use, orNone(err)
}

func tokenUseQuery(f *facts) string {
	listed := "false"
	if f.apps.Blacklist {
		listed = "EXISTS (" + isListed + ")"
	}
	return "SELECT " + f.model.all + ", " + listed + ", coalesce(d.id, ''), d.used_at, d.ended_at FROM " + quote(f.model.Table) + " AS u LEFT JOIN latchkey_device AS d ON d.id = $1 WHERE u." + f.model.key + " = $2"
}

// Devices lists what a user has open, of each kind at most limit: what is on record here, the token key, and refresh tokens of Django's that came here never
// yet. Only the caller can tell whether a session among them still signs anybody in.
func (s *Store) Devices(ctx context.Context, id ID, now time.Time, limit int) ([]Device, error) {
	var all []Device
	row := func(rows row) error {
		var d Device
		err := rows.Scan(d.fields()...)
		all = append(all, d)
		return err
	}
	query := "SELECT " + deviceColumns + ` FROM latchkey_device AS d
		WHERE d.user_id = $1 AND d.kind <> 'token' AND d.ended_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > $2)`
	if s.Apps().Blacklist {
		query += ` AND NOT EXISTS (SELECT 1 FROM token_blacklist_outstandingtoken AS o JOIN token_blacklist_blacklistedtoken AS b ON b.token_id = o.id
			WHERE o.jti = d.handle)`
	}
	if err := s.each(ctx, row, query+" ORDER BY d.used_at DESC, d.id LIMIT $3", id.String(), s.stamp(now), limit); err != nil {
		return nil, err
	}
	if key, err := s.keyDevice(ctx, id); err == nil {
		all = append(all, *key)
	} else if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if !s.Apps().Blacklist {
		return all, nil
	}
	err := s.each(ctx, row, outstandingDevice+` WHERE o.user_id = $1 AND o.expires_at > $2
		AND `+unlisted+`
		AND NOT EXISTS (SELECT 1 FROM latchkey_refresh AS r WHERE r.jti = o.jti) AND NOT EXISTS (SELECT 1 FROM latchkey_device AS d WHERE d.id = o.jti)
		ORDER BY o.id DESC LIMIT $3`, id, s.stamp(now), limit)
	return all, err
}

// outstandingDevice reads a refresh token of Django's as a device.
const outstandingDevice = `SELECT o.jti, 'refresh', o.user_id, o.jti, '', '', coalesce(o.created_at, o.expires_at), coalesce(o.created_at, o.expires_at), o.expires_at, NULL
	FROM token_blacklist_outstandingtoken AS o`

const unlisted = "NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken AS b WHERE b.token_id = o.id)"

// KeyDeviceID is the id of the device that a user's token key is: there is one at most.
func KeyDeviceID(user ID) string { return "token-" + user.String() }

// keyDevice is a user's token key as a device, whoever made it: ErrNotFound where there is none.
func (s *Store) keyDevice(ctx context.Context, id ID) (*Device, error) {
	if !s.Apps().AuthToken {
		return nil, ErrNotFound
	}
	key, err := s.TokenKeyOf(ctx, id)
	if err != nil {
		return nil, err
	}
	d, err := s.Device(ctx, KeyDeviceID(id))
	if errors.Is(err, ErrNotFound) {
		d, err = &Device{ID: KeyDeviceID(id), Kind: TokenDevice, UserID: id, UsedAt: key.Created}, nil
	}
	if err != nil {
		return nil, err
	}
	d.CreatedAt = key.Created
	return d, nil
}

// DeviceOf finds, of what a user has open, that with the id.
func (s *Store) DeviceOf(ctx context.Context, user ID, id string) (*Device, error) {
	if id == KeyDeviceID(user) {
		return s.keyDevice(ctx, user)
	}
	d, err := s.Device(ctx, id)
	if errors.Is(err, ErrNotFound) && s.Apps().Blacklist {
		d = &Device{}
		err = s.first(ctx, d.fields(), outstandingDevice+" WHERE o.jti = $1 AND "+unlisted, id)
	}
	if err == nil && (d.UserID != user || !d.EndedAt.IsZero()) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// EndDevice ends a device of a user: the refresh tokens, the session, or the key.
func (s *Store) EndDevice(ctx context.Context, d *Device, now time.Time) error {
	return s.InTx(ctx, func(tx *Store) error {
		switch d.Kind {
		case SessionDevice:
			return tx.DeleteSession(ctx, d.Handle, d.ID)
		case TokenDevice:
			if _, err := tx.DeleteTokenKey(ctx, d.UserID); err != nil {
				return err
			}
			return tx.do(ctx, "DELETE FROM latchkey_device WHERE id = $1", d.ID)
		}
		if err := tx.RevokeFamily(ctx, d.ID, now); err != nil || !tx.Apps().Blacklist {
			return err
		}
		// A token that does not rotate is in no family, and of a sliding one the row may have expired long ago.
		_, err := tx.Blacklist(ctx, Outstanding{UserID: d.UserID, JTI: d.Handle, CreatedAt: d.CreatedAt, ExpiresAt: d.ExpiresAt}, now)
		return err
	})
}

// EndDevicesOf notes that a user's devices of a kind ended, and deletes what sessions of Django's are among them.
func (s *Store) EndDevicesOf(ctx context.Context, id ID, kind string, now time.Time) error {
	if kind == RefreshDevice {
		return s.do(ctx, "UPDATE latchkey_device SET ended_at = $2 WHERE user_id = $1 AND kind = 'refresh' AND ended_at IS NULL", id.String(), s.stamp(now))
	}
	if kind == SessionDevice && s.Apps().Sessions {
		err := s.do(ctx, `DELETE FROM django_session WHERE session_key IN (SELECT handle FROM latchkey_device WHERE user_id = $1 AND kind = 'session')`, id.String())
		if err != nil {
			return err
		}
	}
	return s.do(ctx, "DELETE FROM latchkey_device WHERE user_id = $1 AND kind = $2", id.String(), kind)
}

// A Cutoff is before when what a user had open is over; zero times cut nothing off.
type Cutoff struct{ Sessions, Access time.Time }

// CutoffOf reads a user's cutoff; nothing on record is the zero Cutoff.
func (s *Store) CutoffOf(ctx context.Context, id ID) (c Cutoff, err error) {
	err = s.first(ctx, []any{optional{&c.Sessions}, optional{&c.Access}}, "SELECT sessions_before, access_before FROM latchkey_cutoff WHERE user_id = $1", id.String())
	return c, orNone(err)
}

// CutOff moves a user's cutoff; zero times leave it where it is.
func (s *Store) CutOff(ctx context.Context, id ID, c Cutoff) error {
	return s.do(ctx, `INSERT INTO latchkey_cutoff (user_id, sessions_before, access_before) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE
		SET sessions_before = coalesce(excluded.sessions_before, latchkey_cutoff.sessions_before),
		access_before = coalesce(excluded.access_before, latchkey_cutoff.access_before)`, id.String(), s.stamp(c.Sessions), s.stamp(c.Access))
}
