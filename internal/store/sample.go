package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
)

// What a sample takes at most: parts of the table, by key, and users.
const (
	sampleParts = 128
	sampleUsers = 4 * sampleParts
)

// SamplePasswords reads the encoded passwords of some hundred users from everywhere in the table, or of all where there are few; it never goes through a large
// table. Its parts begin at round numbers, so that a table which grows is looked at in the same places for long.
func (s *Store) SamplePasswords(ctx context.Context) (sample []string, err error) {
	var first, last ID
	ends := "SELECT " + s.key() + " FROM " + s.users + " ORDER BY " + s.key()
	err = s.first(ctx, []any{&first}, ends+" LIMIT 1")
	if err == nil {
		err = s.first(ctx, []any{&last}, ends+" DESC LIMIT 1")
	}
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	from, to, stride := first.place(), last.place(), uint64(1)
	for to/stride-from/stride >= sampleParts {
		stride *= 2
	}
	type part struct {
		low, high ID
		passwords []string
	}
	var parts []part // those with users
	const few = sampleUsers / sampleParts
	for n := from / stride; n <= to/stride; n++ {
		p := part{low: first.at(max(n*stride, from), 0), high: first.at(min(n*stride+(stride-1), to), 0xff)}
		if p.passwords, err = s.passwordsBetween(ctx, p.low, p.high, few); err != nil {
			return nil, err
		}
		if len(p.passwords) > 0 {
			parts = append(parts, p)
		}
	}
	more := few // where keys have gaps, the parts with users give more of them
	for len(parts) > 0 && 2*more*len(parts) <= sampleUsers {
		more *= 2
	}
	for _, p := range parts {
		if more > few && len(p.passwords) == few {
			if p.passwords, err = s.passwordsBetween(ctx, p.low, p.high, more); err != nil {
				return nil, err
			}
		}
		sample = append(sample, p.passwords...)
	}
	return sample, nil
}

// passwordsBetween reads the encoded passwords of the first users whose keys lie within bounds.
func (s *Store) passwordsBetween(ctx context.Context, low, high ID, limit int) (passwords []string, err error) {
	err = s.each(ctx, func(rows row) error {
		var encoded sql.NullString
		err := rows.Scan(&encoded)
		passwords = append(passwords, encoded.String)
		return err
	}, "SELECT password FROM "+s.users+" WHERE "+s.key()+" BETWEEN $1 AND $2 ORDER BY "+s.key()+" LIMIT $3", low, high, limit)
	return passwords, err
}

// place is where a key stands among all of its kind, as exactly as a number tells.
func (id ID) place() uint64 {
	if id.kind == UUID {
		return binary.BigEndian.Uint64(id.uuid[:])
	}
	return uint64(id.num) ^ 1<<63 // negative ones first
}

// at is the key of the same kind that stands at a place. Of the many UUIDs there it is the one that ends in rest.
func (id ID) at(place uint64, rest byte) ID {
	if id.kind == UUID {
		u := UUIDValue(bytes.Repeat([]byte{rest}, len(id.uuid)))
		binary.BigEndian.PutUint64(u[:], place)
		return UUIDID(u)
	}
	return IntID(int64(place ^ 1<<63))
}
