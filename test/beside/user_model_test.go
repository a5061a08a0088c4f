package beside

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// eachModel runs fn for every stack on SQLite and PostgreSQL, on the tables that the migrations of a project with its own user model make.
func eachModel(t *testing.T, settings string, flags map[string]string, fn func(t *testing.T, p *pair)) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				d := &django{stack: s, database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: settings}
				p := &pair{django: d, maker: "Django", db: testenv.OpenDB(t, url), config: d.configure(t, "--with-secrets")}
				d.manage(t, "", "migrate", "-v", "0")
				before := schemaOf(t, p.db)
				p.python = d.serve(t)
				p.latchkey, p.stop = p.serveLatchkey(t, flags)
				fn(t, p)
				if after := schemaOf(t, p.db); !slices.Equal(after, before) {
					t.Errorf("Django's tables changed from\n%q\nto\n%q", before, after)
				}
			})
		})
	}
}

// object is a JSON object.
type object map[string]any

// newMember is a sign-up that both take, of a member nobody else is like.
func newMember(name string, more object) object {
	body := object{"email": name + "@example.com", "password": password, "phone": name, "score": 5, "agreed": true, "employer": 1}
	maps.Copy(body, more)
	for key, value := range more {
		if value == absent {
			delete(body, key)
		}
	}
	return body
}

const absent = "(absent)"

func (p *pair) memberJoins(t *testing.T, s site, name string) {
	t.Helper()
	s.wants(t, 201, "POST", "/auth/users/", "", newMember(name, nil))
	s.wants(t, 204, "POST", "/auth/users/activation/", "", p.mailed(t, name, "activate").fields(nil))
}

func (s site) memberSignsIn(t *testing.T, name, password string) answer {
	t.Helper()
	return s.wants(t, 200, "POST", "/auth/jwt/create/", "", fields{"email": address(name), "password": password})
}

// TestMembers: a user model with a UUID for a key, an address for a name, and a column of every kind. The two agree on all that they read, write and refuse.
func TestMembers(t *testing.T) {
	eachModel(t, "members.settings", nil, func(t *testing.T, p *pair) {
		p.manage(t, "from members.models import Company\nfor name in 'Acme', 'Globex': Company.objects.create(name=name)\n", "shell", "-v", "0")
		for _, side := range p.sides() {
			p.memberCrosses(t, side[0], side[1])
		}
		p.membersAreRead(t)
		p.membersAreRefusedAlike(t)
		p.membersChangeAlike(t)
		p.stop()
		p.membersElsewhere(t)
	})
}

// memberCrosses: tokens, keys, sessions and links of one are good at the other.
func (p *pair) memberCrosses(t *testing.T, here, there site) {
	name := "cross" + strings.ToLower(here.name)
	here.wants(t, 201, "POST", "/auth/users/", "", newMember(name, nil))
	activation := p.mailed(t, name, "activate")
	there.wants(t, 401, "POST", "/auth/jwt/create/", "", fields{"email": address(name), "password": password})
	there.wants(t, 204, "POST", "/auth/users/activation/", "", activation.fields(nil))
	tokens := here.memberSignsIn(t, name, password)
	mine := func(s site, credential string) {
		t.Helper()
		if a := s.wants(t, 200, "GET", "/auth/users/me/", credential, nil); a.body["email"] != address(name) {
			t.Errorf("%s: %s is known as %s", s.name, name, a.text)
		}
	}
	mine(there, "Bearer "+tokens.field(t, "access"))
	rotated := there.wants(t, 200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": tokens.field(t, "refresh")})
	here.wants(t, 401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": tokens.field(t, "refresh")})
	mine(here, "Bearer "+rotated.field(t, "access"))
	login := here.wants(t, 200, "POST", "/auth/token/login/", "", fields{"email": address(name), "password": password})
	key := "Token " + login.field(t, "auth_token")
	mine(there, key)
	mine(there, login.session)

	id := here.wants(t, 200, "GET", "/auth/users/me/", key, nil).field(t, "id")
	there.wants(t, 200, "GET", "/auth/users/"+id+"/", key, nil)
	for _, wrong := range []string{"1", "x", id[1:]} {
		there.wants(t, 404, "GET", "/auth/users/"+wrong+"/", key, nil)
	}

	here.wants(t, 204, "POST", "/auth/users/reset_password/", "", fields{"email": address(name)})
	reset := p.mailed(t, name, "password/reset/confirm")
	const chosen = "staple-battery-8"
	there.wants(t, 204, "POST", "/auth/users/reset_password_confirm/", "", reset.fields(fields{"new_password": chosen}))
	here.wants(t, 400, "POST", "/auth/users/reset_password_confirm/", "", reset.fields(fields{"new_password": "yet-another-horse-9"}))
	there.forgot(t, login.session)
	here.memberSignsIn(t, name, chosen)

	here.wants(t, 204, "POST", "/auth/users/reset_email/", "", fields{"email": address(name)})
	rename := p.mailed(t, name, "username/reset/confirm")
	there.wants(t, 204, "POST", "/auth/users/reset_email_confirm/", "", rename.fields(fields{"new_email": "new" + address(name)}))
	access := "Bearer " + here.memberSignsIn(t, "new"+name, chosen).field(t, "access")
	if other := p.theOther(here); here != other {
		there.wants(t, 204, "DELETE", "/auth/users/me/", access, fields{"current_password": chosen})
		here.wants(t, 401, "GET", "/auth/users/me/", access, nil)
	}
}

func (p *pair) theOther(s site) site {
	if s == p.python {
		return p.latchkey
	}
	return p.python
}

// membersAreRead: what one wrote the other shows, byte for byte, and what neither is told of keeps what Django's model gives it.
func (p *pair) membersAreRead(t *testing.T) {
	full := object{
		"nick": "Anni", "bio": "é \u2028 <b>", "age": 40, "points": -5, "score": 1 << 40, "newsletter": false, "maybe": true, "born": "1999-12-31",
		"seen": "2026-07-01T12:00:00.5Z", "credit": "1234.5", "ref": "12345678-1234-5678-1234-56781234567%d", "prefs": object{"a": []any{1, nil, "é", 1.5}, "b": "x"},
		"tags": []any{}, "company": 2,
	}
	for i, side := range p.sides() {
		here := side[0]
		for n, more := range []object{nil, full} {
			name := fmt.Sprintf("read%d%s", n, strings.ToLower(here.name))
			more = maps.Clone(more)
			if n == 1 {
				more["ref"] = fmt.Sprintf(full["ref"].(string), i)
			}
			made := here.wants(t, 201, "POST", "/auth/users/", "", newMember(name, more))
			here.wants(t, 204, "POST", "/auth/users/activation/", "", p.mailed(t, name, "activate").fields(nil))
			access := "Bearer " + here.memberSignsIn(t, name, password).field(t, "access")
			mine, theirs := here.wants(t, 200, "GET", "/auth/users/me/", access, nil).text, side[1].wants(t, 200, "GET", "/auth/users/me/", access, nil).text
			if mine != theirs {
				t.Errorf("%s shows\n%s\nand %s\n%s", here.name, mine, side[1].name, theirs)
			}
			var asMade, asRead object
			if err := json.Unmarshal([]byte(made.text), &asMade); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(mine), &asRead); err != nil {
				t.Fatal(err)
			}
			delete(asMade, "updated") // by the activation
			delete(asRead, "updated")
			if fmt.Sprint(asMade) != fmt.Sprint(asRead) && here == p.latchkey {
				t.Errorf("a sign-up answered\n%v\nand the user is\n%v", asMade, asRead)
			}
			secret := column(t, p.db, "SELECT secret FROM members_member WHERE email = $1 AND hour IS NULL", address(name))
			if !slices.Equal(secret, []string{"kept"}) {
				t.Errorf("%s gave a column that no API knows %q", here.name, secret)
			}
		}
	}
}

// newer are inputs that REST framework learned to read, or to refuse, only lately.
var newer = map[string]bool{
	`age -1`: true, `age 100000000000000000000`: true, `age 32768`: true, `points 9223372036854775808`: true, `score 9223372036854775808`: true,
	`score ""`: true, `born "20200209"`: true, `seen "2020-02-29"`: true, `seen "2020-02-29T10:00:00 +02:00"`: true,
	`seen "20200229T100000Z"`: true, `company 1000000000000000000000000000000`: true, `seen "2020-10-25T02:30:00"`: true,
}

// trials are values for each field, good and bad; absent leaves the field out.
var trials = map[string][]string{
	"phone":      {`null`, `""`, `" "`, `"xxxxxxxxxxxxxxxxxxxxx"`, `true`, `[]`, absent, `"a\u0000b"`},
	"nick":       {`null`, `""`, `" x "`, `"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"`, absent},
	"bio":        {`null`, `""`, `{}`, `5`},
	"age":        {`null`, `""`, `"5"`, `5.0`, `5.5`, `"5.00"`, `-1`, `32767`, `32768`, `100000000000000000000`, `true`, `"abc"`, `[]`, absent},
	"points":     {`null`, `""`, `2147483647`, `9223372036854775808`, absent},
	"score":      {`9223372036854775807`, `9223372036854775808`, absent, `null`, `""`},
	"agreed":     {`"yes"`, `1`, `"off"`, `0.0`, `"null"`, `""`, `null`, `2`, `[]`, `{}`, absent},
	"newsletter": {`null`, `"no"`, absent},
	"maybe":      {`"null"`, `null`, `""`, `"none"`, absent, `true`},
	"born":       {`"2020-02-29"`, `"2021-02-29"`, `"2020-2-9"`, `"20200209"`, `"2020-02-29T10:00"`, `null`, `""`, `5`, `[]`},
	"seen": {`"2020-02-29T10:00:00Z"`, `"2020-02-29 10:00"`, `"2020-02-29T10:00:00.123456789+02:00"`, `"2020-02-29"`, `"2020-10-25T02:30:00"`, `"now"`, `null`, `""`,
		`"2020-02-30T10:00:00Z"`, `"2020-02-29T10:00:00 +02:00"`, `"9999-12-31T23:59:59-01:00"`, `"20200229T100000Z"`},
	"credit":   {`"1.5"`, `1.5`, `"12345.67"`, `"1.234"`, `"12345"`, `"NaN"`, `"1e2"`, `"abc"`, `""`, `null`, `true`, `[]`, `" 1.5 "`, absent},
	"ref":      {`"5"`, `5`, `"{12345678-1234-5678-1234-567812345678}"`, `"zz"`, `null`, `""`, `[]`},
	"prefs":    {`null`, `{}`, `"text"`, `5`, `1.50`, `{"a":[1,null,"é"]}`, `""`, absent},
	"tags":     {`null`, `""`, `{"b":1.0}`},
	"company":  {`null`, `""`, `"1"`, `99`, `"abc"`, `true`, `1.5`, `[]`, `{}`, `1000000000000000000000000000000`, absent},
	"employer": {`null`, `""`, `2`, `99`, absent},
	"created":  {`"2020-01-01T00:00:00Z"`},
	"email":    {`null`, `""`, `"x"`, absent},
}

// membersAreRefusedAlike: field by field and value by value, the two take and refuse the same in the same words.
func (p *pair) membersAreRefusedAlike(t *testing.T) {
	n := 0
	old := p.stack.name == "debian"
	for _, field := range slices.Sorted(maps.Keys(trials)) {
		for _, value := range trials[field] {
			var shown [2]string
			for i, s := range []site{p.python, p.latchkey} {
				n++
				more := object{field: json.RawMessage(value)}
				if value == absent {
					more = object{field: absent}
				}
				a, err := s.send("POST", "/auth/users/", "", newMember(fmt.Sprint("try", n), more))
				if err != nil && s == p.latchkey {
					t.Error(err)
				}
				shown[i] = fmt.Sprint(a.status, " ", a.text)
				if a.status == 201 {
					shown[i] = fmt.Sprint("201 ", a.body[field])
				}
				if field == "created" || field == "ref" && a.status == 201 {
					shown[i] = fmt.Sprint(a.status) // another one each time, or taken the second time
				}
				if field == "ref" && strings.Contains(shown[i], "already exists") {
					shown[i] = "201"
				}
			}
			if shown[0] != shown[1] && !(old && newer[field+" "+value]) && !strings.HasPrefix(shown[0], "5") {
				t.Errorf("%s %s:\nDjango   %s\nLatchkey %s", field, value, shown[0], shown[1])
			}
		}
	}
	// what must be unique, by any spelling
	for _, taken := range []object{{"phone": "try-taken"}, {"email": "try-taken@example.com"}, {"phone": " try-taken "}, {"ref": "12345678123456781234567812345670"}} {
		body := newMember("try-taken", nil)
		if _, err := p.python.send("POST", "/auth/users/", "", body); err != nil {
			t.Fatal(err)
		}
		var shown [2]string
		for i, s := range []site{p.python, p.latchkey} {
			n++
			shown[i] = s.wants(t, 400, "POST", "/auth/users/", "", newMember(fmt.Sprint("try", n), taken)).text
		}
		if shown[0] != shown[1] {
			t.Errorf("%v:\nDjango   %s\nLatchkey %s", taken, shown[0], shown[1])
		}
	}
	// a form says some things in its own way
	for _, more := range []string{"", "agreed=on", "agreed=", "agreed=1&employer=1&score=1&age=&born=&credit=&tags=x", `agreed=1&employer=1&score=1&points=&company=&prefs={"a":1}&tags=[1]`} {
		var shown [2]string
		for i, s := range []site{p.python, p.latchkey} {
			n++
			form, err := url.ParseQuery(more)
			if err != nil {
				t.Fatal(err)
			}
			form.Set("email", fmt.Sprintf("try%d@example.com", n))
			form.Set("phone", fmt.Sprint(n))
			form.Set("password", password)
			a, err := s.send("POST", "/auth/users/", "", form)
			if err != nil {
				t.Fatal(err)
			}
			for _, varies := range []string{"id", "email", "phone", "ref", "created", "updated", "maybe"} { // maybe: null or false, by REST framework's age
				delete(a.body, varies)
			}
			shown[i] = fmt.Sprint(a.status, " ", a.body)
		}
		if shown[0] != shown[1] {
			t.Errorf("the form %s:\nDjango   %s\nLatchkey %s", more, shown[0], shown[1])
		}
	}
}

// membersChangeAlike: a change at one is the same as at the other, stamps the row, and touches no column that nobody named.
func (p *pair) membersChangeAlike(t *testing.T) {
	changes := []object{
		{"nick": "x", "age": 3}, {"age": nil, "bio": ""}, {"born": "2000-01-01", "seen": "2026-01-01T00:00:00Z", "credit": "0.05"}, {"prefs": []any{1}, "tags": nil},
		{"company": 1}, {"company": nil, "employer": 2}, {"created": "x", "updated": "x"}, {"agreed": "maybe", "company": 99}, {"points": 1, "score": "2"}, {},
	}
	var shown [2][]string
	for i, s := range []site{p.python, p.latchkey} {
		name := "changes" + strings.ToLower(s.name)
		p.memberJoins(t, s, name)
		access := "Bearer " + s.memberSignsIn(t, name, password).field(t, "access")
		if _, err := p.db.Exec("UPDATE members_member SET secret = 'untouched', hour = '10:30:00' WHERE email = $1", address(name)); err != nil {
			t.Fatal(err)
		}
		last := ""
		for _, change := range changes {
			a, err := s.send("PATCH", "/auth/users/me/", access, change)
			if err != nil {
				t.Fatal(err)
			}
			if stamp := fmt.Sprint(a.body["updated"]); a.status == 200 && len(change) > 0 && change["created"] == nil {
				if stamp == last {
					t.Errorf("%s: %v left updated at %s", s.name, change, stamp)
				}
				last = stamp
			}
			for _, own := range []string{"id", "email", "phone", "ref", "created", "updated"} {
				delete(a.body, own)
			}
			shown[i] = append(shown[i], fmt.Sprint(change, " ", a.status, " ", a.body))
		}
		a := s.wants(t, 200, "PATCH", "/auth/users/me/", access, object{"phone": name}) // one's own is not taken
		s.wants(t, 400, "PATCH", "/auth/users/me/", access, object{"phone": "try-taken"})
		s.wants(t, 200, "PUT", "/auth/users/me/", access, a.body)
		untouched := column(t, p.db, "SELECT secret || substr(CAST(hour AS text), 1, 8) FROM members_member WHERE email = $1", address(name))
		if !slices.Equal(untouched, []string{"untouched10:30:00"}) {
			t.Errorf("%s left columns that no API knows as %q", s.name, untouched)
		}
	}
	for i := range changes {
		if shown[0][i] != shown[1][i] {
			t.Errorf("Django   %s\nLatchkey %s", shown[0][i], shown[1][i])
		}
	}
}

// membersElsewhere: the other dialects, the OpenAPI document and the pages have the same fields.
func (p *pair) membersElsewhere(t *testing.T) {
	s, _ := p.serveLatchkey(t, map[string]string{
		"mounts": "[{path: /auth, dialect: djoser}, {path: /api/auth, dialect: dj-rest-auth}, " +
			"{path: /api/auth/registration, dialect: dj-rest-auth.registration}, {path: /api/auth, dialect: register-login-refresh}, {path: /api/token, dialect: simplejwt}]",
		"login_fields": "[phone, credit]", "pages.enabled": "true", "openapi": "true", "links.password_reset_confirm": "/accounts/password/reset/key/{uid}-{token}/",
	})
	const name = "elsewhere"
	sent := object{"email": address(name), "password1": password, "password2": password, "phone": name, "score": 5, "agreed": true, "employer": 1, "credit": 2.5}
	bad := maps.Clone(sent)
	maps.Copy(bad, object{"employer": 99, "age": "x", "phone": "try-taken"})
	if a := s.wants(t, 400, "POST", "/api/auth/registration/", "", bad); a.text !=
		`{"phone":["member with this phone number already exists."],"age":["A valid integer is required."],"employer":["Invalid pk \"99\" - object does not exist."]}` {
		t.Errorf("a bad registration: %s", a.text)
	}
	s.wants(t, 201, "POST", "/api/auth/registration/", "", sent)
	p.python.wants(t, 302, "POST", "/accounts/confirm-email/"+p.mailedKey(t, name)+"/", "", url.Values{})
	login := s.wants(t, 200, "POST", "/api/auth/login/", "", fields{"email": address(name), "password": password})
	user, _ := login.body["user"].(map[string]any)
	if user["credit"] != "2.50" || user["email"] != address(name) || login.body["phone"] != name || login.body["credit"] != "2.50" {
		t.Errorf("a login answered %s", login.text)
	}
	access := "Bearer " + login.field(t, "access")
	s.wants(t, 400, "PATCH", "/api/auth/user/", access, object{"born": "soon"})
	changed := s.wants(t, 200, "PATCH", "/api/auth/user/", access, object{"born": "2001-02-03", "email": "other@example.com", "created": "x"})
	if changed.body["born"] != "2001-02-03" || changed.body["email"] != address(name) || changed.body["pk"] != user["pk"] {
		t.Errorf("a change answered %s", changed.text)
	}

	// allauth's links carry the key in a form of their own
	for i, ask := range []func(){
		func() {
			p.python.wants(t, 302, "POST", "/accounts/password/reset/", "", url.Values{"email": {address(name)}})
		},
		func() { s.wants(t, 200, "POST", "/api/auth/password/reset/", "", fields{"email": address(name)}) },
	} {
		ask()
		reset := p.mailedReset(t, name)
		if _, err := hex.DecodeString(reset.UID); err != nil || len(reset.UID) != 32 {
			t.Errorf("a uid is %s", reset.UID)
		}
		chosen := fmt.Sprint("staple-battery-", i)
		if i == 0 {
			s.wants(t, 200, "POST", "/api/auth/password/reset/confirm/", "", reset.fields(fields{"new_password1": chosen, "new_password2": chosen}))
		} else if a := p.python.wants(t, 302, "GET", "/accounts/password/reset/key/"+reset.UID+"-"+reset.Token+"/", "", nil); a.text != "" {
			t.Errorf("Django does not take the link: %s", a.text)
		}
		s.wants(t, 200, "POST", "/api/token/", "", fields{"email": address(name), "password": "staple-battery-0"})
	}

	registered := s.wants(t, 201, "POST", "/api/auth/register", "", newMember("small", nil))
	if user, _ := registered.body["user"].(map[string]any); user["phone"] != "small" || user["username"] != nil || len(fmt.Sprint(user["id"])) != 36 {
		t.Errorf("register answered %s", registered.text)
	}
	s.wants(t, 400, "POST", "/api/auth/register", "", newMember("small2", object{"score": absent}))
	pair := s.wants(t, 200, "POST", "/api/token/", "", fields{"email": "small@example.com", "password": password})
	if pair.body["phone"] != "small" || pair.body["credit"] != "0.00" {
		t.Errorf("api/token answered %s", pair.text)
	}

	document := s.wants(t, 200, "GET", "/openapi.json", "", nil)
	for _, want := range []string{`"credit":{"type":"string","format":"decimal"`, `"born":{"type":["string","null"],"format":"date"`, `"ref":{"type":"string","format":"uuid"`, `"employer":{"type":"integer"`} {
		if !strings.Contains(strings.Join(strings.Fields(document.text), ""), want) {
			t.Errorf("the document has no %s", want)
		}
	}
	page := s.wants(t, 200, "GET", "/account/sign-up", "", nil)
	for _, want := range []string{`name="phone"`, `name="born" type="date"`, `name="agreed" type="checkbox"`, `name="credit"`} {
		if !strings.Contains(page.text, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(page.text, `name="created"`) || strings.Contains(page.text, `name="username"`) {
		t.Error("the page asks for what nobody can give")
	}
}

var resetKey = regexp.MustCompile(`/accounts/password/reset/key/([0-9a-f]+)-([^/\s"<]+)/`)

// mailedReset waits for a mail with a reset link of allauth's form.
func (p *pair) mailedReset(t *testing.T, name string) link {
	t.Helper()
	for {
		m := p.smtp.Take(1, time.Minute)[0]
		if found := resetKey.FindStringSubmatch(m.Text); found != nil && m.To[0] == address(name) {
			return link{UID: found[1], Token: found[2]}
		}
	}
}

// TestClerks: a user model with no more than a number, a name and a password.
func TestClerks(t *testing.T) {
	flags := map[string]string{"mounts": "[{path: /auth, dialect: djoser}]"}
	eachModel(t, "clerks.settings", flags, func(t *testing.T, p *pair) {
		for _, side := range p.sides() {
			here, there := side[0], side[1]
			name := "clerk_" + here.name
			made := here.wants(t, 201, "POST", "/auth/users/", "", fields{"login": name, "password": password})
			if made.text != fmt.Sprintf(`{"login":%q,"number":%v}`, name, made.body["number"]) {
				t.Errorf("%s answered %s", here.name, made.text)
			}
			for _, s := range side {
				if a := s.wants(t, 400, "POST", "/auth/users/", "", fields{"login": name, "password": password}); a.text != `{"login":["clerk with this login already exists."]}` {
					t.Errorf("%s answered %s", s.name, a.text)
				}
			}
			credentials := fields{"login": name, "password": password}
			tokens := here.wants(t, 200, "POST", "/auth/jwt/create/", "", credentials)
			access := "Bearer " + tokens.field(t, "access")
			login := there.wants(t, 200, "POST", "/auth/token/login/", "", credentials)
			key := "Token " + login.field(t, "auth_token")
			for _, s := range side {
				for _, credential := range []string{access, key, login.session} {
					if a := s.wants(t, 200, "GET", "/auth/users/me/", credential, nil); a.text != fmt.Sprintf(`{"number":%v,"login":%q}`, made.body["number"], name) {
						t.Errorf("%s answered %s", s.name, a.text)
					}
				}
			}
			there.wants(t, 200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": tokens.field(t, "refresh")})
			there.wants(t, 204, "POST", "/auth/users/set_login/", key, fields{"new_login": "new_" + name, "current_password": password})
			here.wants(t, 204, "POST", "/auth/users/set_password/", key, fields{"new_password": "staple-battery-8", "current_password": password})
			pair := there.wants(t, 200, "POST", "/auth/jwt/create/", "", fields{"login": "new_" + name, "password": "staple-battery-8"})
			access = "Bearer " + pair.field(t, "access")
			here.wants(t, 204, "DELETE", "/auth/users/me/", access, fields{"current_password": "staple-battery-8"})
			there.wants(t, 401, "GET", "/auth/users/me/", access, nil)
			p.latchkey.wants(t, 204, "POST", "/auth/users/reset_password/", "", fields{"email": "nobody@example.com"}) // the reference has a 500 for it
		}
	})
}
