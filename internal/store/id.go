package store

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An ID is a user's primary key: an integer or a UUID. Its zero value is no key, NULL in the database. IDs compare with ==.
type ID struct {
	kind Kind // Integer or UUID; empty for no key
	num  int64
	uuid UUIDValue
}

// IntID is the key of an integer column.
func IntID(n int64) ID { return ID{kind: Integer, num: n} }

// UUIDID is the key of a UUID column.
func UUIDID(u UUIDValue) ID { return ID{kind: UUID, uuid: u} }

// IsZero tells whether there is no key.
func (id ID) IsZero() bool { return id.kind == "" }

// Int is the key as a number, if it is one.
func (id ID) Int() (int64, bool) { return id.num, id.kind == Integer }

// UUID is the key as a UUID, if it is one.
func (id ID) UUID() (UUIDValue, bool) { return id.uuid, id.kind == UUID }

// String is the key as Python's str would print it, or nothing.
func (id ID) String() string {
	switch id.kind {
	case Integer:
		return strconv.FormatInt(id.num, 10)
	case UUID:
		return id.uuid.String()
	}
	return ""
}

// Compare orders keys as the database does.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.num, other.num), bytes.Compare(id.uuid[:], other.uuid[:]))
}

// Value is the key as a column takes it.
func (id ID) Value() (driver.Value, error) {
	switch id.kind {
	case Integer:
		return id.num, nil
	case UUID:
		return id.uuid.hex(), nil
	}
	return nil, nil
}

// Scan reads a key from a number, from its text form as latchkey_* tables keep it, or from NULL and the empty text, which are none.
func (id *ID) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*id = ID{}
		return nil
	case int64:
		*id = IntID(src)
		return nil
	case string:
		return id.scanText(src)
	case []byte:
		return id.scanText(string(src))
	}
	return fmt.Errorf("a user's key cannot be a %T", src)
}

func (id *ID) scanText(text string) error {
	if text == "" {
		*id = ID{}
		return nil
	}
	if len(text) >= 32 { // more digits than any number has
		u, ok := ParseUUID(text)
		if !ok {
			return errors.New("a user's key is no UUID")
		}
		*id = UUIDID(u)
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("a user's key is no number")
	}
	*id = IntID(n)
	return nil
}

// ParseID reads a key of the user table from its text: a decimal number, where a sign and leading zeros are taken as Python's int takes
// them, or a UUID in any form that Python's UUID takes. It is false for anything else, and for keys that the column cannot hold.
func (s *Store) ParseID(text string) (ID, bool) {
	id := ID{kind: s.Model().Key.Kind}
	switch id.kind {
	case UUID:
		var ok bool
		if id.uuid, ok = ParseUUID(text); !ok {
			return ID{}, false
		}
	default:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return ID{}, false
		}
		id.num = n
	}
	if !s.holds(id) {
		return ID{}, false
	}
	return id, true
}

// NobodyID is a key of the table's kind that no user has: links that are made for nobody carry it.
func (s *Store) NobodyID() ID { return ID{kind: s.Model().Key.Kind} }

// holds tells whether the user table's key column can hold a key.
func (s *Store) holds(id ID) bool {
	key := s.Model().Key
	return id.kind == key.Kind && (id.kind == UUID || key.Min <= id.num && id.num <= key.Max)
}

// A UUIDValue is a value of a UUID column.
type UUIDValue [16]byte

// NewUUID makes a random one, as Python's uuid4.
func NewUUID() UUIDValue {
	var u UUIDValue
	_, _ = rand.Read(u[:]) // never fails
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String is the UUID as Python's str prints it.
func (u UUIDValue) String() string {
	h := u.hex()
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// hex is the UUID as Django's char(32) column holds it on SQLite, and as PostgreSQL takes it too.
func (u UUIDValue) hex() string { return hex.EncodeToString(u[:]) }

// ParseUUID reads a UUID from 32 hexadecimal digits, however they are dressed: Python's UUID ignores hyphens, braces, urn: and uuid:.
func ParseUUID(text string) (u UUIDValue, ok bool) {
	text = strings.NewReplacer("urn:", "", "uuid:", "").Replace(text)
	text = strings.ReplaceAll(strings.Trim(text, "{}"), "-", "")
	if len(text) != 2*len(u) {
		return UUIDValue{}, false
	}
	_, err := hex.Decode(u[:], []byte(text))
	return u, err == nil
}
