package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"latchkey/internal/account"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A Setting is one line of what the program runs with.
type Setting struct {
	// Key is the setting with its sections, dotted.
	Key string
	// Value is written as in a file, on one line; secrets are hidden.
	Value string
	// Source is "default", a file and line, "environment NAME" or "flag --name".
	Source string
}

// secretSettings hold nothing that may be shown. The database's URL is shown without its password.
var secretSettings = []string{"secret_key", "SECRET_KEY_FALLBACKS", "EMAIL_HOST_PASSWORD", "SIMPLE_JWT.SIGNING_KEY", "hooks.before_registration.secret", "hooks.before_login.secret", "SOCIALACCOUNT_PROVIDERS"}

// Effective lists every setting with its value and where it comes from, in the order of the documentation.
func (c *Config) Effective() []Setting {
	var list []Setting
	var walk func(v reflect.Value, section string)
	walk = func(v reflect.Value, section string) {
		for _, f := range fieldsOf(v) {
			key := join(section, f.name)
			switch {
			case f.value.Kind() == reflect.Struct && f.value.Type() != reflect.TypeFor[tokens.Audience]():
				walk(f.value, key)
			case f.value.Type() == reflect.TypeFor[Given]():
				list = append(list, c.givenSettings(key, f.value.Interface().(Given))...)
			default:
				list = append(list, c.setting(key, f.value))
			}
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
	return list
}

// givenSettings lists what was given of a family.
func (c *Config) givenSettings(key string, given Given) []Setting {
	section := key
	if strings.HasSuffix(key, "*") {
		section = ""
	}
	var list []Setting
	for _, name := range slices.Sorted(maps.Keys(given)) {
		list = append(list, c.setting(join(section, name), reflect.ValueOf(&given).Elem().MapIndex(reflect.ValueOf(name))))
	}
	return list
}

// setting shows one value.
func (c *Config) setting(key string, v reflect.Value) Setting {
	s := Setting{Key: key, Source: c.origins[key].String()}
	switch {
	case !slices.Contains(secretSettings, key):
		s.Value = show(v.Interface())
	case v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0:
		s.Value = show(v.Interface())
	default:
		s.Value = hidden
	}
	if key == "database" {
		s.Value = withoutPassword(c.Database)
	}
	// The entries of a map may have been given one by one; the first of them tells where.
	if v.Kind() == reflect.Map && s.Source == fromDefault && v.Len() > 0 {
		for _, name := range v.MapKeys() {
			s.Source = c.origins[join(key, name.String())].String()
		}
	}
	return s
}

// show writes a value as a file would have it, on one line.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return showText(v)
	case Secret:
		return showText(v.String())
	case account.Prevention:
		return string(v)
	case time.Duration:
		return formatDuration(v)
	case netip.Prefix:
		return v.String()
	case tokens.Audience:
		if v.List {
			return show(v.Values)
		}
		if len(v.Values) == 0 {
			return "null"
		}
		return show(v.Values[0])
	case store.FieldConfig:
		if reflect.DeepEqual(v, store.FieldConfig{Name: v.Name}) {
			return showText(v.Name)
		}
	case Language:
		if v.Name == "" {
			return showText(v.Code)
		}
		return "[" + showText(v.Code) + ", " + showText(v.Name) + "]"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return showKind(reflect.ValueOf(value))
}

// showKind is show for what is told by its kind alone.
func showKind(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "null"
		}
		return show(v.Elem().Interface())
	case reflect.String:
		return showText(v.String())
	case reflect.Slice:
		if v.IsNil() {
			return "null"
		}
		items := make([]string, v.Len())
		for i := range items {
			items[i] = show(v.Index(i).Interface())
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		if v.IsNil() {
			return "null"
		}
		var parts []string
		for _, k := range v.MapKeys() {
			parts = append(parts, showText(k.String())+": "+show(v.MapIndex(k).Interface()))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case reflect.Struct:
		var parts []string
		for _, f := range fieldsOf(v) {
			switch {
			case f.value.IsZero():
			case f.name == "secret":
				parts = append(parts, f.name+": "+showText(hidden))
			default:
				parts = append(parts, f.name+": "+show(f.value.Interface()))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

// showText leaves a text bare where YAML would read it as the same text, and quotes it elsewhere.
func showText(text string) string {
	node, problem := parse("[" + text + "]")
	if problem == nil && !strings.ContainsAny(text, "\r\n#") && strings.TrimSpace(text) == text {
		b := &binder{anchors: map[string]ast.Node{}}
		if list, ok := b.plain(node, "", 0).([]any); ok && len(list) == 1 && list[0] == text {
			return text
		}
	}
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// withoutPassword is a database URL that can be shown.
func withoutPassword(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return hidden
	}
	if _, ok := u.User.Password(); ok {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	query := u.Query()
	for _, name := range []string{"password", "sslpassword", "passfile"} {
		if query.Has(name) {
			query.Set(name, "hidden")
		}
	}
	if len(query) > 0 {
		u.RawQuery = query.Encode()
	}
	return strings.ReplaceAll(u.String(), ":hidden@", ":"+hidden+"@")
}
