package tokens

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// vectors are answers of the real Django and SimpleJWT, in testdata/django.json.
type vectors struct {
	How struct {
		Secret    string `json:"secret_key"`
		OldSecret string `json:"old_secret_key"`
	}
	Tokens struct {
		Items []struct {
			PK          string
			Password    string
			Email       string
			LastLogin   *string `json:"last_login_utc"`
			Local       string  `json:"server_local_time"`
			Token       string
			TokenOldKey string `json:"token_with_old_key"`
		}
	}
	TokenChecks struct {
		User struct {
			PK, Password, Email string
		}
		IssuedAt string `json:"issued_at_local"`
		Items    []struct {
			Case      string
			Token     string
			After     int      `json:"seconds_after_issue"`
			Fallbacks []string `json:"SECRET_KEY_FALLBACKS"`
			Timeout   int      `json:"PASSWORD_RESET_TIMEOUT"`
			Valid     bool
		}
	} `json:"token_checks"`
	UIDs struct {
		Encode []struct{ PK, UID string }
		Decode []struct {
			UID   string
			Text  *string
			Int   json.Number
			Error string
		}
	} `json:"uids"`
	Signing struct {
		Salts map[string]string `json:"default_salts"`
		Items []struct {
			Class    string
			Salt     *string
			Value    string
			JSON     json.RawMessage
			Compress bool
			Time     int64
			Signed   string
		}
		Checks []struct {
			Case      string
			Signed    string
			At        float64
			MaxAge    int      `json:"max_age"`
			Fallbacks []string `json:"SECRET_KEY_FALLBACKS"`
			Result    json.RawMessage
		}
	}
	SaltedHMAC []struct {
		Salt, Value, Secret, Algorithm, Hex string
		KeySalt                             string `json:"key_salt"`
	} `json:"salted_hmac"`
	Base62 []struct {
		Int    int64
		Base62 string
	}
	Sessions struct {
		Items []struct {
			Dict json.RawMessage `json:"session_dict"`
			Time int64
			Data string `json:"session_data"`
		}
		AuthHash []struct {
			Password string `json:"password_column"`
			Hash     string
		} `json:"auth_hash"`
		AuthHashOldKey []struct {
			Password string `json:"password_column"`
			Hash     string
		} `json:"auth_hash_old_key"`
	}
	JWT struct {
		Items []struct {
			Alg, Key, Token string
			Payload         string `json:"payload_json"`
		}
		Asymmetric struct {
			RSAPrivate string `json:"rsa_private"`
			RSAPublic  string `json:"rsa_public"`
			ECPrivate  string `json:"ec_private"`
			ECPublic   string `json:"ec_public"`
			Items      []struct {
				Alg, Token    string
				Payload       string `json:"payload_json"`
				Deterministic bool
			}
		}
		Checks struct {
			Items []struct {
				Case, Token, Message, Raises string
				Valid                        bool
				Payload                      json.RawMessage
			}
		} `json:"access_token_checks"`
	}
	Revoke []struct {
		Password string `json:"password_column"`
		Hash     string `json:"hash_password"`
	} `json:"revoke_claim"`
}

// peers are tokens that PyJWT signed with algorithms the vectors lack, and keys that are to be refused.
type peers struct {
	Items []struct {
		Alg, Private, Public, Token string
	}
	Refused map[string]string
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	readJSON(t, "testdata/django.json", &v)
	return v
}
func readPeers(t testing.TB) (p peers) { t.Helper(); readJSON(t, "testdata/pyjwt.json", &p); return p }

func readJSON(t testing.TB, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// moment reads a Python datetime without zone as if it were in loc.
func moment(t testing.TB, text string, loc *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02T15:04:05.999999", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
