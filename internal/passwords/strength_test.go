package passwords

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"latchkey/internal/message"
)

// defaultRules configures the four validators with Django's own list of common passwords.
func defaultRules(t testing.TB) *Passwords {
	cfg := DefaultConfig()
	cfg.ExactCommonList = true
	return newPasswords(t, cfg)
}

func TestDjangosWeaknesses(t *testing.T) {
	p := defaultRules(t)
	for _, v := range readVectors(t).Validation.Items {
		got := inEnglish(p.Weaknesses(v.Password, Attributes{v.User.Username, v.User.FirstName, v.User.LastName, v.User.Email}))
		if !slices.Equal(got, v.Errors) || (got == nil) != (len(v.Errors) == 0) {
			t.Errorf("%q, %+v:\n got %q\nwant %q", v.Password, v.User, got, v.Errors)
		}
	}
}

// weak runs one validator with options.
func weak(t *testing.T, name string, options map[string]any, password string, user Attributes) string {
	t.Helper()
	cfg := allHashers("MD5PasswordHasher")
	cfg.Validators = []Validator{{Name: djangoValidation + name, Options: options}}
	return strings.Join(inEnglish(newPasswords(t, cfg).Weaknesses(password, user)), "|")
}

func inEnglish(messages []*message.Text) []string {
	var texts []string
	for _, m := range messages {
		texts = append(texts, m.String())
	}
	return texts
}

func TestMinimumLength(t *testing.T) {
	for _, test := range []struct {
		option   any
		password string
		want     string
	}{
		{10, "ninechars", "This password is too short. It must contain at least 10 characters."},
		{uint64(9), "ninechars", ""},
		{int64(10), "ninechars", "This password is too short. It must contain at least 10 characters."},
		{9.0, "ninechars", ""},
		{1, "", "This password is too short. It must contain at least 1 character."},
		{0, "", ""},
		{4, "пароль", ""},
		{7, "пароль", "This password is too short. It must contain at least 7 characters."},
	} {
		if got := weak(t, "MinimumLengthValidator", map[string]any{"min_length": test.option}, test.password, Attributes{}); got != test.want {
			t.Errorf("%v, %q: %q, want %q", test.option, test.password, got, test.want)
		}
	}
}

func TestSimilarity(t *testing.T) {
	const name = "UserAttributeSimilarityValidator"
	user := Attributes{Username: "margaret", FirstName: "Margaret", LastName: "Hamilton", Email: "mh@mit.edu"}
	for _, test := range []struct {
		options        map[string]any
		password, want string
	}{
		{nil, "hamilton99", "The password is too similar to the last name."},
		{nil, "MARGARET!", "The password is too similar to the username."},
		{map[string]any{"user_attributes": []any{"first_name", "username"}}, "margaret", "The password is too similar to the first name."},
		{map[string]any{"user_attributes": []string{"email"}}, "margaret", ""},
		{map[string]any{"user_attributes": []any{}}, "margaret", ""},
		{map[string]any{"max_similarity": 1}, "margaret", "The password is too similar to the username."},
		{map[string]any{"max_similarity": 1}, "margare", ""},
		{map[string]any{"max_similarity": 1.5}, "margaret", ""},
		{map[string]any{"max_similarity": 0.1}, "r23456789", "The password is too similar to the username."},
		{nil, "mh@mit.edu", "The password is too similar to the email address."},
	} {
		if got := weak(t, name, test.options, test.password, user); got != test.want {
			t.Errorf("%v, %q: %q, want %q", test.options, test.password, got, test.want)
		}
	}
	// Python makes two letters of İ and knows the sigma that ends a word.
	if got := weak(t, name, nil, "οδος", Attributes{Username: "ΟΔΟΣ"}); got == "" {
		t.Error("a sigma at the end was not lowered as Python does")
	}
	if got := weak(t, name, map[string]any{"max_similarity": 1}, "i\u0307", Attributes{Username: "İ"}); got == "" {
		t.Error("İ was not lowered to two characters")
	}
	// Empty texts are alike: re.split leaves one where a value begins or ends with no word letter.
	if got := weak(t, name, nil, "", Attributes{Username: "ann-"}); got == "" {
		t.Error("an empty password is as similar as can be to an empty piece")
	}
	if got := weak(t, name, nil, "", Attributes{Username: "ann"}); got != "" {
		t.Errorf("an empty password: %q", got)
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":              {"", ""},
		"ann":           {"ann", "ann"},
		"ann.b@x-y.org": {"ann", "b", "x", "y", "org", "ann.b@x-y.org"},
		"-ann--b-":      {"", "ann", "b", "", "-ann--b-"},
		"a_b\u0301c²":   {"a_b", "c²", "a_b\u0301c²"},
		"--":            {"", "", "--"},
		"日本・語":          {"日本", "語", "日本・語"},
	} {
		if got := slices.Collect(words(text)); !slices.Equal(got, want) {
			t.Errorf("words(%q) = %q, want %q", text, got, want)
		}
	}
}

// Unicode 15, which Go knows, has two more decimal systems than Unicode 14, with which the vectors were made.
func TestDigitsAndSpaces(t *testing.T) {
	v := readVectors(t)
	digits, spaces := v.IsDigit.table(t), v.Stripped.table(t)
	newer := &unicode.RangeTable{R32: []unicode.Range32{{Lo: 0x11f50, Hi: 0x11f59, Stride: 1}, {Lo: 0x1e4f0, Hi: 0x1e4f9, Stride: 1}}}
	for r := range unicode.MaxRune + 1 {
		if got, want := !isNoDigit(r), unicode.Is(digits, r); got != want && !unicode.Is(newer, r) {
			t.Errorf("digit %U: %v, want %v", r, got, want)
		}
		if got, want := isPythonSpace(r), unicode.Is(spaces, r); got != want {
			t.Errorf("space %U: %v, want %v", r, got, want)
		}
	}
}

func FuzzWeaknesses(f *testing.F) {
	for _, v := range readVectors(f).Validation.Items {
		f.Add(v.Password, v.User.Username, v.User.LastName, v.User.Email)
	}
	p := defaultRules(f)
	f.Fuzz(func(t *testing.T, password, username, lastName, email string) {
		got := inEnglish(p.Weaknesses(password, Attributes{username, "", lastName, email}))
		short := slices.Contains(got, "This password is too short. It must contain at least 8 characters.")
		if short != (utf8.RuneCountInString(password) < 8) {
			t.Errorf("%q: %q", password, got)
		}
		// A password is always too similar to itself.
		if password != "" && p.Weaknesses(password, Attributes{Email: password}) == nil {
			t.Errorf("%q is not similar to itself", password)
		}
	})
}

func BenchmarkWeaknesses(b *testing.B) {
	p := defaultRules(b)
	user := Attributes{"margaret", "Margaret", "Hamilton", "margaret.hamilton@example.com"}
	for name, password := range map[string]string{"ascii": "correct horse battery", "unicode": "правильная лошадь"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := p.Weaknesses(password, user); got != nil {
					b.Fatal(got)
				}
			}
		})
	}
}
