package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/tokens"
)

// documented lists what docs/configuration.md must say of every setting: key, type and default.
func documented() map[string]string {
	list := map[string]string{}
	var walk func(v reflect.Value, section string)
	walk = func(v reflect.Value, section string) {
		for _, f := range fieldsOf(v) {
			key := join(section, f.name)
			switch {
			case f.value.Kind() == reflect.Struct && f.value.Type() != reflect.TypeFor[tokens.Audience]():
				walk(f.value, key)
			case f.value.Type() == reflect.TypeFor[Given]():
				for _, name := range familyOf(f.name) {
					if f.name == "REST_AUTH" {
						name = join(key, name)
					}
					list[name] = ""
				}
			default:
				value := show(f.value.Interface())
				if value == `""` || value == "null" || value == "[]" {
					value = "none"
				} else {
					value = "`" + value + "`"
				}
				if f.value.Kind() == reflect.Slice && f.value.Len() > 2 {
					value = "below"
				}
				list[key] = strings.TrimPrefix(strings.TrimPrefix(article(f.value.Type()), "a "), "an ") + " | " + value
			}
		}
	}
	walk(reflect.ValueOf(Default()).Elem(), "")
	return list
}

var tableRow = regexp.MustCompile("^\\| `([^`]+)` \\| (.+?) \\|$")

// TestDocumentation compares the tables of docs/configuration.md with the settings that there are, both ways.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	want := documented()
	seen := map[string]bool{}
	section, family := "", ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section, family = "", ""
			if name := strings.Trim(heading, "`"); name != heading {
				section = name
			}
			if prefix, ok := strings.CutSuffix(section, "*"); ok {
				section, family = "", prefix
			}
		}
		row := tableRow.FindStringSubmatch(line)
		if row == nil {
			continue
		}
		for name := range strings.SplitSeq(row[1], ", ") {
			key := family + join(section, name)
			facts, known := want[key]
			switch {
			case !known:
				t.Errorf("%s is documented and does not exist", key)
			case seen[key]:
				t.Errorf("%s is documented twice", key)
			case facts != "" && !strings.HasPrefix(row[2], facts+" | "):
				t.Errorf("%s: %q\nwant  %q", key, row[2], facts)
			}
			seen[key] = true
		}
	}
	for key := range want {
		if !seen[key] {
			t.Errorf("%s is not documented", key)
		}
	}
}
