package store

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Times are kept to the microsecond, and between the years 1 and 9999, beyond which Python's datetime does not read:
// a token that claims to live longer lives as long as that.
var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

// clamp brings a time into what both engines and Django hold.
func clamp(t time.Time) time.Time {
	switch t = t.UTC().Truncate(time.Microsecond); {
	case t.Before(firstTime):
		return firstTime
	case t.After(lastTime):
		return lastTime
	}
	return t
}

// stamp is a time as the engine stores it, NULL for the zero time.
func (s *Store) stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return s.engine.time(clamp(t))
}

// djangoTime is a time as Django writes it on SQLite: UTC without a zone, six digits of fraction only if they are not all 0. Such texts sort by time.
func djangoTime(t time.Time) any {
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("2006-01-02 15:04:05.000000")
}

// instant scans a time that must be there, in UTC.
type instant struct{ t *time.Time }

func (i instant) Scan(src any) error {
	if src == nil {
		return errors.New("a time is NULL where there must be one")
	}
	return optional(i).Scan(src)
}

// optional scans a time or NULL, which is the zero time.
type optional struct{ t *time.Time }

func (o optional) Scan(src any) (err error) {
	switch src := src.(type) {
	case nil:
		*o.t = time.Time{}
	case time.Time:
		*o.t = src.UTC()
	case string:
		*o.t, err = parseTime(src)
	case []byte:
		*o.t, err = parseTime(string(src))
	default:
		err = fmt.Errorf("a time cannot be a %T", src)
	}
	return err
}

// timeLayouts are the texts that Django reads from SQLite: with a blank or a T, with or without seconds and their fraction, with or without an offset.
var timeLayouts = []string{
	"2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999Z0700",
	"2006-01-02 15:04:05.999999999Z07",
	"2006-01-02 15:04",
	"2006-01-02 15:04Z07:00",
	"2006-01-02",
}

// parseTime reads a time that Django or someone else wrote into SQLite as text.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if len(text) > 10 && (text[10] == 'T' || text[10] == 't') {
		text = text[:10] + " " + text[11:]
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("a text that is no time")
}

// flag scans a boolean as Django does: on SQLite exactly 1 is true.
type flag struct{ b *bool }

func (f flag) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		return errors.New("a boolean is NULL where there must be one")
	case bool:
		*f.b = src
	case int64:
		*f.b = src == 1
	default:
		*f.b = false
	}
	return nil
}
