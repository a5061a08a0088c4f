package server

import (
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// everywhere are all dialects, with mails.
var everywhere = map[string]string{
	"mounts": "[{path: /auth, dialect: djoser}, {path: /api/auth, dialect: dj-rest-auth}, {path: /api/auth, dialect: register-login-refresh}, {path: /api/token, dialect: simplejwt}]",
}

// inLanguage sends a request that wants a language.
func (s *site) inLanguage(wanted, method, path, authorization string, body any) reply {
	s.t.Helper()
	r := s.request(method, path, authorization, body)
	r.Header.Set("Accept-Language", wanted)
	a, err := s.send(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// TestRussian asks every dialect in Russian.
func TestRussian(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, with(everywhere, unlimited))
		s.register("ann")
		for _, test := range []struct {
			method, path, authorization string
			body                        any
			status                      int
			want                        string
		}{
			{"POST", "/auth/users/", "", fields{"username": "ann", "password": "1234567"}, 400, `{"username":["Это имя пользователя уже занято."]}`},
			{"POST", "/auth/users/", "", fields{"username": "bob", "email": "x", "password": password}, 400, `{"email":["Укажите правильный адрес электронной почты."]}`},
			{"POST", "/auth/users/", "", fields{"username": strings.Repeat("b", 151), "password": ""}, 400,
				`{"username":["Здесь должно быть не больше 150 символов."],"password":["Поле не должно быть пустым."]}`},
			{"POST", "/auth/users/", "", fields{"username": "bob", "password": "bob"}, 400,
				`{"password":["Пароль слишком похож на значение поля «имя пользователя».","Пароль слишком короткий. В нём должно быть не меньше 8 символов.","Такой пароль слишком часто встречается."]}`},
			{"POST", "/auth/token/login/", "", fields{"username": "ann", "password": "wrong"}, 400, `{"non_field_errors":["Войти с этими данными не удалось."]}`},
			{"GET", "/auth/users/me/", "", nil, 401, `{"detail":"Запрос не содержит учётных данных."}`},
			{"GET", "/auth/users/me/", "Token rubbish", nil, 401, `{"detail":"Недопустимый токен."}`},
			{"GET", "/auth/users/me/", "Bearer rubbish", nil, 401, `{"detail":"Токен не подходит ни под один из типов токенов","code":"token_not_valid",` +
				`"messages":[{"token_class":"AccessToken","token_type":"access","message":"Токен недействителен"}]}`},
			{"POST", "/auth/users/activation/", "", fields{"uid": "x", "token": "y"}, 400, `{"uid":["Неверный идентификатор пользователя, или такого пользователя нет."]}`},
			{"DELETE", "/auth/jwt/create/", "", nil, 405, `{"detail":"Метод \"DELETE\" здесь не разрешён."}`},
			{"POST", "/auth/jwt/create/", "", []string{}, 400, `{"non_field_errors":["Неверные данные: нужен объект, а получено list."]}`},
			{"POST", "/api/token/", "", fields{"username": "ann", "password": "wrong"}, 401, `{"detail":"Активной учётной записи с такими данными нет"}`},
			{"POST", "/api/token/refresh/", "", fields{"refresh": "x"}, 401, `{"detail":"Токен недействителен","code":"token_not_valid"}`},
			{"POST", "/api/auth/login/", "", map[string]any{"username": "", "password": nil}, 400, `{"password":["Значение null здесь недопустимо."]}`},
			{"POST", "/api/auth/password/reset/", "", fields{"email": "nobody@example.com"}, 200, `{"detail":"Письмо для сброса пароля отправлено."}`},
			{"POST", "/api/auth/registration/verify-email/", "", fields{"key": "x"}, 404, `{"detail":"Не найдено."}`},
			{"POST", "/api/auth/registration/resend-email/", "", fields{"email": "nobody@example.com"}, 200, `{"detail":"ок"}`},
			{"POST", "/api/auth/register", "", fields{"username": "ann", "email": "ann@example.com", "password": "short"}, 400,
				`{"username":["Это имя пользователя уже занято."],"email":["Учётная запись с этим адресом электронной почты уже есть."],"password":["Здесь должно быть не меньше 8 символов."]}`},
			{"GET", "/nowhere", "", nil, 404, "<!doctype html>\n<html lang=\"ru\"><title>Не найдено</title><h1>Не найдено</h1><p>По этому адресу ничего нет.</p></html>\n"},
		} {
			got := s.inLanguage("ru-RU,ru;q=0.9,en;q=0.8", test.method, test.path, test.authorization, test.body)
			if got.status != test.status || got.body != test.want {
				t.Errorf("%s %s: %d %s\nwant %d %s", test.method, test.path, got.status, got.body, test.status, test.want)
			}
			if language, vary := got.header.Get("Content-Language"), got.header.Get("Vary"); language != "ru" || !strings.HasPrefix(vary, "Accept-Language") {
				t.Errorf("%s %s: Content-Language %q, Vary %q", test.method, test.path, language, vary)
			}
		}
	})
}

// TestPluralsInAnswers: Russian has three forms.
func TestPluralsInAnswers(t *testing.T) {
	for length, want := range map[string]string{"2": "не меньше 2 символов", "5": "не меньше 5 символов", "21": "не меньше 21 символа"} {
		s := start(t, testenv.SQLite(t), map[string]string{
			"AUTH_PASSWORD_VALIDATORS": "[{NAME: django.contrib.auth.password_validation.MinimumLengthValidator, OPTIONS: {min_length: " + length + "}}]",
		})
		got := s.inLanguage("ru", "POST", "/auth/users/", "", fields{"username": "zoe", "password": "q"})
		if !strings.Contains(got.body, want+".") {
			t.Errorf("%s: %d %s, want %s", length, got.status, got.body, want)
		}
	}
	s := start(t, testenv.SQLite(t), map[string]string{"throttle_rates": "{login: 1/min}"})
	s.inLanguage("ru", "POST", "/auth/jwt/create/", "", credentials("ann"))
	for _, step := range []struct {
		wait time.Duration
		want string
	}{{0, "60 секунд"}, {7 * time.Second, "53 секунды"}, {32 * time.Second, "21 секунду"}} {
		s.now.advance(step.wait)
		got := s.inLanguage("ru", "POST", "/auth/jwt/create/", "", credentials("ann"))
		if want := "Слишком много запросов. Повторите попытку через " + step.want + "."; got.status != http.StatusTooManyRequests || got.field(t, "detail") != want {
			t.Errorf("%d %s, want %s", got.status, got.body, want)
		}
	}
}

// TestLanguageOfAnswers: a language is what is asked for, if there is a catalogue, else LANGUAGE_CODE; without LocaleMiddleware it is always that.
func TestLanguageOfAnswers(t *testing.T) {
	const me = "/auth/users/me/"
	english, russian, german := "Authentication credentials were not provided.", "Запрос не содержит учётных данных.", "Die Anfrage enthält keine Anmeldedaten."
	for name, test := range map[string]struct {
		given                map[string]string
		wanted, header, said string
	}{
		"no wish":                      {nil, "", "en", english},
		"no catalogue":                 {nil, "nl", "en", english},
		"a variant":                    {nil, "de-AT", "de", german},
		"the second wish":              {nil, "nl, de;q=0.5", "de", german},
		"LANGUAGE_CODE":                {map[string]string{"LANGUAGE_CODE": "ru"}, "", "ru", russian},
		"LANGUAGE_CODE and a wish":     {map[string]string{"LANGUAGE_CODE": "ru"}, "en", "en", english},
		"LANGUAGE_CODE and no wish":    {map[string]string{"LANGUAGE_CODE": "ru"}, "nl", "ru", russian},
		"LANGUAGES":                    {map[string]string{"LANGUAGES": "[en, ru]"}, "de", "en", english},
		"a variant in LANGUAGES":       {map[string]string{"LANGUAGES": "[en, de-at]"}, "de-at", "de-at", german},
		"LANGUAGES without English":    {map[string]string{"LANGUAGES": "[ru]", "LANGUAGE_CODE": "ru"}, "en", "ru", russian},
		"without LocaleMiddleware":     {map[string]string{"MIDDLEWARE": "[]", "LANGUAGE_CODE": "ru"}, "de", "", russian},
		"without it and LANGUAGE_CODE": {map[string]string{"MIDDLEWARE": "[]"}, "de", "", english},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, testenv.SQLite(t), test.given)
			got := s.inLanguage(test.wanted, "GET", me, "", nil)
			if header, said := got.header.Get("Content-Language"), got.field(t, "detail"); header != test.header || said != test.said {
				t.Errorf("Content-Language %q: %s; want %q: %s", header, said, test.header, test.said)
			}
		})
	}
}

func subject(t *testing.T, m testenv.SMTPMessage) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestMailsInRussian: a mail speaks the language of the request that owes it, also where it is sent later and by somebody else.
func TestMailsInRussian(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		s := mailing(t, url, smtp)
		s.inLanguage("ru", "POST", "/auth/users/", "", fields{"username": "anna", "email": "anna@example.com", "password": password})
		s.settled()
		s.inLanguage("en", "POST", "/auth/users/", "", fields{"username": "ann", "email": "ann@example.com", "password": password})
		s.settled()
		mails := smtp.Messages()
		if len(mails) != 2 {
			t.Fatalf("%d mails came", len(mails))
		}
		if m := mails[0]; subject(t, m) != "Активируйте свою учётную запись на Example" || !strings.Contains(m.Text, "Ссылка действует 3 дня.") ||
			!strings.Contains(m.HTML, `<html lang="ru">`) || !strings.Contains(m.HTML, "Активировать учётную запись") {
			t.Errorf("in Russian: %q\n%s\n%s", subject(t, m), m.Text, m.HTML)
		}
		if m := mails[1]; subject(t, m) != "Activate your account at Example" || !strings.Contains(m.Text, "The link is good for 3 days.") || !strings.Contains(m.HTML, `<html lang="en">`) {
			t.Errorf("in English: %q\n%s", subject(t, m), m.Text)
		}
	})
}

// TestLocalePaths: a project's own catalogues go before the built-in ones, English too, and bring languages with them.
func TestLocalePaths(t *testing.T) {
	dir := t.TempDir()
	for locale, said := range map[string]string{"nl": "Geen inloggegevens.", "en": "Who are you?", "ru": "Кто вы?"} {
		folder := filepath.Join(dir, locale, "LC_MESSAGES")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		text := "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\nmsgid \"Authentication credentials were not provided.\"\nmsgstr \"" + said + "\"\n"
		if err := os.WriteFile(filepath.Join(folder, "django.po"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, testenv.SQLite(t), map[string]string{"LOCALE_PATHS": "[" + dir + "]"})
	for wanted, want := range map[string]string{"nl": "Geen inloggegevens.", "en": "Who are you?", "": "Who are you?", "ru": "Кто вы?", "de": "Die Anfrage enthält keine Anmeldedaten."} {
		if got := s.inLanguage(wanted, "GET", "/auth/users/me/", "", nil); got.field(t, "detail") != want {
			t.Errorf("%s: %s, want %s", wanted, got.body, want)
		}
	}
	if got := s.inLanguage("nl", "POST", "/auth/jwt/create/", "", fields{}); !strings.Contains(got.body, "This field is required.") || got.header.Get("Content-Language") != "nl" {
		t.Errorf("what Dutch lacks is not said in English: %s", got.body)
	}
}

// An Accept-Language header lists languages by their form, no more than it holds, or none.
func FuzzAcceptLanguage(f *testing.F) {
	f.Add("ru, de-AT;q=0.5, *;q=0.1")
	f.Add("en;q=1.001,,zh-hans;q=0")
	f.Add(strings.Repeat("de,", 200))
	f.Fuzz(func(t *testing.T, header string) {
		codes := acceptedLanguages(header)
		if len(codes) > strings.Count(header, ",")+1 {
			t.Errorf("%q lists %q", header, codes)
		}
		for _, code := range codes {
			if !isLanguage(code) || !strings.Contains(header, code) {
				t.Errorf("%q lists %q", header, code)
			}
		}
	})
}
