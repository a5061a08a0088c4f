package server

import (
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"latchkey/internal/message"
)

// choose is what LocaleMiddleware would choose among the languages spoken: the django_language cookie, then Accept-Language by weight, then the fallback.
func choose(spoken message.Languages, r *http.Request, fallback *message.Language) *message.Language {
	if len(r.Header["Cookie"]) > 0 {
		if cookie, err := r.Cookie("django_language"); err == nil {
			if l, ok := spoken.For(cookie.Value); ok {
				return l
			}
		}
	}
	if accept := r.Header.Get("Accept-Language"); accept != "" {
		for _, wanted := range acceptedLanguages(accept) {
			if wanted == "*" {
				break
			}
			if l, ok := spoken.For(wanted); ok {
				return l
			}
		}
	}
	return fallback
}

// maxAcceptLanguage is how much of the header Django reads.
const maxAcceptLanguage = 500

// acceptedLanguages lists an Accept-Language header's languages, the most wanted first. A malformed header lists none.
func acceptedLanguages(header string) []string {
	if len(header) > maxAcceptLanguage {
		i := strings.LastIndexByte(header[:maxAcceptLanguage], ',')
		if i < 0 {
			return nil
		}
		header = header[:i]
	}
	type wish struct {
		code   string
		weight float64
	}
	var wishes []wish
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimSpace(header), ","), ",") {
		code, q, weighted := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if weighted {
			value, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(q)), "q=")
			if !ok || !quality.MatchString(value) {
				return nil
			}
			weight, _ = strconv.ParseFloat(value, 64) // the pattern holds numbers alone
		}
		if code = strings.TrimSpace(code); !isLanguage(code) {
			return nil
		}
		wishes = append(wishes, wish{code, weight}) // Django takes a weight of 0 for the least wanted
	}
	sort.SliceStable(wishes, func(i, j int) bool { return wishes[i].weight > wishes[j].weight })
	codes := make([]string, len(wishes))
	for i, w := range wishes {
		codes[i] = w.code
	}
	return codes
}

// quality is a weight as RFC 9110 writes it.
var quality = regexp.MustCompile(`^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$`)

// isLanguage tells whether a text has the form of a language's code, or is the star.
func isLanguage(code string) bool {
	if code == "*" {
		return true
	}
	for i, part := range strings.Split(code, "-") {
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9')
		}) {
			return false
		}
	}
	return true
}
