package beside

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/testenv"
)

// askDjango prints which language Django's LocaleMiddleware chooses for each wish.
const askDjango = `
import json
from django.test import RequestFactory, override_settings
from django.utils.translation import get_language_from_request
languages = [(code, code) for code in LANGUAGES]
chosen = []
for fallback, cookie, accept in WISHES:
    with override_settings(LANGUAGES=languages, LANGUAGE_CODE=fallback):
        request = RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE=accept)
        if cookie:
            request.COOKIES["django_language"] = cookie
        chosen.append(get_language_from_request(request))
print(json.dumps(chosen))
`

// TestLanguages: of the languages that both have, Django and Latchkey choose the same one for every wish.
func TestLanguages(t *testing.T) {
	languages := []string{"be", "de", "en", "en-gb", "es", "fr", "pt-br", "ru", "uk", "zh-hans"}
	var wishes [][3]string // fallback, cookie, header
	for _, accept := range []string{
		"", "ru", "RU", "ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "pt", "pt-PT", "pt-br", "zh-CN", "zh-cn,zh;q=0.9", "zh-TW", "zh", "zh-hans-cn", "de-at", "de-CH-1996", "en-us", "en-GB",
		"xx", "xx,ru;q=0.1", "ru;q=0.1,de;q=0.2", "ru;q=0", "*", "ru;q=0.3,*;q=0.5", "xx;q=0.9,*", "de;q=1.0,ru;q=1.000", "de;q=1.0000,ru", "de;q=0.1234,ru", "de;q=2,ru", "de;q=.5", "de ; q=0.5 , ru;q=0.7",
		"de,", "de,,ru", ",de", "d_e,ru", "de;level=1", "de;q=0.5;q=0.6", "abcdefghi", "de-abcdefghi", "es-419", "uk-UA;q=0.8,be", "fr-fr-fr", "-", "de-", "q=0.5", "en;q=0.5,ru;q=0.5",
	} {
		wishes = append(wishes, [3]string{"en-us", "", accept}, [3]string{"ru", "", accept})
	}
	for _, cookie := range []string{"ru", "pt", "xx", "de-at", "zh-cn", "en-us"} {
		wishes = append(wishes, [3]string{"en-us", cookie, "uk"})
	}
	asked := strings.NewReplacer("in LANGUAGES", "in "+literal(t, languages), "WISHES", literal(t, wishes)).Replace(askDjango)
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			url := testenv.SQLite(t)
			d := &django{stack: s, database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "settings"}
			p := &pair{django: d, config: d.configure(t, "--with-secrets")}
			var chosen []string
			if err := json.Unmarshal([]byte(d.manage(t, asked, "shell", "-v", "0")), &chosen); err != nil {
				t.Fatal(err)
			}
			served := map[string]site{}
			for _, fallback := range []string{"en-us", "ru"} {
				served[fallback], _ = p.serveLatchkey(t, map[string]string{
					"LANGUAGES": "[" + strings.Join(languages, ", ") + "]", "LANGUAGE_CODE": fallback, "MIDDLEWARE": "[django.middleware.locale.LocaleMiddleware]",
				})
			}
			for i, wish := range wishes {
				r, err := http.NewRequest(http.MethodGet, served[wish[0]].base+"/auth/users/me/", nil)
				if err != nil {
					t.Fatal(err)
				}
				if wish[1] != "" {
					r.Header.Set("Cookie", "django_language="+wish[1])
				}
				r.Header.Set("Accept-Language", wish[2])
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if got := answer.Header.Get("Content-Language"); got != chosen[i] {
					t.Errorf("LANGUAGE_CODE %s, cookie %q, Accept-Language %q: %s, Django chooses %s", wish[0], wish[1], wish[2], got, chosen[i])
				}
			}
		})
	}
}

// literal is a value as JSON, which Python reads too.
func literal(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
