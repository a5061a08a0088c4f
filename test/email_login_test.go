package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

const emailPassword = "Nw7!xyzzyQ"

// emailLogin starts the program with the configuration of the example.
func emailLogin(t *testing.T, url string) *program {
	t.Helper()
	p := launch(t, t.TempDir(), freeAddress(t), "--config", absolute(t, "../examples/email-login/latchkey.yaml"), "--database", url)
	p.ready()
	return p
}

// join signs somebody up and in.
func (p *program) join(username, email string) (access, refresh string) {
	p.t.Helper()
	p.call("POST", "/auth/users/", "", map[string]string{"username": username, "email": email, "password": emailPassword}, 201)
	uid, token := p.activationLink(email)
	p.call("POST", "/auth/users/activation/", "", map[string]string{"uid": uid, "token": token}, 204)
	pair := p.call("POST", "/auth/jwt/create/", "", map[string]string{"email": email, "password": emailPassword}, 200)
	return fmt.Sprint(pair["access"]), fmt.Sprint(pair["refresh"])
}

// TestIntegerUserID reads the claim that jwt_user_id shapes, in both tokens.
func TestIntegerUserID(t *testing.T) {
	p := emailLogin(t, testenv.SQLite(t))
	access, refresh := p.join("ann", "ann@example.com")
	for _, jwt := range []string{access, refresh} {
		data, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims map[string]json.RawMessage
		if err := json.Unmarshal(data, &claims); err != nil {
			t.Fatal(err)
		}
		if got := string(claims["user_id"]); got != "1" {
			t.Errorf("%s: user_id is %s, want the number 1", claims["token_type"], got)
		}
	}
}

// TestRaceForAnAddress signs one address up many times at once. The stock table has no unique index on it.
func TestRaceForAnAddress(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		p := emailLogin(t, url)
		const racers = 8
		answers := make(chan string, racers)
		for i := range racers {
			go func() {
				body := fmt.Sprintf(`{"username": "ann%d", "email": "ann@example.com", "password": %q}`, i, emailPassword)
				answer, err := http.Post(p.base+"/auth/users/", "application/json", strings.NewReader(body))
				if err != nil {
					answers <- err.Error()
					return
				}
				defer answer.Body.Close()
				data, err := io.ReadAll(answer.Body)
				answers <- fmt.Sprint(answer.StatusCode, " ", string(data), err)
			}()
		}
		made := 0
		for range racers {
			got := <-answers
			switch {
			case strings.HasPrefix(got, "201 "):
				made++
			case got != `400 ["Unable to create account."]<nil>` && got != `400 {"email":["user with this email address already exists."]}<nil>`:
				t.Errorf("an answer: %s", got)
			}
		}
		var users int
		if err := openDatabase(t, url).QueryRow("select count(*) from auth_user").Scan(&users); err != nil {
			t.Fatal(err)
		}
		if made != 1 || users != 1 {
			t.Errorf("%d sign-ups succeeded and made %d users", made, users)
		}
	})
}

// TestNewAddress changes the address that signs in, and forgets it and gets another by mail.
func TestNewAddress(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		p := emailLogin(t, url)
		p.join("bob", "bob@example.com")
		access, refresh := p.join("ann", "ann@example.com")
		key := p.call("POST", "/auth/token/login/", "", map[string]string{"email": "ann@example.com", "password": emailPassword}, 200)["auth_token"]

		// Another spelling of bob's domain is bob's mailbox.
		taken := p.call("POST", "/auth/users/set_email/", access, map[string]string{"new_email": "bob@EXAMPLE.com", "current_password": emailPassword}, 400)
		if got := fmt.Sprint(taken); got != "map[new_email:[user with this email address already exists.]]" {
			t.Errorf("a look-alike of a taken address: %s", got)
		}
		p.call("POST", "/auth/users/set_email/", access, map[string]string{"new_email": "anna@example.com", "current_password": emailPassword}, 204)
		p.mailTo("ann@example.com", "another e-mail address")
		p.call("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": refresh}, 401)
		p.authorized("Token "+fmt.Sprint(key), 401)
		p.authorized("Bearer "+access, 200)
		p.call("POST", "/auth/jwt/create/", "", map[string]string{"email": "ann@example.com", "password": emailPassword}, 401)
		refresh = fmt.Sprint(p.call("POST", "/auth/jwt/create/", "", map[string]string{"email": "anna@example.com", "password": emailPassword}, 200)["refresh"])

		p.call("POST", "/auth/users/reset_email/", "", map[string]string{"email": "anna@example.com"}, 204)
		found := mailedToken.FindStringSubmatch(p.mailTo("anna@example.com", "/email/reset/"))
		if found == nil {
			t.Fatal("there is no link in the mail")
		}
		confirm := map[string]string{"uid": found[1], "token": found[2], "new_email": "bob@example.com"}
		p.call("POST", "/auth/users/reset_email_confirm/", "", confirm, 400)
		confirm["new_email"] = "annabel@example.com"
		p.call("POST", "/auth/users/reset_email_confirm/", "", confirm, 204)
		p.mailTo("anna@example.com", "another e-mail address")
		p.call("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": refresh}, 401)
		p.call("POST", "/auth/jwt/create/", "", map[string]string{"email": "annabel@example.com", "password": emailPassword}, 200)
	})
}

// authorized asks who the caller is.
func (p *program) authorized(header string, status int) {
	p.t.Helper()
	r, err := http.NewRequest("GET", p.base+"/auth/users/me/", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", header)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != status {
		p.t.Errorf("%.6s… answered %d, not %d", header, answer.StatusCode, status)
	}
}

// mailTo waits for a mail to an address with a word in it, and returns its text.
func (p *program) mailTo(to, word string) string {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var mails []struct{ To, Text string }
		answer, err := http.Get(p.base + "/dev/mail/?format=json")
		if err != nil {
			p.t.Fatal(err)
		}
		var data bytes.Buffer
		_, err = data.ReadFrom(answer.Body)
		answer.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		if err := json.Unmarshal(data.Bytes(), &mails); err != nil {
			p.t.Fatalf("/dev/mail/: %v", err)
		}
		at := slices.IndexFunc(mails, func(m struct{ To, Text string }) bool { return m.To == to && strings.Contains(m.Text, word) })
		if at >= 0 {
			return mails[at].Text
		}
	}
	p.t.Fatalf("no mail to %s with %q came", to, word)
	return ""
}
