package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/config"
)

// The script is complete as it is printed: it knows the settings of this Latchkey, and whether to print secrets. test/beside runs it.
func TestDjangoSettings(t *testing.T) {
	s := newShell(t)
	for _, test := range []struct {
		args    []string
		secrets string
	}{{nil, "WITH_SECRETS = False\n"}, {[]string{"--with-secrets"}, "WITH_SECRETS = True\n"}} {
		script, problems := s.run(0, "", append([]string{"django-settings"}, test.args...)...)
		if problems != "" || strings.Contains(script, "{{") || !strings.Contains(script, test.secrets) {
			t.Errorf("%v: %s%s", test.args, problems, script)
		}
		_, rest, _ := strings.Cut(script, "json.loads(r'''")
		text, _, _ := strings.Cut(rest, "''')\n")
		var known config.Known
		if err := json.Unmarshal([]byte(text), &known); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if !slices.Contains(known.Settings["DJOSER"], "LOGIN_FIELD") || known.Classes["EMAIL_BACKEND"] == nil {
			t.Errorf("the script knows %s", text)
		}
	}
}
