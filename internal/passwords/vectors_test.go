package passwords

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"unicode"
)

// vectors are known answers made by Django 5.2 on Python 3.11.
type vectors struct {
	Hashes []struct {
		Hasher, Password, Encoded string
		CheckWrong                struct {
			Password string
			Matches  bool
		} `json:"check_wrong"`
	} `json:"password_hashes"`
	MustUpdate struct {
		Items                []mustUpdate
		OtherPreferredHasher []mustUpdate `json:"other_preferred_hasher"`
	} `json:"password_must_update"`
	OddValues struct {
		Items []struct {
			Encoded string
			Usable  bool
		}
	} `json:"password_odd_values"`
	Validation struct {
		Items []struct {
			Password string
			User     struct {
				Username, Email string
				FirstName       string `json:"first_name"`
				LastName        string `json:"last_name"`
			}
			Errors []string
		}
	} `json:"password_validation"`
	Common struct {
		Lines  int
		SHA256 string `json:"sha256_of_text"`
	} `json:"common_passwords"`
	IsDigit  ranges `json:"isdigit"`
	Stripped ranges `json:"stripped_by_str_strip"`
}

type mustUpdate struct {
	Preferred, Encoded, Password string
	IsCorrect                    bool `json:"is_correct"`
	MustUpdate                   bool `json:"must_update"`
}

// ranges are first and last code points in hexadecimal.
type ranges [][2]string

// table is the ranges as package unicode has them. It wants them sorted, as they are.
func (r ranges) table(t testing.TB) *unicode.RangeTable {
	t.Helper()
	table := new(unicode.RangeTable)
	for _, bounds := range r {
		first, err1 := strconv.ParseUint(bounds[0], 16, 32)
		last, err2 := strconv.ParseUint(bounds[1], 16, 32)
		if err1 != nil || err2 != nil {
			t.Fatalf("bad range %v", bounds)
		}
		table.R32 = append(table.R32, unicode.Range32{Lo: uint32(first), Hi: uint32(last), Stride: 1})
	}
	return table
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// allHashers configures every hasher, the one with this class first.
func allHashers(first string) Config {
	cfg := Config{Hashers: []string{djangoHashers + first}, Queue: 64}
	for _, h := range hashers {
		if h.class != cfg.Hashers[0] {
			cfg.Hashers = append(cfg.Hashers, h.class)
		}
	}
	return cfg
}

func newPasswords(t testing.TB, cfg Config) *Passwords {
	t.Helper()
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
