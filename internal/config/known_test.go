package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every name that Describe promises is one that settings may hold.
func TestDescribe(t *testing.T) {
	k := Describe()
	for section, names := range k.Settings {
		if once := slices.Compact(slices.Sorted(slices.Values(names))); len(once) != len(names) {
			t.Errorf("%q has a name twice: %v", section, names)
		}
	}
	for _, want := range []string{"TIME_ZONE", "DJOSER", "ACCOUNT_EMAIL_VERIFICATION", "ACCOUNT_FORMS", "EMAIL_HOST"} {
		if !slices.Contains(k.Settings[""], want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, want := range []string{"DJOSER.PERMISSIONS", "DJOSER.EMAIL", "SIMPLE_JWT", "REST_FRAMEWORK", "REST_AUTH"} {
		if len(k.Settings[want]) == 0 {
			t.Errorf("the section %s is missing", want)
		}
	}
	for key, classes := range k.Classes {
		section, name := "", key
		if i := strings.LastIndexByte(key, '.'); i >= 0 {
			section, name = key[:i], key[i+1:]
		}
		if !slices.Contains(k.Settings[section], name) {
			t.Errorf("%s is no setting", key)
			continue
		}
		for _, class := range classes {
			if err := accepts(section, name, class); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

// accepts loads a file in which one setting is a class, or the list of it.
func accepts(section, name, class string) error {
	var value any = class
	switch {
	case name == "AUTH_PASSWORD_VALIDATORS":
		value = []any{map[string]any{"NAME": class}}
	case name == "AUTHENTICATION_BACKENDS" || name == "PASSWORD_HASHERS" || strings.HasSuffix(name, "_CLASSES") || section == "DJOSER.PERMISSIONS":
		value = []any{class}
	}
	tree := map[string]any{name: value}
	if name == "EMAIL_BACKEND" {
		tree["EMAIL_FILE_PATH"] = "mail"
	}
	if class == browsableRenderer {
		tree[name] = []any{jsonRenderer, class}
	}
	for part := range strings.SplitSeq(strings.Join(reversed(section), "."), ".") {
		if part != "" {
			tree = map[string]any{part: tree}
		}
	}
	tree["secret_key"] = strings.Repeat("k", 50)
	tree["development"] = class == mailBackends[3]
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	if _, err := load(Options{File: "test.yaml"}, text); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	return nil
}

// reversed is the sections of a key, innermost first.
func reversed(section string) []string {
	parts := strings.Split(section, ".")
	slices.Reverse(parts)
	return parts
}
