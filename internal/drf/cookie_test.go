package drf

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

// TestCookieLines sets and takes back a cookie with every attribute: of one name an answer has one line, the last.
func TestCookieLines(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	full := Cookie{Name: "a", Domain: ".example.com", Path: "/api", SameSite: "None", Secure: true, HTTPOnly: true, Age: time.Hour}
	bare := Cookie{Name: "ab", Path: "/"}
	w := httptest.NewRecorder()
	full.Set(w, "first", noon)
	bare.Set(w, "x", noon)
	full.Set(w, "second", noon)
	want := []string{
		"ab=x; Path=/",
		"a=second; Domain=.example.com; expires=Sun, 22 Nov 2026 13:00:00 GMT; HttpOnly; Max-Age=3600; Path=/api; SameSite=None; Secure",
	}
	if got := w.Header().Values("Set-Cookie"); !slices.Equal(got, want) {
		t.Errorf("set: %q\nwant %q", got, want)
	}
	full.Delete(w)
	bare.Delete(w)
	want = []string{
		`a=""; Domain=.example.com; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/api; SameSite=None; Secure`,
		`ab=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/`,
	}
	if got := w.Header().Values("Set-Cookie"); !slices.Equal(got, want) {
		t.Errorf("taken back: %q\nwant %q", got, want)
	}
}

func TestTimeIn(t *testing.T) {
	zone := func(name string) *time.Location {
		location, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return location
	}
	summer := time.Date(2026, 7, 1, 12, 0, 0, 45712000, time.UTC)
	for name, want := range map[string]string{
		"UTC": "2026-07-01T12:00:00.045712Z", "America/Chicago": "2026-07-01T07:00:00.045712-05:00", "Asia/Kolkata": "2026-07-01T17:30:00.045712+05:30",
		"Africa/Abidjan": "2026-07-01T12:00:00.045712Z",
	} {
		if got := TimeIn(summer, zone(name)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := TimeIn(summer.Truncate(time.Second), time.UTC); got != "2026-07-01T12:00:00Z" {
		t.Errorf("a whole second: %s", got)
	}
}
