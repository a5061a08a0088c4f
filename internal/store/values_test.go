package store

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestDuplicateColumns(t *testing.T) {
	for message, want := range map[string]string{
		"constraint failed: UNIQUE constraint failed: auth_user.username (2067)":                                  "username",
		"constraint failed: UNIQUE constraint failed: auth_user_groups.user_id, auth_user_groups.group_id (2067)": "user_id, group_id",
		"UNIQUE constraint failed: a.b": "b",
		"something else":                "",
	} {
		if got := sqliteColumn(message); got != want {
			t.Errorf("%s: got %q, want %q", message, got, want)
		}
	}
	for _, test := range []struct{ detail, want string }{
		{"Key (username)=(ann) already exists.", "username"},
		{"Schlüssel »(username)=(a)=(b)« existiert bereits.", "username"},
		{`Key (user_id, "primary")=(1, t) already exists.`, "user_id, primary"},
		{"", "auth_user_username_key"},
	} {
		if got := postgresColumn(&pgconn.PgError{Detail: test.detail, ConstraintName: "auth_user_username_key"}); got != test.want {
			t.Errorf("%s: got %q, want %q", test.detail, got, test.want)
		}
	}
}

// What Django writes reads back as the same time and the same text, and sorts by time.
func FuzzDjangoTime(f *testing.F) {
	f.Add(int64(0), int64(1))
	f.Add(int64(1790000000_000000), int64(1790000000_500000))
	f.Add(int64(-62135596800_000000), int64(253402300799_999999))
	f.Add(int64(1<<62), int64(-1<<62))
	f.Fuzz(func(t *testing.T, a, b int64) {
		first, second := clamp(time.UnixMicro(a)), clamp(time.UnixMicro(b))
		x, y := djangoTime(first).(string), djangoTime(second).(string)
		for text, want := range map[string]time.Time{x: first, y: second} {
			got, err := parseTime(text)
			if err != nil || !got.Equal(want) {
				t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
			}
		}
		if strings.Compare(x, y) != first.Compare(second) {
			t.Errorf("%q and %q sort otherwise than their times", x, y)
		}
	})
}

// Any text is a time or an error, and a time can be written again.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"", "2026-11-22 12:00:00", "2026-11-22T12:00:00.5+01:00", "2026-11-22t12:00Z", "2026-11-22", "0000-01-01 00:00:00", "2026-11-22 12:00:00 +0100", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTime(text)
		if err != nil {
			return
		}
		if got.Location() != time.UTC {
			t.Errorf("%q: in %v", text, got.Location())
		}
		want := clamp(got)
		if again, err := parseTime(djangoTime(want).(string)); err != nil || !again.Equal(want) {
			t.Errorf("%q: %v became %v, %v", text, want, again, err)
		}
	})
}

// A key's text reads back as the same key.
func FuzzScanID(f *testing.F) {
	for _, text := range []string{"", "1", "-1", "007", "9223372036854775807", "9223372036854775808", "x", "1_0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var id, again ID
		if id.Scan(text) != nil {
			return
		}
		if err := again.Scan(id.String()); err != nil || again != id {
			t.Errorf("%q: %v became %v, %v", text, id, again, err)
		}
	})
}

func TestScanRefuses(t *testing.T) {
	var id ID
	var when time.Time
	for _, src := range []any{1.5, true, time.Now(), "one", []byte("x")} {
		if err := id.Scan(src); err == nil {
			t.Errorf("%v was taken as a key", src)
		}
	}
	for _, src := range []any{1.5, int64(1), true, "x", []byte("x"), nil} {
		if err := (instant{&when}).Scan(src); err == nil {
			t.Errorf("%v was taken as a time", src)
		}
	}
	if err := (optional{&when}).Scan(nil); err != nil || !when.IsZero() {
		t.Errorf("NULL: got %v, %v", when, err)
	}
}
