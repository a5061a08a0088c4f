package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/testenv"
)

// The normal form of an answer: what differs from run to run gives way to a mark, so that the rest can be compared.

var (
	jwtText     = regexp.MustCompile(`eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+`)
	wholeJWT    = regexp.MustCompile(`^` + jwtText.String() + `$`)
	unsignedJWT = regexp.MustCompile(`^eyJ[\w-]+\.eyJ[\w-]+\.$`)
	djangoToken = regexp.MustCompile(`\b[0-9a-z]{6,7}-[0-9a-f]{32}\b`)
	hex40       = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
	hex32       = regexp.MustCompile(`^[0-9a-f]{32}$`)
	isoTime     = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
	signedKey   = regexp.MustCompile(`\b[\w-]{1,4}:1\w{5}:[\w-]{40,}`)
	waitSeconds = regexp.MustCompile(`available in \d+ seconds?`)

	cookieExpiry = regexp.MustCompile(`(?i)^expires=.*`)
	loopbackHost = regexp.MustCompile(`//127\.0\.0\.1:\d+`)
	link         = regexp.MustCompile(`https?://[^\s"'<>]+`)
)

// keptHeaders are the headers that are compared, besides Set-Cookie.
var keptHeaders = []string{"Content-Type", "Allow", "WWW-Authenticate", "Content-Language", "Retry-After", "Location"}

// normal puts every text within v into normal form.
func normal(v value, known *memory) value {
	switch v := v.(type) {
	case object:
		out := object{}
		for _, m := range v {
			out = append(out, member{m.name, normal(m.value, known)})
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, normal(e, known))
		}
		return out
	case string:
		if wholeJWT.MatchString(v) || unsignedJWT.MatchString(v) {
			if shown, err := decodeJWT(v); err == nil {
				return shown
			}
		}
		return normalText(v, known)
	}
	return v
}

func normalText(text string, known *memory) string {
	for _, name := range known.names {
		if secret, ok := known.values[name].(string); ok && len([]rune(secret)) >= 16 {
			text = strings.ReplaceAll(text, secret, "{{"+name+"}}")
		}
	}
	text = jwtText.ReplaceAllString(text, "<jwt>")
	text = djangoToken.ReplaceAllString(text, "<django-token>")
	text = hex40.ReplaceAllString(text, "<hex40>")
	text = isoTime.ReplaceAllString(text, "<datetime>")
	text = signedKey.ReplaceAllString(text, "<signed-key>")
	text = loopbackHost.ReplaceAllString(text, "//<host>") // an address built from the request has this run's port in it
	return waitSeconds.ReplaceAllString(text, "available in <n> seconds")
}

// decodeJWT shows a token's header and claims, with marks for times and identifiers.
func decodeJWT(token string) (value, error) {
	var parts [2]object
	pieces := strings.Split(token, ".")
	for i, part := range pieces[:2] {
		data, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(data, &parts[i]); err != nil {
			return nil, err
		}
	}
	claims := object{}
	for _, m := range parts[1] {
		switch {
		case slices.Contains([]string{"exp", "iat", "orig_iat", "refresh_exp"}, m.name):
			m.value = "<time>"
		case m.name == "jti":
			text, _ := m.value.(string)
			m.value = "<jti>"
			if hex32.MatchString(text) {
				m.value = "<hex32>"
			}
		case strings.HasPrefix(m.name, "hash_"):
			m.value = "<hash>"
		}
		claims = append(claims, m)
	}
	exp, hasExp := parts[1].get("exp")
	iat, hasIat := parts[1].get("iat")
	if hasExp && hasIat {
		life, err := lifetime(exp, iat)
		if err != nil {
			return nil, err
		}
		claims = append(claims, member{"exp-iat", json.Number(strconv.FormatInt(life, 10))})
	}
	shown := object{{"header", parts[0]}, {"claims", claims}}
	if pieces[2] == "" {
		shown = append(shown, member{"signature", ""})
	}
	return object{{"$jwt", shown}}, nil
}

// lifetime is exp - iat, to the nearest five seconds where one second is missing: the two are read off the clock apart.
func lifetime(exp, iat value) (int64, error) {
	end, err := strconv.ParseInt(fmt.Sprint(exp), 10, 64)
	if err != nil {
		return 0, err
	}
	start, err := strconv.ParseInt(fmt.Sprint(iat), 10, 64)
	if err != nil {
		return 0, err
	}
	life := end - start
	switch {
	case (life%5+5)%5 == 4:
		return life + 1, nil
	case (life%5+5)%5 == 1 && life > 1:
		return life - 1, nil
	}
	return life, nil
}

// normalCookie shows a Set-Cookie line with its attributes in order, without the value and the date.
func normalCookie(line string) string {
	name, rest, _ := strings.Cut(line, "=")
	parts := strings.Split(rest, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	shown := "<value>"
	switch {
	case parts[0] == "" || parts[0] == `""`:
		shown = `""`
	case wholeJWT.MatchString(parts[0]):
		shown = "<jwt>"
	}
	kept := parts[1:]
	for i := range kept {
		kept[i] = cookieExpiry.ReplaceAllString(kept[i], "expires=<time>")
	}
	slices.Sort(kept)
	return name + "=" + shown + "; " + strings.Join(kept, "; ")
}

// normalAnswer is the status, the kept headers and the body of an answer.
func normalAnswer(answer *http.Response, body []byte, known *memory) object {
	headers := object{}
	for _, name := range keptHeaders {
		v := strings.Join(answer.Header.Values(name), ", ")
		switch {
		case v == "":
			continue
		case name == "Content-Type":
			v = strings.ToLower(v)
		case name == "Retry-After":
			v = "<n>"
		}
		headers = append(headers, member{name, v})
	}
	var cookies []string
	for _, line := range answer.Header.Values("Set-Cookie") {
		// Django's messages are for its own HTML pages: no client of the API reads them.
		if !strings.HasPrefix(line, "messages=") {
			cookies = append(cookies, normalCookie(line))
		}
	}
	if len(cookies) > 0 {
		slices.Sort(cookies)
		list := []any{}
		for _, c := range cookies {
			list = append(list, c)
		}
		headers = append(headers, member{"Set-Cookie", list})
	}
	out := object{{"status", json.Number(strconv.Itoa(answer.StatusCode))}, {"headers", headers}}
	if len(body) == 0 {
		return out
	}
	kind, _ := headers.get("Content-Type")
	if v, err := decodeJSON(body); err == nil && v != nil {
		return append(out, member{"body", normal(v, known)})
	} else if kind, _ := kind.(string); strings.Contains(kind, "text/html") {
		return append(out, member{"text", "<html>"})
	}
	return append(out, member{"text", normalText(string(bytes.ToValidUTF8(body, []byte("\uFFFD"))), known)})
}

// mailFacts is what is compared of a mail: who writes to whom, where its links lead and what parts it has. The wording is
// each server's own.
func mailFacts(m testenv.SMTPMessage, known *memory) (object, error) {
	from, err := address(m.Header.Get("From"))
	if err != nil {
		return nil, err
	}
	to, err := address(m.Header.Get("To"))
	if err != nil {
		return nil, err
	}
	links := []any{}
	for _, l := range slices.Sorted(maps.Keys(linksIn(m, known))) {
		links = append(links, l)
	}
	parts := []any{}
	if m.Text != "" {
		parts = append(parts, "plain")
	}
	if m.HTML != "" {
		parts = append(parts, "html")
	}
	return object{{"from", from}, {"to", to}, {"links", links}, {"parts", parts}}, nil
}

// address is a header's address without the quotes and encodings in which its name may be written.
func address(header string) (string, error) {
	parsed, err := mail.ParseAddress(header)
	if err != nil || parsed.Name == "" {
		return header, err
	}
	return parsed.Name + " <" + parsed.Address + ">", nil
}

func linksIn(m testenv.SMTPMessage, known *memory) map[string]bool {
	out := map[string]bool{}
	for _, found := range link.FindAllString(m.Text+"\n"+m.HTML, -1) {
		out[normalText(strings.TrimRight(found, "."), known)] = true
	}
	return out
}
