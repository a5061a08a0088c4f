package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"latchkey/internal/store"
)

// A SignUp is what a new account is made of by allauth's rules. The caller has judged the name and the password.
type SignUp struct {
	Username, Email, Password string
	// Extra are the values of other columns by the names of their fields, as store.User has them.
	Extra map[string]any
	// Letter is the confirmation mail that the address is owed.
	Letter Letter
}

// SignUp makes the account, the row of its address and the mail it owes in one transaction: ErrTaken where somebody was quicker to take the name. A name that
// was left out is made of the address.
func (s *Service) SignUp(ctx context.Context, up SignUp) (*store.User, error) {
	if err := s.askBefore(ctx, s.BeforeRegistration, "before.registration", &store.User{Username: up.Username, Email: lower(up.Email)}); err != nil {
		return nil, err
	}
	encoded, err := s.Passwords.Make(ctx, up.Password)
	if err != nil {
		return nil, err
	}
	mailed := up.Email != "" && s.Allauth.EmailVerification != NoVerification
	if mailed {
		if mailed, err = s.mayConfirm(ctx, up.Email); err != nil {
			return nil, err
		}
	}
	var user *store.User
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		user = &store.User{Password: encoded, Username: up.Username, Email: lower(up.Email), IsActive: true, DateJoined: s.Now(), Extra: up.Extra}
		if names := tx.Model().NameField != ""; names && up.Username == "" {
			if user.Username, err = s.nameFor(ctx, tx, user.Email); err != nil {
				return err
			}
		} else if names && !s.Allauth.PreserveUsernameCasing {
			user.Username = lower(user.Username)
		}
		if err := s.newName(ctx, tx, user.Username); err != nil {
			return err
		}
		if err := tx.InsertUser(ctx, user); err != nil {
			return err
		}
		if err := tx.RecordActivation(ctx, user.ID, s.Now()); err != nil { // so that no link lets the user in again whom somebody switches off
			return err
		}
		if err := s.record(ctx, tx, user, Event{Name: EventRegistered}); err != nil {
			return err
		}
		return s.firstAddress(ctx, tx, user, mailed, &up.Letter)
	})
	if err != nil {
		return nil, taken(err)
	}
	return user, nil
}

// newName refuses a name that somebody has, whatever its case, and keeps others from taking it before the transaction ends: the database's own rule
// tells capitals apart. Where people have no names there is nothing to refuse.
func (s *Service) newName(ctx context.Context, tx *store.Store, name string) error {
	field := tx.Model().NameField
	if field == "" {
		return nil
	}
	if err := tx.Reserve(ctx, field, lower(name)); err != nil {
		return err
	}
	users, err := tx.UsersByFold(ctx, field, name)
	if err == nil && len(users) > 0 && s.Allauth.PreserveUsernameCasing {
		err = &store.Duplicate{Column: field}
	}
	return err
}

// firstAddress writes the row of a new user's address and queues its confirmation. An address that somebody else has in any row gets none at first, unless
// PREVENT_ENUMERATION is strict; where addresses are verified, one that is not primary is made then.
func (s *Service) firstAddress(ctx context.Context, tx *store.Store, user *store.User, mailed bool, letter *Letter) error {
	if user.Email == "" {
		return nil
	}
	row := &store.EmailAddress{UserID: user.ID, Email: user.Email, Primary: true}
	if s.Allauth.UniqueEmail && s.Allauth.PreventEnumeration != "strict" {
		others, err := tx.EmailAddressesBy(ctx, user.Email, false)
		if err != nil {
			return err
		}
		row.Primary = len(others) == 0
	}
	if !row.Primary && s.Allauth.EmailVerification == NoVerification {
		return nil
	}
	if _, err := tx.InsertEmailAddress(ctx, row); err != nil || !mailed {
		return err
	}
	return s.postConfirmation(ctx, tx, user, row, letter)
}

var (
	noNameLetter = regexp.MustCompile(`[^0-9A-Za-z_\s@+.-]`)
	blanks       = regexp.MustCompile(`\s+`)
)

// maxNameLength bounds the names that are made where the column has no bound.
const maxNameLength = 150

// nameFor makes a free name of what stands before the @ of an address, with ever longer random endings while it is taken.
func (s *Service) nameFor(ctx context.Context, tx *store.Store, email string) (string, error) {
	field, _ := tx.Model().Field(tx.Model().NameField)
	longest := cmp.Or(field.Length, maxNameLength)
	base := "user"
	if email != "" {
		ascii := strings.Map(func(r rune) rune {
			if r > 0x7f {
				return -1
			}
			return r
		}, norm.NFKD.String(email))
		local, _, _ := strings.Cut(strings.ToLower(noNameLetter.ReplaceAllString(ascii, "")), "@")
		if local = blanks.ReplaceAllString(strings.TrimSpace(local), "_"); local != "" && !s.listed(local) {
			base = local
		}
	}
	least := max(s.Allauth.UsernameMinLength-len(base), 0)
	for length := least; length < least+8; length++ {
		name := base[:min(len(base), longest-length)] + randomEnding(length)
		users, err := tx.UsersByFold(ctx, field.Name, name)
		if err != nil {
			return "", err
		}
		if len(users) == 0 && !s.listed(name) {
			return name, nil
		}
	}
	return "", errors.New("no free name could be made of the address")
}

// listed tells whether a name is on ACCOUNT_USERNAME_BLACKLIST.
func (s *Service) listed(name string) bool {
	for _, entry := range s.Allauth.UsernameBlacklist {
		if lower(entry) == lower(name) {
			return true
		}
	}
	return false
}

// randomEnding is n random digits and letters, a digit first.
func randomEnding(n int) string {
	const digits, all = "0123456789", "abcdefghijklmnopqrstuvwxyz0123456789"
	var b strings.Builder
	for i := range n {
		alphabet := all
		if i == 0 {
			alphabet = digits
		}
		k, _ := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet)))) // never fails
		b.WriteByte(alphabet[k.Int64()])
	}
	return b.String()
}
