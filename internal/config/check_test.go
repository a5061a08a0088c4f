package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestProblems gives one wrong setting each and wants the problem as it is printed, after the file's name.
func TestProblems(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"DJOSER:\n  LOGIN_FEILD: email", ":3:3: DJOSER.LOGIN_FEILD: no such setting; did you mean LOGIN_FIELD?"},
		{"Listen: a", ":2:1: Listen: no such setting; did you mean listen?"},
		{"LOGIN_FIELD: email", ":2:1: LOGIN_FIELD: no such setting; it belongs under DJOSER"},
		{"SIMPLE_JWT: {LANGUAGE_CODE: de}", ":2:14: SIMPLE_JWT.LANGUAGE_CODE: no such setting; it belongs under the top of the file"},
		{"DEBUG: true", ":2:1: DEBUG: no such setting; remove it; development: true is the mode"},
		{"STATIC_URL: /static/", ":2:1: STATIC_URL: no such setting; remove it: it has no bearing"},
		{"SIMPLE_JWT: {AUTH_HEADER_TYPE: JWT}", "SIMPLE_JWT.AUTH_HEADER_TYPE: no such setting; SimpleJWT has renamed it: use AUTH_HEADER_TYPES"},
		{"SIMPLE_JWT: {AUTH_TOKEN_CLASS: x}", "use AUTH_TOKEN_CLASSES"},
		{"SIMPLE_JWT: {SECRET_KEY: x}", "use SIGNING_KEY"},
		{"SIMPLE_JWT: {TOKEN_BACKEND_CLASS: x}", "SimpleJWT has dropped it"},
		{"REST_AUTH: {JWT_AUTH_COKIE: x}", ":2:13: REST_AUTH.JWT_AUTH_COKIE: no such setting; did you mean JWT_AUTH_COOKIE?"},
		{"ACCOUNT_EMAIL_VERIFICATON: none", "ACCOUNT_EMAIL_VERIFICATON: no such setting; did you mean ACCOUNT_EMAIL_VERIFICATION?"},
		{"SOCIALACCOUNT_NOTHING: none", "SOCIALACCOUNT_NOTHING: no such setting"},
		{"log_level: info\nlog_level: warn", ":3:1: log_level: given twice; keep one of them"},
		{"development: yes", "development: true or false is wanted here, not a text"},
		{"SITE_ID: one", ":2:10: SITE_ID: a whole number is wanted here, not a text"},
		{"SITE_ID: 1.5", "SITE_ID: a whole number is wanted here, not a number"},
		{"SITE_NAME: 12", "SITE_NAME: a text is wanted here, not a number; put it in quotes"},
		{"SITE_NAME: None", "SITE_NAME: None is Python's word; write null"},
		{"SITE_NAME: [a]", "SITE_NAME: a text is wanted here, not a list"},
		{"PASSWORD_HASHERS: x", "PASSWORD_HASHERS: a list of texts is wanted here, not a text; write it between [ and ]"},
		{"DJOSER: true", ":2:9: DJOSER: a mapping of keys and values is wanted here, not true or false"},
		{"mounts: {path: /auth}", "mounts: a list is wanted here, not a mapping"},
		{"mounts: [{pth: /auth, dialect: djoser}]", "mounts.0.pth: no such setting; did you mean path?"},
		{"MIDDLEWARE: [1]", "MIDDLEWARE: a text is wanted here, not a number"},
		{"USE_TZ: null", "USE_TZ: there is no value; write true or false"},
		{"SIMPLE_JWT: {ACCESS_TOKEN_LIFETIME: timedelta(minutes=5)}", "a timedelta of Python cannot be read here; write 5m"},
		{"SIMPLE_JWT: {ACCESS_TOKEN_LIFETIME: -5}", "a duration cannot be negative"},
		{"SIMPLE_JWT: {ACCESS_TOKEN_LIFETIME: [5]}", "a duration is wanted here, not a list"},
		{"SIMPLE_JWT: {ACCESS_TOKEN_LIFETIME: 5 minutes}", "this is no duration"},
		{"trusted_proxies: [10.0.0.0/99]", `"10.0.0.0/99" is neither an address nor a network`},
		{"LANGUAGES: [[a, b, c]]", "a language is a code"},
		{"LANGUAGES: ['d e']", `"d e" is no language`},
		{"LOCALE_PATHS: [/no/such/folder]", ":2:1: LOCALE_PATHS: a catalogue cannot be read: /no/such/folder: no such file or directory"},
		{"DOMAIN: *x", "DOMAIN: no such anchor above"},
		{"DOMAIN: !env X", "DOMAIN: tags have no meaning here; leave out !env"},
		{"base: &b {a: b}\n<<: *b", "a key must be a plain name"},
		{"- a", ":2:1: this is not YAML"},

		{"listen: localhost", "listen: \"localhost\" is no address and port"},
		{"listen: ':99999'", "listen: \":99999\" is no address and port"},
		{"development: true\nlisten: 0.0.0.0:8000", ":3:1: listen: development mode is only for this machine; listen on 127.0.0.1:8000"},
		{"profile: strict", `profile: "strict" is not known here; write safe or exact`},
		{"profile: exakt", "did you mean exact?"},
		{"jwt_user_id: int", "jwt_user_id:"},
		{"log_level: verbose", "write debug, info, warn or error"},
		{"log_format: xml", "log_format:"},
		{"end_tokens_on: [passwort]", "did you mean password?"},
		{"throttle_rates: {logn: 1/s}", "throttle_rates.logn: \"logn\" is not known here; did you mean login?"},
		{"throttle_rates: {login: fast}", "throttle_rates.login: this is no rate"},
		{"refresh_grace: 1h", "refresh_grace: for that long"},
		{"max_body: 5", "max_body: it must be between"},
		{"database: mysql://u:geheim@h/n", "database: only PostgreSQL and SQLite are spoken here"},
		{"database: postgres://u:geheim@h", "database: the URL cannot be read, or names no database"},
		{"database: 'postgres://u:ge heim\x01@h/n'", "database: the URL cannot be read"},
		{"database: 'sqlite://'", "database: the URL names no file"},
		{"database: db.sqlite3", "database: this is no database URL"},
		{"SECRET_KEY_FALLBACKS: ['']", "one of the keys is empty"},
		{"mounts: []", "mounts: nothing would be served"},
		{"mounts: [{path: /a, dialect: djosr}]", "mounts.0.dialect: \"djosr\" is not known here; did you mean djoser?"},
		{"mounts: [{path: /a b, dialect: djoser}]", "is no path to mount at"},
		{"mounts: [{path: /../a, dialect: djoser}]", "is no path to mount at"},
		{"mounts: [{path: /a, dialect: djoser}, {path: a/, dialect: djoser}]", "djoser is mounted twice at \"/a\""},
		{"user_model: {table: 'a; drop'}", "user_model.table: this is no name of a table"},
		{"user_model: {username_field: phone}", "user_model.username_field:"},
		{"user_model: {fields: [phone, {name: 'a b'}]}", `user_model.fields.1: "a b" is no name of a column`},
		{"user_model: {fields: [{nme: phone}]}", "user_model.fields.0.nme: no such setting; did you mean name?"},
		{"user_model: {fields: phone}", "user_model.fields: a list is wanted here"},
		{"user_model: {required_fields: [is_staff]}", `"is_staff" is not known here`},
		{"user_model: {required_fields: [username]}", "it names the username_field"},
		{"login_fields: [password]", `login_fields: "password" is not known here`},
		{"login_fields: [id, id]", "id is named twice"},
		{"links: {account_confirm_email: '/c/{uid}/'}", "{uid} means nothing here"},
		{"links: {account_confirm_email: /c/}", "the link lacks {key}"},
		{"links: {password_reset_confirm: 'reset/{uid}/{token}'}", "it is neither a path nor a URL"},
		{"ACCOUNT_LOGIN_BY_CODE_REQUIRED: true", "codes would be mailed that no path takes"},
		{"ACCOUNT_EMAIL_VERIFICATION: sometimes", "write none, optional or mandatory"},
		{"ACCOUNT_LOGIN_METHODS: [phone]", `"phone" is not known here`},
		{"ACCOUNT_LOGIN_METHODS: []", "nobody could log in"},
		{"ACCOUNT_AUTHENTICATION_METHOD: mail", "ACCOUNT_AUTHENTICATION_METHOD"},
		{"ACCOUNT_LOGIN_METHODS: [email]\nACCOUNT_UNIQUE_EMAIL: false", "an address must be one user's"},
		{"ACCOUNT_RATE_LIMITS: {confirm_email: 1/3m/ip}", "is no rate such as 1/3m/key"},
		{"ACCOUNT_RATE_LIMITS: true", "it is false for no limits"},
		{"ACCOUNT_ADAPTER: shop.Adapter", "Python classes cannot run here"},
		{"ACCOUNT_USERNAME_VALIDATORS: shop.validators", "Python code cannot run here"},
		{"ACCOUNT_USER_MODEL_USERNAME_FIELD: nick", "the user table has Django's own columns"},
		{"ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS: -1", "this number makes no sense"},
		{"REST_AUTH: {USER_DETAILS_SERIALIZER: shop.Serializer}", "Python classes cannot run here"},
		{"REST_AUTH: {SESSION_LOGIN: false, TOKEN_MODEL: null}", "a login gives nothing"},
		{"REST_AUTH: {JWT_AUTH_COOKIE: 'a b'}", "this is no name for a cookie"},
		{"REST_AUTH: {JWT_AUTH_COOKIE: a, JWT_AUTH_REFRESH_COOKIE: a}", "it has the name of the access cookie"},
		{"REST_AUTH: {JWT_AUTH_REFRESH_COOKIE_PATH: api}", "begin it with /"},
		{"REST_AUTH: {JWT_AUTH_SAMESITE: Loose}", `"Loose" is not known here`},
		{"REST_AUTH: {JWT_AUTH_COOKIE_DOMAIN: 'a;b'}", "this is no domain"},
		{"REST_AUTH: {REGISTER_PERMISSION_CLASSES: [shop.Nobody]}", `"shop.Nobody" is not known here`},
		{"REST_AUTH: {TOKEN_MODEL: shop.Token}", "only the token model of REST framework"},

		{"AUTH_USER_MODEL: accounts_user", `"accounts_user" is no model; write the app and the model as in accounts.User`},
		{"AUTHENTICATION_BACKENDS: []", "nobody could sign in"},
		{"AUTHENTICATION_BACKENDS: [django.contrib.auth.backends.ModelBakend]", "did you mean django.contrib.auth.backends.ModelBackend?"},
		{"TIME_ZONE: Europe/Berlinn", "TIME_ZONE: \"Europe/Berlinn\" is no time zone"},
		{"TIME_ZONE: ../../etc/passwd", "is no time zone"},
		{"USE_TZ: false", "a database without time zones"},
		{"LANGUAGE_CODE: ''", "is no language"},
		{"SITE_ID: 0", "SITE_ID: it is the number of a row"},
		{"DOMAIN: https://example.com", "DOMAIN: \"https://example.com\" is no domain"},
		{"DOMAIN: example.com/", "is no domain"},
		{"SECURE_PROXY_SSL_HEADER: [X-Forwarded-Proto, https]", "write [HTTP_X_FORWARDED_PROTO, https]"},
		{"ALLOWED_HOSTS: [https://a.example]", "is no host"},
		{"DATA_UPLOAD_MAX_NUMBER_FIELDS: -1", "a limit cannot be negative"},
		{"SESSION_COOKIE_NAME: 'a=b'", "is no name for a cookie"},
		{"SESSION_COOKIE_DOMAIN: 'a;b'", "is no domain"},
		{"SESSION_COOKIE_PATH: '/;x'", "is no path for a cookie"},
		{"SESSION_COOKIE_SAMESITE: Lux", "did you mean Lax?"},
		{"CSRF_COOKIE_NAME: sessionid", "the session's cookie has the same name"},
		{"CSRF_HEADER_NAME: X-CSRFToken", "write HTTP_X_CSRFTOKEN for X-CSRFToken"},
		{"CSRF_TRUSTED_ORIGINS: [example.com]", "is no origin"},
		{"CORS_ALLOWED_ORIGINS: [app.example.com]", ":2:1: CORS_ALLOWED_ORIGINS: \"app.example.com\" is no origin"},
		{"CORS_ALLOWED_ORIGINS: ['https://app.example.com/']", "write https://app.example.com"},
		{"CORS_ALLOWED_ORIGINS: ['https://App.example.com']", "write https://app.example.com"},
		{"CORS_ALLOWED_ORIGINS: ['https://app.example.com:443']", "write https://app.example.com"},
		{"CORS_ALLOWED_ORIGINS: ['https://*.example.com']", "write an expression in CORS_ALLOWED_ORIGIN_REGEXES"},
		{"CORS_ALLOWED_ORIGINS: ['null']\nCORS_ALLOW_CREDENTIALS: true", "any page can be of origin null"},
		{"CORS_ALLOWED_ORIGIN_REGEXES: ['^https://(?!evil)\\w+$']", "CORS_ALLOWED_ORIGIN_REGEXES: the expression cannot be read"},
		{"CORS_ALLOWED_ORIGIN_REGEXES: ['^https://app\\.example\\.com']", "end it with $"},
		{"CORS_ALLOW_ALL_ORIGINS: true\nCORS_ALLOW_CREDENTIALS: true", "CORS_ALLOW_ALL_ORIGINS: with CORS_ALLOW_CREDENTIALS any page could"},
		{"CORS_URLS_REGEX: '('", "CORS_URLS_REGEX: the expression cannot be read"},
		{"CORS_ALLOW_HEADERS: ['a, b']", "is no name of a header"},
		{"CORS_PREFLIGHT_MAX_AGE: -1", "CORS_PREFLIGHT_MAX_AGE:"},
		{"CORS_ORIGIN_WHITELIST: ['https://a.example']", "use CORS_ALLOWED_ORIGINS"},
		{"CORS_ALLOWED_ORIGINS: ['https://a.example']\nMIDDLEWARE: []", "name it there too"},
		{"EMAIL_BACKEND: smtp", "EMAIL_BACKEND: \"smtp\" is not known here"},
		{"EMAIL_USE_TLS: true\nEMAIL_USE_SSL: true", ":3:1: EMAIL_USE_SSL: EMAIL_USE_TLS is on too"},
		{"EMAIL_BACKEND: django.core.mail.backends.locmem.EmailBackend", "EMAIL_BACKEND: the mailbox in memory is for development"},
		{"EMAIL_PORT: 0", "EMAIL_PORT: this is no port"},
		{"EMAIL_TIMEOUT: 0", "EMAIL_TIMEOUT: without a timeout"},
		{"EMAIL_SSL_CERTFILE: x.pem", "a certificate and its key go together"},
		{"EMAIL_BACKEND: django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH: the filebased backend needs a folder"},
		{"DEFAULT_FROM_EMAIL: ''", "this is no sender"},
		{"PASSWORD_HASHERS: []", "PASSWORD_HASHERS: the list is empty"},
		{"PASSWORD_HASHERS: [x.Y]", ":2:1: PASSWORD_HASHERS: there is no hasher \"x.Y\""},
		{"AUTH_PASSWORD_VALIDATORS: [{NAME: x.Y}]", ":2:1: AUTH_PASSWORD_VALIDATORS: there is no validator \"x.Y\""},
		{"hash_queue: -1", "hash_queue:"},

		{"DJOSER: {USER_ID_FIELD: password}", "DJOSER.USER_ID_FIELD:"},
		{"DJOSER: {LOGIN_FIELD: phone}", "DJOSER.LOGIN_FIELD: \"phone\" is not known here; write username or email"},
		{"DJOSER: {SEND_ACTIVATION_EMAIL: true}", ":2:1: DJOSER.ACTIVATION_URL: activation mails are on and have no link"},
		{"DJOSER: {PASSWORD_RESET_CONFIRM_URL: null}", "DJOSER.PASSWORD_RESET_CONFIRM_URL: its mails would have no link"},
		{"DJOSER: {USERNAME_RESET_CONFIRM_URL: 'a/{user.password}'}", "{user.password} means nothing here; the placeholders are {uid} {token}"},
		{"DJOSER: {ACTIVATION_URL: 'a/{uid!r}'}", "{uid!r} means nothing here"},
		{"DJOSER: {ACTIVATION_URL: 'a/{0}'}", "{0} means nothing here"},
		{"DJOSER: {ACTIVATION_URL: 'a/{}'}", "{} means nothing here"},
		{"DJOSER: {ACTIVATION_URL: 'a/{uid:>9}'}", "{uid:>9} means nothing here"},
		{"DJOSER: {ACTIVATION_URL: 'a/{uid'}", "a brace stands alone"},
		{"DJOSER: {ACTIVATION_URL: 'a/uid}'}", "a brace stands alone"},
		{"DJOSER: {ACTIVATION_URL: 'a b'}", "a link holds no spaces"},
		{"DJOSER: {ACTIVATION_URL: 'https://a/{uid}/{token}'}", "it is added to protocol and domain"},
		{"DJOSER: {EMAIL_FRONTEND_DOMAIN: 'https://a'}", "this is no domain"},
		{"DJOSER: {EMAIL_FRONTEND_PROTOCOL: 'https://'}", "this is no protocol"},
		{"DJOSER: {TOKEN_MODEL: knox.AuthToken}", "only the token model of REST framework"},
		{"DJOSER: {PERMISSIONS: {user: [rest_framework.permissions.DjangoModelPermissions]}}", "DJOSER.PERMISSIONS.user:"},
		{"DJOSER: {PERMISSIONS: {usr: []}}", "DJOSER.PERMISSIONS.usr: no such setting; did you mean user?"},
		{"DJOSER: {SERIALIZERS: {user: accounts.UserSerializer}}", ":2:24: DJOSER.SERIALIZERS.user: Python classes cannot run here; fields beyond"},
		{"DJOSER: {SERIALIZERS: {usr: djoser.serializers.UserSerializer}}", "did you mean user?"},
		{"DJOSER: {EMAIL: {activation: accounts.Mail}}", "put a file of its name into mail_templates"},
		{"DJOSER: {CONSTANTS: {messages: a.B}}", "DJOSER.CONSTANTS.messages:"},
		{"DJOSER: {SOCIAL_AUTH_TOKEN_STRATEGY: a.B}", "sign-in by other providers is not served"},
		{"DJOSER: {SOCIAL_AUTH_ALLOWED_REDIRECT_URIS: [x]}", "sign-in by other providers is not served"},
		{"DJOSER: {WEBAUTHN: {RP_ID: example.com}}", "passkeys are not served"},

		{"SIMPLE_JWT: {USER_ID_FIELD: uuid}", "SIMPLE_JWT.USER_ID_FIELD:"},
		{"webhooks: [{url: app.example.com, secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]", ":2:13: webhooks.0.url: this is no http or https URL; write one"},
		{"webhooks: [{url: 'https://a:b@app.example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]", "webhooks.0.url: it holds a user or a password"},
		{"webhooks: [{url: 'http://app.example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]", "webhooks.0.url: over plain http everybody on the way can read what is told; write one"},
		{"webhooks: [{url: 'https://app.example.com'}]", ":2:1: webhooks.0.secret: the secret is not whsec_ and 24 to 64 bytes in base64; make one with: echo whsec_"},
		{"webhooks: [{url: 'https://app.example.com', secret: whsec_c2hvcnQ=}]", "webhooks.0.secret: the secret is not whsec_"},
		{"webhooks: [{url: 'https://app.example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, secret_file: x}]", "webhooks.0.secret: secret and secret_file are both set"},
		{"webhooks: [{url: 'https://app.example.com', secret_file: /no/such/file}]", "webhooks.0.secret: secret_file cannot be read: open /no/such/file"},
		{"webhooks: [{url: 'https://app.example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, events: [user.login, user.logut]}]", `webhooks.0.events: "user.logut" is not known here; did you mean user.logout?`},
		{"webhooks: [{url: 'https://app.example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, events: [login.failed]}]", `webhooks.0.events: "login.failed" is not known here`},
		{"webhooks: [{url: 'https://app.example.com/a', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}, {url: 'https://app.example.com/b', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}]", `webhooks.1.name: an entry above is called "app.example.com" too`},
		{"hooks: {before_login: {secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}}", ":2:9: hooks.before_login.url: there is a secret and no address"},
		{"hooks: {before_login: {url: 'http://example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=}}", "hooks.before_login.url: over plain http"},
		{"hooks: {before_login: {url: 'https://example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, timeout: 1m}}", "hooks.before_login.timeout: it must be more than 0 and at most 10s"},
		{"hooks: {before_registration: {url: 'https://example.com', secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=, on_failure: allows}}", `hooks.before_registration.on_failure: "allows" is not known here; did you mean allow?`},
		{"jwt_keys: /no/such/folder", ":2:1: jwt_keys: stat /no/such/folder: no such file or directory"},
		{"jwt_keys: /no/such/folder\nSIMPLE_JWT: {SIGNING_KEY: a-key-of-32-bytes-for-this-test-alone}", "SIMPLE_JWT.SIGNING_KEY: jwt_keys takes its place"},
		{"jwt_old_tokens_until: 2026-03-01", ":2:1: jwt_old_tokens_until: without jwt_keys no tokens are old"},
		{"jwt_keys: /no/such/folder\njwt_old_tokens_until: soon", `:3:1: jwt_old_tokens_until: "soon" is no time`},
		{"jwt_key_id: true", ":2:1: jwt_key_id: HS256 has no public key that a token could name"},
		{"SIMPLE_JWT: {ALGORITHM: none}", ":2:14: SIMPLE_JWT.ALGORITHM: there is no \"none\""},
		{"SIMPLE_JWT: {ALGORITHM: RS256}", "SIMPLE_JWT.SIGNING_KEY: RS256 needs a private key"},
		{"SIMPLE_JWT: {SIGNING_KEY: ''}", ":2:14: SIMPLE_JWT.SIGNING_KEY: it is empty"},
		{"SIMPLE_JWT: {SIGNING_KEY: x, SIGNING_KEY_FILE: y}", "SIMPLE_JWT.SIGNING_KEY_FILE: SIGNING_KEY is set too"},
		{"SIMPLE_JWT: {SIGNING_KEY_FILE: /no/such/file}", "SIMPLE_JWT.SIGNING_KEY_FILE:"},
		{"SIMPLE_JWT: {VERIFYING_KEY: x, VERIFYING_KEY_FILE: y}", "VERIFYING_KEY is set too"},
		{"SIMPLE_JWT: {AUTH_TOKEN_CLASSES: [a.B]}", "SIMPLE_JWT.AUTH_TOKEN_CLASSES:"},
		{"SIMPLE_JWT: {AUTH_HEADER_NAME: Authorization}", "write HTTP_AUTHORIZATION for Authorization"},
		{"SIMPLE_JWT: {AUTH_HEADER_TYPES: []}", "it is a list of single words"},
		{"SIMPLE_JWT: {TOKEN_OBTAIN_SERIALIZER: a.B}", "Python classes cannot run here"},
		{"SIMPLE_JWT: {JWK_URL: 'https://a'}", "SIMPLE_JWT.JWK_URL:"},
		{"SIMPLE_JWT: {JTI_CLAIM: null}", "SIMPLE_JWT.JTI_CLAIM:"},
		{"SIMPLE_JWT: {USER_ID_CLAIM: exp}", `the claim "exp" holds the time of expiry already`},
		{"SIMPLE_JWT: {USER_ID_CLAIM: jti}", `the claim "jti" holds USER_ID_CLAIM already`},
		{"REST_FRAMEWORK: {DEFAULT_AUTHENTICATION_CLASSES: [a.B]}", "DEFAULT_AUTHENTICATION_CLASSES:"},
		{"REST_FRAMEWORK: {DEFAULT_PARSER_CLASSES: []}", "no request could be read"},
		{"REST_FRAMEWORK: {DEFAULT_RENDERER_CLASSES: [rest_framework.renderers.BrowsableAPIRenderer]}", "answers are JSON here"},
		{"REST_FRAMEWORK: {DEFAULT_THROTTLE_RATES: {anon: 3 per minute}}", "REST_FRAMEWORK.DEFAULT_THROTTLE_RATES.anon: this is no rate"},
		{"REST_FRAMEWORK: {DEFAULT_THROTTLE_CLASSES: [rest_framework.throttling.AnonRateThrottle], DEFAULT_THROTTLE_RATES: {user: 1/s}}", "AnonRateThrottle has no rate"},
		{"REST_FRAMEWORK: {NUM_PROXIES: -1}", "a number of proxies cannot be negative"},
		{"REST_FRAMEWORK: {NON_FIELD_ERRORS_KEY: ''}", "errors need a key"},
	} {
		list := problems(t, test.text)
		if !slices.ContainsFunc(list, func(p Problem) bool { return strings.Contains(p.String(), test.want) }) {
			t.Errorf("%s\ngot  %v\nwant %s", test.text, list, test.want)
		}
		if strings.Contains(list.Error(), "heim") {
			t.Errorf("%s\nshows a password: %v", test.text, list)
		}
	}
}

// TestAllProblemsAtOnce gives many mistakes and wants them all, in the order of the lines.
func TestAllProblemsAtOnce(t *testing.T) {
	list := problems(t, "listen: nowhere\nDJOSER:\n  SEND_ACTIVATON_EMAIL: true\n  LOGIN_FIELD: 5\nTIME_ZONE: Mars\nEMAIL_PORT: x\n")
	var got []string
	for _, p := range list {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Key))
	}
	want := []string{"2 listen", "4 DJOSER.SEND_ACTIVATON_EMAIL", "5 DJOSER.LOGIN_FIELD", "6 TIME_ZONE", "7 EMAIL_PORT"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestEnvironmentProblems(t *testing.T) {
	for env, want := range map[string]string{
		"LATCHKEY_LISTN=x":                      "environment LATCHKEY_LISTN: LISTN: no such setting; did you mean listen?",
		"LATCHKEY_DJOSER__LOGIN_FEILD=x":        "environment LATCHKEY_DJOSER__LOGIN_FEILD: DJOSER.LOGIN_FEILD: no such setting; did you mean LOGIN_FIELD?",
		"LATCHKEY_SITE_ID=x":                    "environment LATCHKEY_SITE_ID: SITE_ID: a whole number is wanted here",
		"LATCHKEY_SITE_ID=":                     "environment LATCHKEY_SITE_ID: SITE_ID: the value is empty",
		"LATCHKEY_MOUNTS__0__PATH=x":            "set the whole of mounts instead",
		"LATCHKEY_REST_AUTH__USE_JVT=x":         "REST_AUTH.USE_JVT: no such setting; did you mean USE_JWT?",
		"LATCHKEY_ACCOUNT_EMAIL_VERIFICATON=x":  "did you mean ACCOUNT_EMAIL_VERIFICATION?",
		"LATCHKEY_DJOSER__PERMISSIONS__USER=[x": "environment LATCHKEY_DJOSER__PERMISSIONS__USER: DJOSER.PERMISSIONS.user: this is not YAML",
		"LATCHKEY_=x":                           "no such setting",
		"LATCHKEY_DJOSER__=x":                   "no such setting",
		"LATCHKEY_PROFILE=safest":               "environment LATCHKEY_PROFILE: profile: \"safest\" is not known here; did you mean safe?",
		"LATCHKEY_CONFIG=/no/such/file":         "the settings file cannot be read",
		"LATCHKEY_SECRET_KEY=short":             "environment LATCHKEY_SECRET_KEY: secret_key: it has 5 bytes",
	} {
		_, err := Load(Options{Env: []string{env}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", env, err, want)
		}
	}
	_, err := Load(Options{Flags: map[string]string{"lissten": "x"}})
	if err == nil || !strings.Contains(err.Error(), "flag --lissten: lissten: no such setting; did you mean listen?") {
		t.Errorf("flag: %v", err)
	}
}

// TestHostileFiles wants an error, soon, from files that are made to hurt.
func TestHostileFiles(t *testing.T) {
	bomb := socialAccountNames[0] + ": &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i, name := range socialAccountNames[1:12] {
		bomb += fmt.Sprintf("%s: &a%d [%s]\n", name, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	for name, text := range map[string]string{
		"aliases": bomb,
		"loop":    "REST_AUTH: {USE_JWT: &a [*a]}",
		"flow":    "REST_AUTH: " + strings.Repeat("[", 200_000),
		"maps":    "REST_AUTH: " + strings.Repeat("{a: ", 50_000),
		"block":   strings.Repeat("- ", 100_000),
		"keys":    strings.Repeat("? ", 100_000),
		"tags":    strings.Repeat("!a ", 100_000),
		"size":    strings.Repeat("#", maxFile+1),
		"unknown": numbered("unknown%d: x\n", 5_000),
		"entries": "REST_FRAMEWORK:\n  DEFAULT_THROTTLE_RATES:\n" + numbered("    scope%d: x\n", 60_000),
		"bytes":   "DOMAIN: \xff\xfe",
		"docs":    "DOMAIN: a.b\n---\nDOMAIN: c.d\n",
	} {
		_, err := Load(Options{File: write(t, secretLine+text)})
		if list := (Problems)(nil); !errors.As(err, &list) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}
