package message

// Funcs are the functions of templates in a language, for text/template and html/template alike:
//
//	{{t "Your account at {site} is ready" "site" .SiteName}}
//	{{n "{count} user" "{count} users" .Count "count" .Count}}
//	<html lang="{{lang}}">
//
// A template is parsed with those of any language, and cloned for each one that it is shown in.
func Funcs(l *Language) map[string]any {
	return map[string]any{
		"t":    func(id string, args ...any) string { return T(id, args...).In(l) },
		"n":    func(one, many string, n int, args ...any) string { return N(one, many, n, args...).In(l) },
		"lang": l.Code,
	}
}
