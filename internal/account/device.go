package account

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A Device is something that a user has open, as the user sees it.
type Device struct {
	store.Device
	// Current says that it is what the request came with.
	Current bool
}

// A Proof is what a request was signed in with, by which the device is known that it came from.
type Proof struct {
	Token   tokens.Token // a JWT
	Session string       // the key of a session
	Key     bool         // the token key
}

// usePrecision is how exactly the last use of a device is known where to know it better would be a write for each request.
const usePrecision = 5 * time.Minute

// sessionDevice is the id of the device that a session is: its key cannot be told from it.
func sessionDevice(key string) string { return tokens.Digest("session " + key)[:32] }

// device is what the caller opens, or uses, now.
func (s *Service) device(ctx context.Context, user *store.User, kind, id, handle string, expires time.Time) store.Device {
	client, _ := ClientOf(ctx)
	now := s.Now()
	return store.Device{
		ID: id, Kind: kind, UserID: user.ID, Handle: handle, Address: client.Address, Agent: client.Agent, CreatedAt: now, UsedAt: now, ExpiresAt: expires,
	}
}

// noteRefresh records a refresh or sliding token that is handed out, as the device whose first token has the id.
func (s *Service) noteRefresh(ctx context.Context, tx *store.Store, user *store.User, id string, token tokens.Token) error {
	if !s.Devices || user == nil {
		return nil
	}
	return tx.SaveDevice(ctx, s.device(ctx, user, store.RefreshDevice, id, token.JTI(), s.JWTs.LastsUntil(token)))
}

// noteUse records the use of a refresh or sliding token that stays as it is, and refuses one whose device was ended: without a blacklist nothing else tells.
// d is the device that began with the token, if one did.
func (s *Service) noteUse(ctx context.Context, user *store.User, token tokens.Token, d store.DeviceUse) error {
	if !s.Devices || user == nil {
		return nil
	}
	if d.ID == "" {
		var err error
		if d, err = s.Store.DeviceOfRefresh(ctx, token.JTI()); err != nil && !gone(err) {
			return err
		}
	}
	switch {
	case d.ID == "": // of Django
		return s.noteRefresh(ctx, s.Store, user, token.JTI(), token)
	case !d.EndedAt.IsZero():
		return blacklisted
	case s.Now().Sub(d.UsedAt) < usePrecision:
		return nil
	}
	return s.noteRefresh(ctx, s.Store, user, d.ID, token)
}

// noteSession records the use of a session. One that came here never before, since Django opened it, is a device from now on, unless what its user had open
// was ended after it was written: then it is ErrNoSession.
func (s *Service) noteSession(ctx context.Context, user *store.User, session tokens.Session, row *store.SessionRow) error {
	if !s.Devices {
		return nil
	}
	next := s.device(ctx, user, store.SessionDevice, sessionDevice(row.Key), row.Key, row.Expires)
	known, err := s.Store.Device(ctx, next.ID)
	if err == nil {
		if s.Now().Sub(known.UsedAt) < usePrecision {
			return nil
		}
		return s.Store.SaveDevice(ctx, next)
	}
	if !gone(err) {
		return err
	}
	var verdict error
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		if _, err := tx.UserForUpdate(ctx, user.ID); err != nil { // nothing is ended meanwhile
			return notFound(err)
		}
		cut, err := tx.CutoffOf(ctx, user.ID)
		if err != nil {
			return err
		}
		if session.Written.After(cut.Sessions) {
			return tx.SaveDevice(ctx, next)
		}
		verdict = ErrNoSession
		return tx.DeleteSession(ctx, row.Key, next.ID)
	})
	return cmp.Or(err, verdict)
}

// maxDevices is how many devices a user is shown.
const maxDevices = 100

// DevicesOf lists what a user has open, the last used first.
func (s *Service) DevicesOf(ctx context.Context, user *store.User, proof Proof) ([]Device, error) {
	list, err := s.devices(ctx, s.Store, user, proof, maxDevices)
	return list[:min(len(list), maxDevices)], err
}

func (s *Service) devices(ctx context.Context, tx *store.Store, caller *store.User, proof Proof, limit int) ([]Device, error) {
	user, err := tx.User(ctx, caller.ID) // a stateless caller is known by the id alone
	if err != nil {
		return nil, notFound(err)
	}
	rows, err := tx.Devices(ctx, user.ID, s.Now(), limit)
	if err != nil {
		return nil, err
	}
	list := make([]Device, 0, len(rows))
	for _, d := range rows {
		alive := true
		if d.Kind == store.SessionDevice { // a new password ended it, or Django did
			if alive, err = s.signsIn(ctx, tx, user, d.Handle); err != nil {
				return nil, err
			}
		}
		if alive {
			list = append(list, Device{d, s.proves(proof, &d)})
		}
	}
	slices.SortStableFunc(list, func(a, b Device) int { return b.UsedAt.Compare(a.UsedAt) })
	return list, nil
}

// signsIn tells whether a session still signs the user in.
func (s *Service) signsIn(ctx context.Context, tx *store.Store, user *store.User, key string) (bool, error) {
	session, _, err := s.session(ctx, tx, key)
	if err != nil {
		return false, ignore(err, ErrUserNotFound)
	}
	ok, _ := s.Keys.CheckSessionHash(user.Password, session.Hash)
	return ok && session.UserID == user.ID.String(), nil
}

// proves tells whether a request that came with the proof came from the device.
func (s *Service) proves(proof Proof, d *store.Device) bool {
	switch d.Kind {
	case store.SessionDevice:
		return proof.Session != "" && sessionDevice(proof.Session) == d.ID
	case store.TokenDevice:
		return proof.Key
	}
	jti := proof.Token.JTI()
	return jti != "" && (jti == d.Handle || s.Keys.Beside(jti, d.Handle))
}

// EndDevice signs a device of a user's out: ErrNoSession where the user has none by that id.
func (s *Service) EndDevice(ctx context.Context, user *store.User, id string) error {
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		if _, err := tx.UserForUpdate(ctx, user.ID); err != nil { // a sign-in under way is over by then
			return notFound(err)
		}
		d, err := tx.DeviceOf(ctx, user.ID, id)
		if gone(err) {
			return ErrNoSession
		}
		if err != nil {
			return err
		}
		if err := tx.EndDevice(ctx, d, s.Now()); err != nil {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventSessionEnded, Via: vias[d.Kind]})
	})
}

// vias are what events call the kinds of devices.
var vias = map[string]string{store.RefreshDevice: ViaJWT, store.SessionDevice: ViaSession, store.TokenDevice: ViaToken}

// EndDevices signs all devices of a user out.
func (s *Service) EndDevices(ctx context.Context, user *store.User) error {
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		if _, err := tx.UserForUpdate(ctx, user.ID); err != nil {
			return notFound(err)
		}
		if err := s.signOut(ctx, tx, user.ID, true); err != nil {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventSessionEnded})
	})
}

// EndOtherDevices signs all devices of a user out but the one that the proof is of: ErrNoSession where that is not known.
func (s *Service) EndOtherDevices(ctx context.Context, user *store.User, proof Proof) error {
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		if _, err := tx.UserForUpdate(ctx, user.ID); err != nil {
			return notFound(err)
		}
		all, err := s.devices(ctx, tx, user, proof, math.MaxInt32)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(d Device) bool { return d.Current }) {
			return ErrNoSession
		}
		for i := range all {
			if all[i].Current {
				continue
			}
			if err := tx.EndDevice(ctx, &all[i].Device, s.Now()); err != nil {
				return err
			}
		}
		if err := s.cutOff(ctx, tx, user.ID, true, false); err != nil {
			return err
		}
		return s.record(ctx, tx, user, Event{Name: EventSessionEnded})
	})
}
