package test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// secretKey is the Django SECRET_KEY that the scenarios sign tokens with.
	secretKey = "peer-secret-key-0123456789abcdefghijklmnopqrstuvwxyz"
	// fixturePassword is the password of every user of a scenario that names none.
	fixturePassword = "1311Qwqq!!"
	// fixtureRounds are few, so that fixtures are made quickly.
	fixtureRounds = 1000
)

// play plays a scenario from empty tables and returns what each step gave, in normal form.
func (t *target) play(s *scenario) ([]object, error) {
	if err := t.reset(); err != nil {
		return nil, fmt.Errorf("emptying the tables: %w", err)
	}
	if err := t.fixtures(s); err != nil {
		return nil, fmt.Errorf("inserting the rows: %w", err)
	}
	known := newMemory()
	var out []object
	for i := range s.Steps {
		got, err := t.step(&s.Steps[i], known)
		if err != nil {
			return out, fmt.Errorf("step %d: %w", i, err)
		}
		out = append(out, got)
	}
	return out, nil
}

func (t *target) step(st *step, known *memory) (object, error) {
	switch {
	case st.Sleep > 0:
		time.Sleep(time.Duration(st.Sleep * float64(time.Second)))
		return nil, nil
	case st.Sign != nil:
		token, err := st.Sign.token(known)
		known.keep(st.Sign.Name, token)
		return nil, err
	case st.Select != nil:
		return t.selectRows(st.Select, known)
	}
	answer, body, err := send(t.address, st.Request, known)
	if err != nil {
		return nil, err
	}
	if err := t.document.check(st.Request, known, answer, body); err != nil {
		return nil, err
	}
	got := normalAnswer(answer, body, known)
	mails, err := t.mail()
	if err != nil {
		return nil, err
	}
	for _, m := range mails {
		known.read(m.Text)
	}
	if len(mails) > 0 {
		list := []any{}
		for _, m := range mails {
			facts, err := mailFacts(m, known)
			if err != nil {
				return nil, err
			}
			list = append(list, facts)
		}
		got = append(got, member{"mail", list})
	}
	for _, m := range st.Capture {
		known.keep(m.name, capture(m.value.(string), answer, body))
	}
	return got, nil
}

// fixtures inserts the users, the first of whom gets id 1, and the other rows.
func (t *target) fixtures(s *scenario) error {
	for _, given := range s.Users {
		row := object{
			{"username", "alice"}, {"email", ""}, {"first_name", ""}, {"last_name", ""},
			{"is_active", true}, {"is_staff", false}, {"is_superuser", false},
			{"date_joined", "2024-01-02 03:04:05"}, {"last_login", nil},
		}
		for _, m := range given {
			row = row.with(m.name, m.value)
		}
		password, unusable := fixturePassword, false
		if v, ok := row.get("password"); ok {
			password = v.(string)
		}
		if v, ok := row.get("unusable"); ok {
			unusable = v.(bool)
		}
		encoded := "!unusable"
		if !unusable {
			var err error
			if encoded, err = encodePassword(password); err != nil {
				return err
			}
		}
		if err := t.insert("auth_user", row.without("unusable").with("password", encoded)); err != nil {
			return err
		}
	}
	for _, r := range s.Rows {
		if err := t.insert(r.Table, r.Values); err != nil {
			return err
		}
	}
	return nil
}

// encodePassword is Django's pbkdf2_sha256 with few rounds.
func encodePassword(password string) (string, error) {
	const salt = "fixturesalt"
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), fixtureRounds, sha256.Size)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", fixtureRounds, salt, base64.StdEncoding.EncodeToString(key)), nil
}

// token signs the claims, with no library in between, so that every odd token can be made.
func (s *sign) token(known *memory) (string, error) {
	alg, secret := s.Alg, secretKey
	if alg == "" {
		alg = "HS256"
	}
	if s.Secret != nil {
		secret = *s.Secret
	}
	claims := object{}
	for _, m := range s.Claims {
		v, err := known.fillValue(m.value)
		if err != nil {
			return "", err
		}
		if number, ok := v.(json.Number); ok && (m.name == "exp" || m.name == "iat") {
			if offset, err := strconv.ParseInt(number.String(), 10, 64); err == nil {
				v = json.Number(strconv.FormatInt(time.Now().Unix()+offset, 10))
			}
		}
		claims = append(claims, member{m.name, v})
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(compact(object{{"alg", alg}, {"typ", "JWT"}})) + "." + encode(compact(claims))
	digests := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
	var signature []byte
	if digest, ok := digests[alg]; ok {
		mac := hmac.New(digest, []byte(secret))
		mac.Write([]byte(signed))
		signature = mac.Sum(nil)
	}
	return signed + "." + encode(signature), nil
}

var (
	mailedToken = regexp.MustCompile(`/([\w-]{1,40})/([0-9a-z]{6,7}-[0-9a-f]{32})`)
	mailedKey   = regexp.MustCompile(`account-confirm-email/([-:\w]+)`)
)

// read keeps uid and token, or key, of the links in a mail.
func (m *memory) read(text string) {
	if found := mailedToken.FindStringSubmatch(text); found != nil {
		m.keep("uid", found[1])
		m.keep("token", found[2])
	}
	if found := mailedKey.FindStringSubmatch(text); found != nil {
		m.keep("key", found[1])
	}
}

// capture takes something out of an answer: a cookie, a text given literally, or what stands at a dotted path in the body.
// What is not there is the empty text.
func capture(path string, answer *http.Response, body []byte) value {
	if name, ok := strings.CutPrefix(path, "cookie:"); ok {
		for _, line := range answer.Header.Values("Set-Cookie") {
			if rest, ok := strings.CutPrefix(line, name+"="); ok {
				v, _, _ := strings.Cut(rest, ";")
				return v
			}
		}
		return ""
	}
	if text, ok := strings.CutPrefix(path, "literal:"); ok {
		return text
	}
	v, err := decodeJSON(body)
	if err != nil {
		return ""
	}
	for _, name := range strings.Split(path, ".") {
		switch at := v.(type) {
		case object:
			inner, ok := at.get(name)
			if !ok {
				return ""
			}
			v = inner
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
	}
	return v
}
