package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"latchkey/internal/account"
	"latchkey/internal/store"
)

// hash makes hashes of plain passwords, before anything of the batch is written.
func (im *Import) hash(ctx context.Context, users []*user) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, u := range users {
		if u.plain == "" {
			continue
		}
		group.Go(func() error {
			encoded, err := im.Accounts.Passwords.Make(ctx, u.plain)
			u.values["password"] = encoded
			return err
		})
	}
	return group.Wait()
}

// uniqueKeys are a user's unique values, each with its column's name before it.
func (im *Import) uniqueKeys(u *user) []string {
	var keys []string
	for _, name := range im.unique {
		if value := u.values[name]; value != nil {
			keys = append(keys, name+" "+fmt.Sprint(value))
		}
	}
	return keys
}

// writeUsers writes a batch, each user new or over one who is there.
func (im *Import) writeUsers(ctx context.Context, tx *store.Store, users []*user) error {
	owners, err := im.owners(ctx, tx, users)
	if err != nil {
		return err
	}
	if users, err = im.referring(ctx, tx, users); err != nil {
		return err
	}
	var fresh []*user
	for _, u := range users {
		id, column := im.owner(owners, u)
		switch {
		case id.IsZero():
			if column, err := im.complete(u); err != nil {
				im.wrong(u.line, column, "%v", err)
				continue
			}
			fresh = append(fresh, u)
		case im.OnConflict == Skip:
			im.summary.Skipped++
		case im.OnConflict == Overwrite:
			if err := im.overwrite(ctx, tx, u, id); err != nil {
				return err
			}
		default:
			im.wrong(u.line, column, "user %s, of the database or an earlier line, has it already", id)
		}
	}
	if fresh, err = im.provable(ctx, tx, fresh); err != nil {
		return err
	}
	numbered := false
	for _, group := range bySignature(fresh) {
		if err := im.insert(ctx, tx, group); err != nil {
			return err
		}
		numbered = numbered || group[0].values[im.primary] != nil
	}
	if numbered {
		if err := tx.NumberOn(ctx); err != nil {
			return err
		}
	}
	if im.summary.Made < im.grown {
		return nil
	}
	im.grown = max(10*im.grown, 10*batchRows)
	return tx.Grown(ctx)
}

// owners finds who has the batch's unique values, by column and value.
func (im *Import) owners(ctx context.Context, tx *store.Store, users []*user) (map[string]map[string]store.ID, error) {
	owners := map[string]map[string]store.ID{}
	for _, column := range im.unique {
		found, err := tx.UserKeysBy(ctx, column, valuesOf(users, column))
		if err != nil {
			return nil, err
		}
		owners[column] = found
	}
	return owners, nil
}

// valuesOf are the values of a column that the users have.
func valuesOf(users []*user, column string) []any {
	var values []any
	for _, u := range users {
		if value := u.values[column]; value != nil {
			values = append(values, value)
		}
	}
	return values
}

// owner is who has one of a user's unique values, and which.
func (im *Import) owner(owners map[string]map[string]store.ID, u *user) (store.ID, string) {
	for _, column := range im.unique {
		if value := u.values[column]; value != nil {
			if id, taken := owners[column][fmt.Sprint(value)]; taken {
				return id, column
			}
		}
	}
	return store.ID{}, ""
}

// referring leaves out users whose foreign keys lead nowhere: the database would say so only at the end, and not of which line.
func (im *Import) referring(ctx context.Context, tx *store.Store, users []*user) ([]*user, error) {
	for _, name := range slices.Sorted(maps.Keys(im.columns)) {
		c := im.columns[name]
		values := valuesOf(users, name)
		if c.References == "" || len(values) == 0 {
			continue
		}
		found, err := tx.Existing(ctx, c.References, c.ReferencesColumn, values)
		if err != nil {
			return nil, err
		}
		users = slices.DeleteFunc(slices.Clone(users), func(u *user) bool {
			value := u.values[name]
			if value == nil {
				return false
			}
			_, there := found[fmt.Sprint(value)]
			if !there {
				im.wrong(u.line, name, "there is no such row in %s", c.References)
			}
			return !there
		})
	}
	return users, nil
}

// provable leaves out users whose verified address somebody else has verified.
func (im *Import) provable(ctx context.Context, tx *store.Store, users []*user) ([]*user, error) {
	if !tx.Apps().Allauth || !im.Accounts.Allauth.UniqueEmail {
		return users, nil
	}
	var addresses []any
	verified := func(u *user) string {
		if !u.listed || !u.verified {
			return ""
		}
		return strings.ToLower(u.text(im.model.EmailField))
	}
	for _, u := range users {
		if email := verified(u); email != "" {
			addresses = append(addresses, email)
		}
	}
	owners, err := tx.VerifiedAddresses(ctx, addresses)
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	return slices.DeleteFunc(users, func(u *user) bool {
		email := verified(u)
		if email == "" {
			return false
		}
		_, owned := owners[email]
		if owned || taken[email] {
			im.wrong(u.line, im.model.EmailField, "another user has this address verified")
			return true
		}
		taken[email] = true
		return false
	}), nil
}

// bySignature parts users by the columns that they have values for.
func bySignature(users []*user) [][]*user {
	groups := map[string][]*user{}
	for _, u := range users {
		signature := strings.Join(slices.Sorted(maps.Keys(u.values)), ",")
		groups[signature] = append(groups[signature], u)
	}
	all := make([][]*user, 0, len(groups))
	for _, signature := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, groups[signature])
	}
	return all
}

// insert writes new users with the same columns: all at once or, where the database refuses one, each on its own to find which.
func (im *Import) insert(ctx context.Context, tx *store.Store, users []*user) error {
	err := tx.Try(ctx, func() error { return im.insertRows(ctx, tx, users) })
	switch {
	case err == nil:
		im.summary.Made += int64(len(users))
		return nil
	case !refused(ctx, err):
		return err
	case len(users) == 1:
		im.refusal(users[0].line, err)
		return nil
	}
	for i := range users {
		if err := im.insert(ctx, tx, users[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// refused tells whether the database refused a row, rather than itself.
func refused(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.Is(err, store.ErrUnavailable)
}

// refusal reports what the database said of a line.
func (im *Import) refusal(line int, err error) {
	var duplicate *store.Duplicate
	var taken *account.Taken
	switch {
	case errors.As(err, &duplicate):
		im.wrong(line, duplicate.Column, "somebody has it already")
	case errors.As(err, &taken):
		im.wrong(line, taken.Column, "somebody has it already")
	default:
		im.wrong(line, "", "%v", err)
	}
}

func (im *Import) insertRows(ctx context.Context, tx *store.Store, users []*user) error {
	columns := slices.Sorted(maps.Keys(users[0].values))
	rows := make([][]any, len(users))
	for i, u := range users {
		for _, column := range columns {
			rows[i] = append(rows[i], u.values[column])
		}
	}
	ids, err := tx.InsertUserRows(ctx, columns, rows)
	if err != nil {
		return err
	}
	arrivals := make([]account.Arrival, len(users))
	for i, u := range users {
		active, stated := u.values["is_active"].(bool)
		arrivals[i] = account.Arrival{
			ID: ids[i], Email: u.text(im.model.EmailField), Active: active || !stated, Listed: u.listed, Verified: u.verified,
		}
	}
	return im.Accounts.Arrived(ctx, tx, arrivals)
}

// overwrite writes what the file gives over a user who is there.
func (im *Import) overwrite(ctx context.Context, tx *store.Store, u *user, id store.ID) error {
	columns := slices.DeleteFunc(slices.Sorted(maps.Keys(u.values)), func(name string) bool { return name == im.primary })
	values := make([]any, len(columns))
	for i, column := range columns {
		values[i] = u.values[column]
	}
	err := tx.Try(ctx, func() error {
		before, err := tx.UserForUpdate(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.UpdateUserRow(ctx, id, columns, values); err != nil {
			return err
		}
		if err := im.Accounts.Overwritten(ctx, tx, before, columns); err != nil {
			return err
		}
		if email := u.text(im.model.EmailField); u.verified && email != "" && tx.Apps().Allauth {
			return im.Accounts.ImportAddress(ctx, tx, store.EmailAddress{UserID: id, Email: email, Verified: true})
		}
		return nil
	})
	switch {
	case err == nil:
		im.summary.Updated++
	case !refused(ctx, err):
		return err
	default:
		im.refusal(u.line, err)
	}
	return nil
}

// writeAddress writes an address of a dump.
func (im *Import) writeAddress(ctx context.Context, tx *store.Store, a address) error {
	owner, err := im.ownerOf(ctx, tx, a)
	if errors.Is(err, store.ErrNotFound) {
		im.wrong(a.line, "user", "there is no user %s", a.user)
		return nil
	}
	if err != nil {
		return err
	}
	known, err := tx.EmailAddressesOf(ctx, owner)
	if err != nil {
		return err
	}
	if im.OnConflict != Overwrite && slices.ContainsFunc(known, func(k store.EmailAddress) bool { return strings.EqualFold(k.Email, a.email) }) {
		if im.OnConflict == Skip {
			im.summary.Skipped++
		} else {
			im.wrong(a.line, "email", "user %s has this address already", owner)
		}
		return nil
	}
	err = tx.Try(ctx, func() error {
		return im.Accounts.ImportAddress(ctx, tx, store.EmailAddress{UserID: owner, Email: a.email, Verified: a.verified, Primary: a.primary})
	})
	switch {
	case err == nil:
		im.summary.Addresses++
	case !refused(ctx, err):
		return err
	default:
		im.refusal(a.line, err)
	}
	return nil
}

// ownerOf finds the user of an address by key, or by name where the dump was made with natural keys.
func (im *Import) ownerOf(ctx context.Context, tx *store.Store, a address) (store.ID, error) {
	column := im.primary
	if a.natural {
		column = im.model.UsernameField
	}
	owner, err := tx.UserBy(ctx, column, a.user)
	if err != nil {
		return store.ID{}, err
	}
	return owner.ID, nil
}
