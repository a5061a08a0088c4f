package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"latchkey/internal/account"
)

const envPrefix = "LATCHKEY_"

// fileVariable names the settings file in the environment; it is no setting.
const fileVariable = envPrefix + "CONFIG"

// testVariables belong to the tests of this repository.
const testVariables = envPrefix + "TEST_"

// bindEnvironment lays the LATCHKEY_ variables over the settings. Two underscores in a row lead into a section.
func (b *binder) bindEnvironment(root reflect.Value, env []string) {
	given := map[string]string{}
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix) && name != fileVariable && !strings.HasPrefix(name, testVariables) {
			given[name] = value // of two variables of one name the last counts, as for os/exec
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		b.source = "environment " + name
		b.override(root, strings.Split(strings.TrimPrefix(name, envPrefix), "__"), given[name])
	}
}

// bindFlags lays flags over the settings, whose keys are dotted: DJOSER.LOGIN_FIELD.
func (b *binder) bindFlags(root reflect.Value, flags map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		b.source = "flag --" + name
		b.override(root, strings.Split(name, "."), flags[name])
	}
}

// override follows path, whose names are compared without case, to one setting and gives it a value: a text as it stands where a
// text is wanted, else read as YAML.
func (b *binder) override(v reflect.Value, path []string, value string) {
	key := ""
	for i, name := range path {
		last := i == len(path)-1
		if v.Kind() == reflect.Map {
			if last {
				b.overrideEntry(v, key, name, value)
				return
			}
			break
		}
		if v.Kind() != reflect.Struct {
			break
		}
		next, canonical, family := find(fieldsOf(v), name)
		switch {
		case !next.IsValid():
			b.bad(origin{source: b.source}, join(key, strings.Join(path[i:], ".")), "no such setting", hint(key, strings.ToUpper(name), fieldsOf(v)))
			return
		case family && last:
			b.overrideEntry(next, key, canonical, value)
			return
		case last:
			b.overrideValue(next, join(key, canonical), value)
			return
		}
		v, key = next, join(key, canonical)
	}
	b.bad(origin{source: b.source}, strings.Join(path, "."), "no such setting", "set the whole of "+key+" instead")
}

// find is the field that a name means. The first whose name is the same without case wins, so that LATCHKEY_SECRET_KEY is secret_key.
// For one of a family, such as ACCOUNT_EMAIL_VERIFICATION, it is the map of the family.
func find(fields []field, name string) (v reflect.Value, canonical string, family bool) {
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			return f.value, f.name, false
		}
	}
	for _, f := range fields {
		prefix, ok := strings.CutSuffix(f.name, "*")
		if ok && strings.HasPrefix(strings.ToUpper(name), prefix) {
			return f.value, strings.ToUpper(name), true
		}
	}
	return reflect.Value{}, "", false
}

// overrideEntry gives one entry of a map its value. Names of other projects' settings are in upper case, all others in lower.
func (b *binder) overrideEntry(v reflect.Value, section, name, value string) {
	name = strings.ToLower(name)
	family := familyOf(section)
	if v.Type() == reflect.TypeFor[Given]() {
		name = strings.ToUpper(name)
		if prefix, _, ok := strings.Cut(name, "_"); ok && family == nil {
			family = familyOf(prefix + "_*")
		}
	}
	key := join(section, name)
	if family != nil && !slices.Contains(family, name) {
		b.bad(origin{source: b.source}, key, "no such setting", familyHint(section, name, family))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	target := reflect.New(v.Type().Elem()).Elem()
	b.overrideValue(target, key, value)
	v.SetMapIndex(reflect.ValueOf(name), target)
}

// overrideValue gives a setting the value of a variable or a flag.
func (b *binder) overrideValue(v reflect.Value, key, value string) {
	b.origins[key] = origin{source: b.source}
	switch v.Addr().Interface().(type) {
	case *SameSite, *account.Verification, *account.Prevention: // texts that can be true or false too
	default:
		if v.Kind() == reflect.String {
			v.SetString(value)
			return
		}
	}
	if text, ok := v.Addr().Interface().(**string); ok && value != "null" {
		*text = &value
		return
	}
	if len(value) > maxFile {
		b.bad(origin{source: b.source}, key, "the value is too long", "")
		return
	}
	node, problem := parse(value)
	switch {
	case problem != nil:
		b.bad(origin{source: b.source}, key, problem.Message, "write it as in a file, on one line: [a, b] for a list")
	case node == nil:
		b.bad(origin{source: b.source}, key, "the value is empty", "write "+article(v.Type())+", or null")
	default:
		clear(b.anchors)
		b.bind(v, node, key)
	}
}
