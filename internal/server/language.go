package server

import (
	"net/http"
	"sort"
	"strconv"
	"strings"

	"latchkey/internal/config"
)

// languages are codes of languages that may be answered in.
type languages map[string]bool

// spoken are the languages whose messages there are, English, also as the two variants that Django has of its own; of them those that LANGUAGES lists.
func spoken(listed []config.Language) languages {
	all := languages{"en": true, "en-gb": true, "en-au": true}
	if listed == nil {
		return all
	}
	some := languages{}
	for _, l := range listed {
		if code := strings.ToLower(l.Code); all[code] {
			some[code] = true
		}
	}
	return some
}

// choose is what LocaleMiddleware would choose among the languages spoken: the django_language cookie, then Accept-Language by weight, then LANGUAGE_CODE.
func (l languages) choose(r *http.Request, fallback string) string {
	if len(r.Header["Cookie"]) > 0 {
		if cookie, err := r.Cookie("django_language"); err == nil {
			if code, ok := l.variant(cookie.Value); ok {
				return code
			}
		}
	}
	if accept := r.Header.Get("Accept-Language"); accept != "" {
		for _, wanted := range acceptedLanguages(accept) {
			if wanted == "*" {
				break
			}
			if code, ok := l.variant(wanted); ok {
				return code
			}
		}
	}
	if code, ok := l.variant(fallback); ok {
		return code
	}
	return "en"
}

// variant is the language itself if it is spoken, or else its generic form, en for en-us.
func (l languages) variant(code string) (string, bool) {
	code = strings.ToLower(code)
	for code != "" {
		if l[code] {
			return code, true
		}
		i := strings.LastIndexByte(code, '-')
		if i < 0 {
			return "", false
		}
		code = code[:i]
	}
	return "", false
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
	for _, part := range strings.Split(header, ",") {
		code, q, weighted := strings.Cut(strings.TrimSpace(part), ";")
		weight := 1.0
		if weighted {
			value, ok := strings.CutPrefix(strings.TrimSpace(q), "q=")
			w, err := strconv.ParseFloat(value, 64)
			if !ok || err != nil || w < 0 || w > 1 {
				return nil
			}
			weight = w
		}
		if code = strings.TrimSpace(code); code != "" { // Django takes a weight of 0 for the least wanted
			wishes = append(wishes, wish{code, weight})
		}
	}
	sort.SliceStable(wishes, func(i, j int) bool { return wishes[i].weight > wishes[j].weight })
	codes := make([]string, len(wishes))
	for i, w := range wishes {
		codes[i] = w.code
	}
	return codes
}
