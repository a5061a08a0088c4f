package beside

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// everyHash makes a user for every hasher that this Django has and can run, and prints the algorithms and their classes.
const everyHash = `
import json
from django.contrib.auth.hashers import get_hashers
from django.contrib.auth.models import User
made = {}
for hasher in get_hashers():
    try:
        encoded = hasher.encode("correct-horse-7", hasher.salt())
    except ValueError as error:  # its library is missing
        continue
    made[hasher.algorithm] = type(hasher).__module__ + "." + type(hasher).__qualname__
    User.objects.create(username="django_" + hasher.algorithm, email=hasher.algorithm + "@example.com", password=encoded)
print(json.dumps(made))
`

// passwords: whoever one made signs in at the other, whatever the hash, and neither undoes the other's rehash.
func (p *pair) passwords(t *testing.T) {
	var classes map[string]string
	if err := json.Unmarshal([]byte(p.manage(t, everyHash, "shell", "-v", "0")), &classes); err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{"pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "md5"} {
		if classes[algorithm] == "" {
			t.Errorf("this Django has no %s", algorithm)
		}
	}
	classes["pbkdf2_sha256"] = "django.contrib.auth.hashers.PBKDF2PasswordHasher" // which the project's own is one of
	preferred := "pbkdf2_sha256"
	for algorithm, class := range classes {
		others := slices.DeleteFunc(slices.Collect(maps.Values(classes)), func(c string) bool { return c == class })
		maker, stop := p.serveLatchkey(t, map[string]string{
			"PASSWORD_HASHERS": "[" + strings.Join(append([]string{class}, others...), ", ") + "]", "DJOSER.SEND_ACTIVATION_EMAIL": "false"})
		maker.signsUp(t, "latchkey_"+algorithm)
		stop()
		for _, way := range []struct {
			name          string
			first, second site
		}{{"django_" + algorithm, p.latchkey, p.python}, {"latchkey_" + algorithm, p.python, p.latchkey}} {
			if hash := p.hash(t, way.name); !strings.HasPrefix(hash, algorithm+"$") {
				t.Errorf("%s has the hash %.20s…", way.name, hash)
			}
			way.first.signsIn(t, way.name, password)
			rehashed := p.hash(t, way.name)
			if !strings.HasPrefix(rehashed, preferred+"$") {
				t.Errorf("%s left %s the hash %.20s…", way.first.name, way.name, rehashed)
			}
			way.second.signsIn(t, way.name, password)
			if hash := p.hash(t, way.name); hash != rehashed {
				t.Errorf("%s hashed the password of %s anew: %.30s…, then %.30s…", way.second.name, way.name, rehashed, hash)
			}
		}
	}
}

func (p *pair) hash(t *testing.T, name string) string {
	t.Helper()
	return column(t, p.db, "SELECT password FROM auth_user WHERE username = $1", name)[0]
}

// tokens: those of one are good at the other, and end there.
func (p *pair) tokens(t *testing.T) {
	for _, side := range p.sides() {
		here, there := side[0], side[1]
		name := "token_" + here.name
		p.joins(t, here, name)
		pair := here.signsIn(t, name, password)
		access, refresh := pair.field(t, "access"), pair.field(t, "refresh")
		there.knows(t, name, "Bearer "+access)
		there.wants(t, 200, "POST", "/auth/jwt/verify/", "", fields{"token": access})
		there.wants(t, 401, "POST", "/auth/jwt/verify/", "", fields{"token": access + "x"})

		// the other rotates the token, after which neither takes the old one, and takes over the new one; Latchkey says for a while what it became
		rotated := there.wants(t, 200, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh})
		here.wants(t, 401, "POST", "/api/token/refresh/", "", fields{"refresh": refresh})
		if there.name == p.latchkey.name {
			if again := there.wants(t, 200, "POST", "/api/token/refresh/", "", fields{"refresh": refresh}); again.field(t, "refresh") != rotated.field(t, "refresh") {
				t.Error("a token has two successors")
			}
		} else {
			there.wants(t, 401, "POST", "/api/token/refresh/", "", fields{"refresh": refresh})
		}
		here.knows(t, name, "Bearer "+rotated.field(t, "access"))
		again := here.wants(t, 200, "POST", "/api/token/refresh/", "", fields{"refresh": rotated.field(t, "refresh")})
		there.wants(t, 401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": rotated.field(t, "refresh")})

		// what one puts on the blacklist is on the other's
		there.wants(t, 200, "POST", "/api/token/blacklist/", "", fields{"refresh": again.field(t, "refresh")})
		here.wants(t, 401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": again.field(t, "refresh")})

		sliding := here.wants(t, 200, "POST", "/api/token/sliding/", "", fields{"username": name, "password": password}).field(t, "token")
		there.knows(t, name, "Bearer "+sliding)
		slid := there.wants(t, 200, "POST", "/api/token/sliding/refresh/", "", fields{"token": sliding}).field(t, "token")
		here.knows(t, name, "Bearer "+slid)

		// one key for both, until either takes it away
		credentials := fields{"username": name, "password": password}
		key := here.wants(t, 200, "POST", "/auth/token/login/", "", credentials).field(t, "auth_token")
		there.knows(t, name, "Token "+key)
		if same := there.wants(t, 200, "POST", "/auth/token/login/", "", credentials).field(t, "auth_token"); same != key {
			t.Errorf("%s gave another key", there.name)
		}
		there.wants(t, 204, "POST", "/auth/token/logout/", "Token "+key, nil)
		here.forgot(t, "Token "+key)
	}
}

// sessions: who is signed in at one is at the other.
func (p *pair) sessions(t *testing.T) {
	for _, side := range p.sides() {
		here, there := side[0], side[1]
		name := "session_" + here.name
		p.joins(t, here, name)
		login := here.wants(t, 200, "POST", "/auth/token/login/", "", fields{"username": name, "password": password})
		there.knows(t, name, login.session)
		here.knows(t, name, login.session)
		there.forgot(t, login.session[:len(login.session)-1])

		// what is signed out at Latchkey, after it was used there, is signed out at both
		access := p.latchkey.signsIn(t, name, password).field(t, "access")
		p.latchkey.wants(t, 204, "DELETE", "/auth/sessions/", "Bearer "+access, nil)
		here.forgot(t, login.session)
		there.forgot(t, login.session)
	}
}

// links: what one mailed the other confirms, once.
func (p *pair) links(t *testing.T) {
	for _, side := range p.sides() {
		here, there := side[0], side[1]
		name := "link_" + here.name
		here.signsUp(t, name)
		activation := p.mailed(t, name, "activate")
		there.refuses(t, name, password)
		there.wants(t, 400, "POST", "/auth/users/activation/", "", link{activation.UID, activation.Token + "x"}.fields(nil))
		there.wants(t, 204, "POST", "/auth/users/activation/", "", activation.fields(nil))
		here.wants(t, 403, "POST", "/auth/users/activation/", "", activation.fields(nil))
		here.signsIn(t, name, password)
		there.signsIn(t, name, password)

		here.wants(t, 204, "POST", "/auth/users/reset_password/", "", fields{"email": address(name)})
		reset := p.mailed(t, name, "password/reset/confirm")
		const chosen = "staple-battery-8"
		there.wants(t, 204, "POST", "/auth/users/reset_password_confirm/", "", reset.fields(fields{"new_password": chosen}))
		for _, s := range side {
			s.wants(t, 400, "POST", "/auth/users/reset_password_confirm/", "", reset.fields(fields{"new_password": "yet-another-horse-9"}))
			s.refuses(t, name, password)
			s.signsIn(t, name, chosen)
		}

		here.wants(t, 204, "POST", "/auth/users/reset_username/", "", fields{"email": address(name)})
		rename := p.mailed(t, name, "username/reset/confirm")
		there.wants(t, 204, "POST", "/auth/users/reset_username_confirm/", "", rename.fields(fields{"new_username": "new_" + name}))
		here.signsIn(t, "new_"+name, chosen)
	}
}

// newPassword: what a new password at one ends at the other is what Django ends with it, sessions and mailed links, and tokens by its settings.
// Latchkey ends refresh tokens and keys too, and Django honours that.
func (p *pair) newPassword(t *testing.T) {
	revokes := strings.Contains(readFile(t, p.config), "CHECK_REVOKE_TOKEN: true")
	for _, side := range p.sides() {
		here, there := side[0], side[1]
		name := "password_" + here.name
		p.joins(t, here, name)
		pair := here.signsIn(t, name, password)
		access, refresh := "Bearer "+pair.field(t, "access"), pair.field(t, "refresh")
		login := here.wants(t, 200, "POST", "/auth/token/login/", "", fields{"username": name, "password": password})
		key := "Token " + login.field(t, "auth_token")
		here.wants(t, 204, "POST", "/auth/users/reset_password/", "", fields{"email": address(name)})
		reset := p.mailed(t, name, "password/reset/confirm")

		const chosen = "staple-battery-8"
		there.wants(t, 204, "POST", "/auth/users/set_password/", access, fields{"current_password": password, "new_password": chosen})
		for _, s := range side {
			s.refuses(t, name, password)
			s.signsIn(t, name, chosen)
			s.forgot(t, login.session)
			s.wants(t, 400, "POST", "/auth/users/reset_password_confirm/", "", reset.fields(fields{"new_password": "yet-another-horse-9"}))
			if revokes {
				s.forgot(t, access)
			}
			if there == p.latchkey {
				s.wants(t, 401, "POST", "/auth/jwt/refresh/", "", fields{"refresh": refresh})
				s.forgot(t, key)
			} else {
				s.knows(t, name, key)
			}
		}
	}
}

var mailedKey = regexp.MustCompile(`/accounts/confirm-email/([^/\s"<]+)/`)

// mailedKey waits for a mail with a confirmation key of allauth's.
func (p *pair) mailedKey(t *testing.T, name string) string {
	t.Helper()
	for {
		m := p.smtp.Take(1, time.Minute)[0]
		if found := mailedKey.FindStringSubmatch(m.Text); found != nil && m.To[0] == address(name) {
			key, err := url.PathUnescape(found[1])
			if err != nil {
				t.Fatal(err)
			}
			return key
		}
	}
}

// addresses: allauth's confirmation keys of one confirm at the other.
func (p *pair) addresses(t *testing.T) {
	for _, side := range p.sides() {
		here, there := side[0], side[1]
		name := "address_" + here.name
		if here == p.python {
			here.wants(t, 302, "POST", "/accounts/signup/", "", url.Values{
				"username": {name}, "email": {address(name)}, "password1": {password}, "password2": {password}})
		} else {
			here.wants(t, 201, "POST", "/api/auth/registration/", "", fields{
				"username": name, "email": address(name), "password1": password, "password2": password})
		}
		key := p.mailedKey(t, name)
		verified := func() string {
			return column(t, p.db, "SELECT CASE WHEN verified THEN 'yes' ELSE 'no' END FROM account_emailaddress WHERE email = $1", address(name))[0]
		}
		if verified() != "no" {
			t.Errorf("%s's address is verified already", name)
		}
		if there == p.python {
			there.wants(t, 302, "POST", "/accounts/confirm-email/"+key+"/", "", url.Values{})
		} else {
			there.wants(t, 200, "POST", "/api/auth/registration/verify-email/", "", fields{"key": key})
		}
		if verified() != "yes" {
			t.Errorf("%s did not verify the address of %s", there.name, name)
		}
		there.signsIn(t, name, password)
		here.signsIn(t, name, password)
	}
}
