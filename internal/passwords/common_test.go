package passwords

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDjangosList(t *testing.T) {
	want := readVectors(t).Common
	unzipped, err := gzip.NewReader(bytes.NewReader(djangoFile))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want.SHA256 {
		t.Errorf("sha256 %x, want %s", sum, want.SHA256)
	}
	if len(djangoList()) != want.Lines {
		t.Errorf("%d entries, want %d", len(djangoList()), want.Lines)
	}
}

func TestCommonList(t *testing.T) {
	if got, least := len(commonList()), 20_000; got < least {
		t.Errorf("%d entries, want %d and more", got, least)
	}
	for entry := range djangoList() {
		if _, found := commonList()[entry]; !found {
			t.Errorf("%q is missing", entry)
		}
	}
	for entry := range commonList() {
		if _, djangos := djangoList()[entry]; djangos {
			continue
		}
		if entry != strings.TrimFunc(lower(entry), isPythonSpace) || utf8.RuneCountInString(entry) < 8 {
			t.Errorf("%q can never be found", entry)
		}
	}
}

// What only the second list has is refused but where the reference's list is asked for.
func TestExactCommonList(t *testing.T) {
	cfg := allHashers("MD5PasswordHasher")
	cfg.Validators = []Validator{{Name: djangoValidation + "CommonPasswordValidator"}}
	for _, test := range []struct {
		password   string
		all, exact bool
	}{{"1passwor", true, false}, {"trustno1", true, true}, {"xJ5!kqQ0", false, false}} {
		for _, exact := range []bool{false, true} {
			cfg.ExactCommonList = exact
			want := test.all
			if exact {
				want = test.exact
			}
			if got := newPasswords(t, cfg).Weaknesses(test.password, Attributes{}) != nil; got != want {
				t.Errorf("%q, exact %v: common %v, want %v", test.password, exact, got, want)
			}
		}
	}
}

func TestOwnList(t *testing.T) {
	text := "  Spaced  \r\nhunter2\n\nlatchkey"
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	_, _ = writer.Write([]byte(text))
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"list.txt": []byte(text), "list.txt.gz": zipped.Bytes()} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]bool{
			"hunter2": true, " HUNTER2 ": true, "latchkey": true, "": true, // the empty line
			"Spaced":   false, // Django lowers the password and not the list
			"password": false,
		} {
			got := weak(t, "CommonPasswordValidator", map[string]any{"password_list_path": path}, password, Attributes{})
			if (got != "") != want {
				t.Errorf("%s, %q: %q", name, password, got)
			}
		}
	}
}

func TestDamagedList(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "short gzip": "\x1f\x8b\x08", "cut gzip": string(djangoFile[:1000]),
	} {
		if list, err := parseList(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %d entries", name, len(list))
		}
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte("one\ntwo\n"))
	f.Add(djangoFile[:200])
	f.Fuzz(func(t *testing.T, file []byte) {
		list, err := parseList(bytes.NewReader(file))
		if err == nil && len(list) == 0 {
			t.Error("an empty list without an error")
		}
		for entry := range list {
			if strings.ContainsAny(entry, "\n") {
				t.Errorf("%q holds two lines", entry)
			}
		}
	})
}

// BenchmarkParseList is what the first look at the lists costs.
func BenchmarkParseList(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustParseList(djangoFile)
	}
}
