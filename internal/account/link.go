package account

import (
	"context"
	"errors"
	"strings"

	"latchkey/internal/mail"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A Link is what came back from a mailed link, as it was sent.
type Link struct {
	UID, Token string
	// Purpose is what it is used for.
	Purpose mail.Kind
	// Allauth says that it has allauth's form: the uid in base 36, and a token that covers all the user's addresses.
	Allauth bool
	// Look only looks at the link, as who shows a page about it does: nothing is written, not even what allauth adds by the way.
	Look bool
}

// purposes are what links are mailed for.
var purposes = []mail.Kind{mail.Activation, mail.PasswordReset, mail.UsernameReset, mail.PasswordResetKey}

// UserOfLink finds the user of a link and checks its token: ErrBadUID, ErrBadLink.
// In the safe profile a link that Latchkey mailed serves only its purpose, and only once; one that Django mailed is checked as Django checks it.
func (s *Service) UserOfLink(ctx context.Context, link Link) (*store.User, error) {
	return s.userOfLink(ctx, s.Store, link, s.Store.User)
}

// userOfLink does so with get reading the row, which inside a transaction may lock it.
func (s *Service) userOfLink(ctx context.Context, tx *store.Store, link Link, get func(context.Context, store.ID) (*store.User, error)) (*store.User, error) {
	id, ok := s.keyOf(link)
	if !ok {
		return nil, ErrBadUID
	}
	user, err := get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrBadUID
	}
	if err != nil {
		return nil, err
	}
	good := false
	if link.Allauth {
		good, err = s.checkAllauth(ctx, tx, user, link)
	} else {
		good = s.Resets.Check(subject(user), link.Token, s.Now())
	}
	if err != nil {
		return nil, err
	}
	if !good {
		return nil, ErrBadLink
	}
	if s.Exact {
		return user, nil
	}
	return user, s.checkPurpose(ctx, tx, user, link)
}

// keyOf is the user's key that a link's uid stands for.
func (s *Service) keyOf(link Link) (store.ID, bool) {
	text, ok := link.UID, true
	if !link.Allauth {
		text, ok = tokens.DecodeUID(link.UID)
	}
	if !ok {
		return store.ID{}, false
	}
	if s.Store.Model().Key.Kind != store.Integer {
		return s.Store.ParseID(text)
	}
	read := tokens.ParseInt
	if link.Allauth {
		read = tokens.DecodeUID36
	}
	n, ok := read(text)
	return store.IntID(n), ok
}

// AllauthUID is a key as allauth's links carry it: a number in base 36, a UUID without its hyphens.
func AllauthUID(id store.ID) string {
	if n, ok := id.Int(); ok {
		return tokens.EncodeUID36(n)
	}
	return strings.ReplaceAll(id.String(), "-", "")
}

// checkPurpose holds a good token against what is known of its link.
func (s *Service) checkPurpose(ctx context.Context, tx *store.Store, user *store.User, link Link) error {
	own, err := tx.LinkByDigest(ctx, digest(user.ID, link.Purpose, link.Token))
	if err == nil {
		if own.UsedAt.IsZero() || link.Purpose == mail.Activation && user.IsActive { // a second click on an activation link is told so
			return nil
		}
		return ErrBadLink
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for _, purpose := range purposes {
		_, err := tx.LinkByDigest(ctx, digest(user.ID, purpose, link.Token))
		if err == nil {
			return ErrBadLink
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if link.Purpose == mail.Activation && !user.IsActive {
		ok, err := s.mayActivate(ctx, tx, user)
		if err == nil && !ok {
			err = ErrBadLink
		}
		return err
	}
	return nil
}

// spend uses a link up. A link that Latchkey did not mail has nothing to use up: the change it makes ends its token.
func (s *Service) spend(ctx context.Context, tx *store.Store, user *store.User, link Link) error {
	if s.Exact {
		return nil
	}
	d := digest(user.ID, link.Purpose, link.Token)
	used, err := tx.UseLink(ctx, d, string(link.Purpose), s.Now())
	if err != nil || used {
		return err
	}
	if _, err := tx.LinkByDigest(ctx, d); errors.Is(err, store.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return ErrBadLink // somebody was quicker
}

// mayActivate tells whether an inactive user may be let in by a mailed link: one who never was active, or whom a change of address locked out.
// Everybody else was switched off by an administrator. The exact profile cannot tell, as Django cannot.
func (s *Service) mayActivate(ctx context.Context, tx *store.Store, user *store.User) (bool, error) {
	if s.Exact {
		return true, nil
	}
	state, err := tx.ActivationOf(ctx, user.ID)
	if err != nil {
		return false, err
	}
	if state.Pending {
		return true, nil
	}
	return user.LastLogin.IsZero() && !state.Activated, nil
}
