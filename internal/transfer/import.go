package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"latchkey/internal/account"
	"latchkey/internal/store"
)

// What is done with a user who is there already, by key or by a unique column.
const (
	Refuse    = "error"
	Skip      = "skip"
	Overwrite = "update"
)

const (
	batchRows  = 1024
	batchBytes = 4 << 20
	// maxProblems is after how many wrong lines an import that writes nothing any more gives up.
	maxProblems = 100
)

// An Import reads users from a file into the database.
type Import struct {
	Accounts *account.Service
	// Label is the user model's name in dumps, auth.User.
	Label  string
	Format Format
	// DryRun does everything and undoes it.
	DryRun bool
	// KeepGoing writes the good lines, some at a time; otherwise one that is wrong undoes all.
	KeepGoing bool
	// OnConflict is Refuse, Skip or Overwrite.
	OnConflict string
	// HashPasswords takes the passwords for plain ones.
	HashPasswords bool
	// ResetByMail lets new users without a password ask for a reset mail; otherwise their password is unusable, as Django calls it.
	ResetByMail bool
	// Verified takes every new user's address for proven.
	Verified bool
	// AsIs takes names and addresses that registration would refuse.
	AsIs bool
	// Report is told each wrong line, Progress how many bytes are read.
	Report   func(Problem)
	Progress func(read int64)

	model   *store.Model
	columns map[string]store.Column
	primary string   // the column of the key
	unique  []string // the columns of which no two users have the same value: the key first, then the name, then others
	summary Summary
	// lastWrong is the line of the last problem: a line with several counts once.
	lastWrong int
	grown     int64 // how many users are to be made before the database hears of it again
}

// A Summary counts what an import did, or what a dry run would do; Wrong are lines.
type Summary struct {
	Made, Updated, Skipped, Addresses, Wrong int64
	// Left are objects and lists of a dump that were left out, by model.
	Left map[string]int64
}

// errUndo undoes a transaction that went well.
var errUndo = errors.New("undone")

// ErrWrong is the error where lines were wrong, which Report was told: nothing was written unless KeepGoing.
var ErrWrong = errors.New("lines are wrong")

// Run reads the file to its end.
func (im *Import) Run(ctx context.Context, src io.Reader) (Summary, error) {
	im.summary, im.lastWrong, im.grown = Summary{Left: map[string]int64{}}, 0, 0
	if err := im.prepare(ctx); err != nil {
		return im.summary, err
	}
	r, err := open(im.Format, src)
	if err != nil {
		return im.summary, err
	}
	if csv, ok := r.(*csvReader); ok {
		if err := im.checkHeader(csv.header); err != nil {
			return im.summary, err
		}
	}
	in := &batches{im: im, src: r}
	if im.KeepGoing && !im.DryRun {
		err = in.each(func(b batch) error {
			return im.Accounts.Store.Load(ctx, func(tx *store.Store) error { return im.write(ctx, tx, b) })
		})
	} else {
		err = im.Accounts.Store.Load(ctx, func(tx *store.Store) error { return im.all(ctx, tx, in) })
	}
	switch {
	case err != nil && !errors.Is(err, errUndo):
		return im.summary, err
	case im.summary.Wrong > 0:
		return im.summary, ErrWrong
	}
	return im.summary, nil
}

// all writes everything in one transaction, and undoes it where a line was wrong.
func (im *Import) all(ctx context.Context, tx *store.Store, in *batches) error {
	err := in.each(func(b batch) error {
		if im.summary.Wrong >= maxProblems && !im.KeepGoing {
			return fmt.Errorf("%w: after %d of them the rest was not read", ErrWrong, im.summary.Wrong)
		}
		return im.write(ctx, tx, b)
	})
	if err == nil && (im.DryRun || im.summary.Wrong > 0) {
		err = errUndo
	}
	return err
}

// prepare learns the user table.
func (im *Import) prepare(ctx context.Context) error {
	im.model = im.Accounts.Store.Model()
	columns, err := im.Accounts.Store.UserColumns(ctx)
	if err != nil {
		return err
	}
	im.columns, im.unique = map[string]store.Column{}, nil
	for _, c := range columns {
		if c.Computed {
			continue
		}
		im.columns[c.Name] = c
		if c.Primary {
			im.primary = c.Name
		} else if c.Unique && c.Name != im.model.UsernameField {
			im.unique = append(im.unique, c.Name)
		}
	}
	im.unique = append([]string{im.primary, im.model.UsernameField}, im.unique...)
	return nil
}

// checkHeader refuses a file whose columns are not the table's before a line of it is read.
func (im *Import) checkHeader(header []string) error {
	for _, name := range header {
		if _, ok := im.columns[name]; !ok && (name != verifiedField || !im.Accounts.Store.Apps().Allauth) {
			known := slices.Sorted(maps.Keys(im.columns))
			return fmt.Errorf("the first line names %q, and the table %s has no such column: it has %s", name, im.model.Table, strings.Join(known, ", "))
		}
	}
	if !slices.Contains(header, im.model.UsernameField) {
		return fmt.Errorf("the first line does not name %s, which users are told apart by", im.model.UsernameField)
	}
	return nil
}

// wrong notes a problem.
func (im *Import) wrong(line int, column, format string, args ...any) {
	if line != im.lastWrong {
		im.summary.Wrong++
		im.lastWrong = line
	}
	im.Report(Problem{line, column, fmt.Sprintf(format, args...)})
}

// A batch is what is written with a few statements. No two of its users have a unique value in common.
type batch struct {
	users     []*user
	addresses []address
}

// batches cuts a file into batches.
type batches struct {
	im      *Import
	src     reader
	pending *user // read already, and not to be in one batch with those before it
}

// each calls fn for every batch.
func (in *batches) each(fn func(batch) error) error {
	for {
		b, err := in.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if failed := fn(b); failed != nil || err != nil {
			return failed
		}
	}
}

// next reads a batch: with io.EOF the last one, which may be empty.
func (in *batches) next() (batch, error) {
	var b batch
	seen := map[string]bool{}
	add := func(u *user) bool {
		keys := in.im.uniqueKeys(u)
		if slices.ContainsFunc(keys, func(key string) bool { return seen[key] }) {
			return false
		}
		for _, key := range keys {
			seen[key] = true
		}
		b.users = append(b.users, u)
		return true
	}
	if in.pending != nil {
		add(in.pending)
		in.pending = nil
	}
	begin, wrong := in.src.offset(), in.im.summary.Wrong
	defer func() { in.im.Progress(in.src.offset()) }()
	for len(b.users)+len(b.addresses) < batchRows && in.src.offset()-begin < batchBytes && in.im.summary.Wrong-wrong < maxProblems {
		rec, err := in.src.next()
		if err != nil {
			return b, err
		}
		switch u, a := in.im.read(rec); {
		case a != nil:
			b.addresses = append(b.addresses, *a)
		case u != nil && !add(u):
			in.pending = u
			return b, nil
		}
	}
	return b, nil
}

// write writes a batch.
func (im *Import) write(ctx context.Context, tx *store.Store, b batch) error {
	if err := im.hash(ctx, b.users); err != nil {
		return err
	}
	if err := im.writeUsers(ctx, tx, b.users); err != nil {
		return err
	}
	for _, a := range b.addresses {
		if err := im.writeAddress(ctx, tx, a); err != nil {
			return err
		}
	}
	return nil
}
