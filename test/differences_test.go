package test

import "fmt"

// A difference is a step at which the profile safe answers otherwise than the reference. Safe holds the keys of the answer that differ:
// status, headers, body, mail or rows; null stands for a key that is not there.
type difference struct {
	scenario string
	step     int
	quirk    string // the entry of docs/divergences.md that asks for it
	safe     string // JSON
}

// differences are all that the recordings show.
var differences = []difference{
	// Whether an id exists shows in nothing.
	{"djoser-users/hidden-users", 5, "B2", `{"status": 404, "body": {"detail": "Not found."}}`},
	{"djoser-settings/user-id-field-username", 4, "B2", `{"body": {"detail": "Not found."}}`},

	// A link mailed to reset a password activates nobody.
	{"djoser-activation/active-user-with-a-good-token-is-refused", 1, "C1", `{"status": 400, "body": {"token": ["Invalid token for given user."]}}`},

	// A new password ends the refresh tokens made under the old one.
	{"djoser-password/change", 4, "C2", `{"status": 401, "headers": ` + refusedByJWT + `, "body": {"detail": "Token is blacklisted", "code": "token_not_valid"}}`},
	{"djoser-password/change-drops-the-token-key-when-asked", 6, "C2", `{"status": 401, "headers": ` + refusedByJWT + `, "body": {"detail": "Token is blacklisted", "code": "token_not_valid"}}`},

	// Verify honours the blacklist whatever BLACKLIST_AFTER_ROTATION says.
	{"jwt-refresh/blacklist", 4, "C6", `{"status": 400, "body": {"non_field_errors": ["Token is blacklisted"]}}`},

	// A rotated token that comes again at once, from another tab for instance, gets the same successor.
	{"jwt-refresh/rotation-with-blacklist", 2, "C10", `{"status": 200, "headers": ` + formHeaders + `,
		"body": {"access": ` + jwt("access", 1, 300) + `, "refresh": ` + jwt("refresh", 1, 86400) + `}}`},
	{"drfauth-tokens/rotation-in-the-body", 2, "C10", `{"status": 200, "headers": ` + formHeaders + `,
		"body": {"access": ` + jwt("access", 1, 300) + `, "refresh": ` + jwt("refresh", 1, 86400) + `,
			"access_expiration": "<datetime>", "refresh_expiration": "<datetime>"}}`},
	{"drfauth-cookies/rotation-and-blacklist", 2, "C10", `{"status": 200,
		"headers": {"Content-Type": "application/json", "Allow": "POST, OPTIONS", "Content-Language": "en", "Set-Cookie": [
			"a=<jwt>; HttpOnly; Max-Age=300; Path=/; SameSite=Lax; expires=<time>",
			"r=<jwt>; HttpOnly; Max-Age=86400; Path=/; SameSite=Lax; expires=<time>"]},
		"body": {"access": ` + jwt("access", 1, 300) + `, "access_expiration": "<datetime>"}}`},

	// The database holds no token that could be used.
	{"jwt-pair/pair", 1, "C12", `{"rows": [[1, 1, 32, {"$jwt": {"header": {"alg": "HS256", "typ": "JWT"},
		"claims": {"token_type": "refresh", "exp": "<time>", "iat": "<time>", "jti": "<hex32>", "user_id": "1", "exp-iat": 86400}, "signature": ""}}, 1, 1]]}`},

	// An address is found whatever its case.
	{"djoser-password/reset-for-whom", 3, "D1", `{"mail": [` + resetForAlice + `]}`},
	{"djoser-password/reset-for-whom", 4, "D1", `{"mail": [` + resetForAlice + `]}`},

	// The old address hears of the new one.
	{"djoser-users/me-new-email-locks-the-account-until-activated", 1, "D2", `{"mail": [` + noteTo("alice@example.com") + `,
		{"from": "webmaster@localhost", "to": "new@example.com", "links": ["http://example.com/activate/MQ/{{token}}"], "parts": ["plain", "html"]}]}`},
	{"djoser-users/me-new-email-without-activation", 1, "D2", `{"mail": [` + noteTo("alice@example.com") + `]}`},
	{"djoser-users/me-new-email-without-activation", 2, "D2", `{"mail": [` + noteTo("New.Name@EXAMPLE.com") + `]}`},
	{"djoser-users/me-new-email-without-activation", 3, "D2", `{"mail": [` + noteTo("bob@example.com") + `]}`},
	{"djoser-users/staff-may-change-and-delete-others", 2, "D2", `{"mail": [` + noteTo("bob@example.com") + `,
		{"from": "webmaster@localhost", "to": "bob2@example.com", "links": ["http://example.com/activate/Mg/{{token}}"], "parts": ["plain", "html"]}]}`},

	// Paths are served with and without their closing slash.
	{"drf-http/slash-is-added-by-redirect", 0, "E3", `{"status": 401,
		"headers": {"Content-Type": "application/json", "Allow": "GET, POST, HEAD, OPTIONS", "WWW-Authenticate": "Bearer realm=\"api\"", "Content-Language": "en"},
		"body": {"detail": "Authentication credentials were not provided."}}`},
	{"drf-http/slash-is-added-by-redirect", 1, "E3", `{"status": 201,
		"headers": {"Content-Type": "application/json", "Allow": "GET, POST, HEAD, OPTIONS", "Content-Language": "en"},
		"body": {"email": "", "username": "bob", "id": 1}}`},
	{"drf-http/slash-is-added-by-redirect", 2, "E3", `{"status": 401,
		"headers": {"Content-Type": "application/json", "Allow": "GET, PUT, PATCH, DELETE, HEAD, OPTIONS", "WWW-Authenticate": "Bearer realm=\"api\"", "Content-Language": "en"},
		"body": {"detail": "Authentication credentials were not provided."}}`},
	{"drf-http/slash-is-added-by-redirect", 3, "E3", `{"status": 204, "headers": {"Allow": "POST, OPTIONS", "Content-Language": "en"}}`},
	{"drf-http/slash-is-added-by-redirect", 4, "E3", `{"status": 200,
		"headers": {"Content-Type": "application/json", "Allow": "GET, HEAD, OPTIONS", "Content-Language": "en"},
		"body": {"users": "http://<host>/auth/users/"}}`},

	// The word before a token is compared without case.
	{"drf-auth/bearer-case-and-spaces", 1, "E5", `{"status": 200, "headers": ` + me + `, "body": {"email": "alice@example.com", "id": 1, "username": "alice"}}`},
	{"drf-auth/bearer-case-and-spaces", 2, "E5", `{"status": 200, "headers": ` + me + `, "body": {"email": "alice@example.com", "id": 1, "username": "alice"}}`},
	{"jwt-settings/header-types", 3, "E5", `{"status": 200, "headers": ` + me + `, "body": {"email": "alice@example.com", "id": 1, "username": "alice"}}`},

	// The database holds no token that could be used.
	{"drfauth-login/json-by-username", 3, "C12", `{"rows": [[1,1,32,{"$jwt": {"header": {"alg": "HS256", "typ": "JWT"},
		"claims": {"token_type": "refresh", "exp": "<time>", "iat": "<time>", "jti": "<hex32>", "user_id": "1", "exp-iat": 86400}, "signature": ""}}]]}`},

	// A new password ends the refresh tokens made under the old one.
	{"drfauth-password-change/no-session-is-made-when-it-logs-out", 4, "C2", `{"status": 401,
		"headers": {"Content-Type": "application/json", "Allow": "POST, OPTIONS", "WWW-Authenticate": "Bearer realm=\"api\"", "Content-Language": "en"},
		"body": {"detail": "Token is blacklisted", "code": "token_not_valid"}}`},

	// One's own name may be sent back, in other capitals too.
	{"drfauth-user/put-with-the-same-username-is-refused", 1, "R1", `{"status": 200,
		"body": {"pk": 1, "username": "alice", "email": "alice@example.com", "first_name": "A", "last_name": ""}}`},
	{"drfauth-user/put-with-the-same-username-is-refused", 2, "R1", `{"status": 200,
		"body": {"pk": 1, "username": "Alice", "email": "alice@example.com", "first_name": "A", "last_name": ""}}`},

	// A logout without a token makes none.
	{"drfauth-logout/an-empty-token-is-made-and-blacklisted", 0, "R4", `{"status": 401,
		"body": {"detail": "Refresh token was not included in request data."}}`},
	{"drfauth-logout/an-empty-token-is-made-and-blacklisted", 2, "R4", `{"rows": []}`},
	{"drfauth-logout/an-empty-token-is-made-and-blacklisted", 3, "R4", `{"rows": []}`},
	{"drfauth-logout/by-get", 3, "R4", `{"rows": [[1]]}`},

	// Who names no address has nobody mailed.
	{"drfauth-verify-email/resend-without-an-address-mails-the-first-one", 0, "R6", `{"mail": null}`},

	// A stale cookie is none where nobody needs to be signed in.
	{"drfauth-cookies/a-stale-access-cookie-stops-even-login-and-logout", 2, "R7", `{"status": 200,
		"headers": {"Content-Type": "application/json", "Allow": "POST, OPTIONS", "Content-Language": "en", "Set-Cookie": [` + tokenCookies + `]},
		"body": {"access": ` + jwt("access", 1, 300) + `, "refresh": "", "user": ` + userBody(1, "alice", "alice@example.com") + `}}`},
	{"drfauth-cookies/a-stale-access-cookie-stops-even-login-and-logout", 3, "R7", `{
		"headers": {"Content-Type": "application/json", "Allow": "GET, POST, HEAD, OPTIONS", "Content-Language": "en", "Set-Cookie": [
			"my-app-auth=\"\"; Max-Age=0; Path=/; SameSite=Lax; expires=<time>",
			"my-refresh-token=\"\"; Max-Age=0; Path=/; SameSite=Lax; expires=<time>"]},
		"body": {"detail": "Refresh token was not included in cookie data."}}`},
	{"drfauth-cookies/a-stale-access-cookie-stops-even-login-and-logout", 4, "R7", `{"status": 400,
		"headers": ` + formHeaders + `,
		"body": {"username": ["This field is required."], "password1": ["This field is required."], "password2": ["This field is required."]}}`},
	{"drfauth-cookies/a-stale-access-cookie-stops-even-login-and-logout", 5, "R7", `{"status": 400,
		"headers": ` + formHeaders + `,
		"body": {"email": ["This field is required."]}}`},

	// A registration keeps tokens where a login does, and makes no session where they are off.
	{"drfauth-registration/expiration-and-cookies-are-not-for-registration", 0, "R10", `{
		"headers": {"Content-Type": "application/json", "Allow": "POST, OPTIONS", "Content-Language": "en", "Set-Cookie": [` + tokenCookies + `]},
		"body": {"access": ` + jwt("access", 1, 300) + `, "refresh": "", "user": ` + userBody(1, "dave", "dave@example.com") + `}}`},
	{"drfauth-registration/expiration-and-cookies-are-not-for-registration", 1, "R11", `{"rows": [[0]]}`},

	// A change of password makes no session for who has none.
	{"drfauth-password-change/json", 1, "R12", `{"headers": ` + formHeaders + `}`},
	{"drfauth-password-change/the-old-password-is-not-asked-for-by-default", 1, "R12", `{"headers": ` + formHeaders + `}`},
	{"drfauth-password-change/allauths-own-switches-change-nothing", 1, "R12", `{"headers": ` + formHeaders + `}`},
	{"drfauth-password-change/old-password-field", 5, "R12", `{"headers": ` + formHeaders + `}`},
	{"drfauth-registration/without-validators-six-characters-are-asked", 2, "R12", `{"headers": ` + formHeaders + `}`},

	// Logging out uses up no logins.
	{"drfauth-modes/throttled", 3, "R19", `{"status": 401,
		"headers": {"Content-Type": "application/json", "Allow": "GET, POST, HEAD, OPTIONS", "Content-Language": "en"},
		"body": {"detail": "Refresh token was not included in request data."}}`},
	{"drfauth-modes/throttled", 4, "R19", `{"status": 200,
		"headers": {"Content-Type": "application/json", "Allow": "POST, OPTIONS", "Content-Language": "en", "Set-Cookie": [` + sessionCookie + `]},
		"body": {"access": ` + jwt("access", 1, 300) + `, "refresh": ` + jwt("refresh", 1, 86400) + `, "user": ` + userBody(1, "alice", "alice@example.com") + `}}`},

	// Addresses are compared without case.
	{"drfauth-login/mandatory-verification", 5, "R25", `{"status": 200,
		"headers": {"Content-Type": "application/json", "Allow": "POST, OPTIONS", "Content-Language": "en", "Set-Cookie": [` + sessionCookie + `]},
		"body": {"access": ` + jwt("access", 5, 300) + `, "refresh": ` + jwt("refresh", 5, 86400) + `, "user": ` + userBody(5, "erin", "Erin@Example.com") + `}}`},

	// No account is made that nobody can log in to.
	{"drfauth-registration/mandatory-verification-without-an-address", 0, "R26", `{"status": 400,
		"headers": ` + formHeaders + `,
		"body": {"email": ["This field is required."]}}`},
	{"drfauth-registration/mandatory-verification-without-an-address", 1, "R26", `{"body": {"non_field_errors": ["Unable to log in with provided credentials."]}}`},
}

const (
	// formHeaders are those of an answer to a form that sets no cookie.
	formHeaders = `{"Content-Type": "application/json", "Allow": "POST, OPTIONS", "Content-Language": "en"}`

	refusedByJWT = `{"Content-Type": "application/json", "Allow": "POST, OPTIONS", "WWW-Authenticate": "Bearer realm=\"api\"", "Content-Language": "en"}`

	me = `{"Content-Type": "application/json", "Allow": "GET, PUT, PATCH, DELETE, HEAD, OPTIONS", "Content-Language": "en"}`

	resetForAlice = `{"from": "webmaster@localhost", "to": "alice@example.com",
		"links": ["http://example.com/password/reset/confirm/MQ/{{token}}"], "parts": ["plain", "html"]}`
)

const (
	sessionCookie = `"sessionid=<value>; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax; expires=<time>"`

	tokenCookies = `"my-app-auth=<jwt>; HttpOnly; Max-Age=300; Path=/; SameSite=Lax; expires=<time>",
		"my-refresh-token=<jwt>; HttpOnly; Max-Age=86400; Path=/; SameSite=Lax; expires=<time>"`
)

// jwt is a token of a user.
func jwt(kind string, id, seconds int) string {
	return fmt.Sprintf(`{"$jwt": {"header": {"alg": "HS256", "typ": "JWT"},
		"claims": {"token_type": %q, "exp": "<time>", "iat": "<time>", "jti": "<hex32>", "user_id": "%d", "exp-iat": %d}}}`, kind, id, seconds)
}

// userBody is a user without names, as dj-rest-auth shows them.
func userBody(id int, name, email string) string {
	return fmt.Sprintf(`{"pk": %d, "username": %q, "email": %q, "first_name": "", "last_name": ""}`, id, name, email)
}

// noteTo is a mail without links.
func noteTo(address string) string {
	return `{"from": "webmaster@localhost", "to": "` + address + `", "links": [], "parts": ["plain", "html"]}`
}
