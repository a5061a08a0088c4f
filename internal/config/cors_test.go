package config

import (
	"strings"
	"testing"

	"latchkey/internal/cors"
)

// What is allowed where nothing is said: in development whatever this machine serves, elsewhere nothing.
func TestCrossOrigin(t *testing.T) {
	middleware := "MIDDLEWARE: [" + corsMiddleware + "]\n"
	for _, test := range []struct {
		text          string
		enabled, open bool // whether an answer is made at all, and whether this machine's pages are allowed
	}{
		{"development: true\n", true, true},
		{"development: true\nCORS_ALLOWED_ORIGINS: []\n", false, false},
		{"development: true\nCORS_ALLOWED_ORIGINS: ['https://app.example.com']\n", true, false},
		{"development: true\nMIDDLEWARE: []\n", false, false},
		{secretLine, false, false},
		{secretLine + "CORS_ALLOWED_ORIGINS: ['https://app.example.com']\n", true, false},
		{secretLine + "CORS_ALLOW_CREDENTIALS: true\n", false, false},
		{secretLine + middleware, true, false},
		{secretLine + middleware + "CORS_ALLOW_ALL_ORIGINS: true\n", true, false},
	} {
		c, err := Load(Options{File: write(t, test.text)})
		if err != nil {
			t.Fatal(err)
		}
		if c.CrossOrigin() != test.enabled || (len(c.CORS.AllowedOriginRegexes) > 0) != test.open {
			t.Errorf("%s: got %t with %q", test.text, c.CrossOrigin(), c.CORS.AllowedOriginRegexes)
		}
	}
	here, err := cors.Pattern(developmentOrigins)
	if err != nil || cors.TrapsOf(developmentOrigins) != (cors.Traps{}) {
		t.Fatalf("%v, %+v", err, cors.TrapsOf(developmentOrigins))
	}
	for origin, want := range map[string]bool{
		"http://localhost:3000": true, "http://localhost": true, "https://localhost:5173": true, "http://127.0.0.1:8080": true, "http://[::1]:3000": true,
		"http://shop.localhost:3000": true, "http://localhost.evil.example": false, "http://localhost:3000.evil.example": false, "http://evil-localhost": false,
		"http://127.0.0.1.evil.example": false, "http://1270001": false, "null": false, "file://": false, "https://evil.example": false,
	} {
		if here.MatchString(origin) != want {
			t.Errorf("%s: got %t", origin, !want)
		}
	}
}

func TestCORSRisks(t *testing.T) {
	c, err := Load(Options{File: write(t, secretLine+"profile: exact\nCORS_ALLOW_ALL_ORIGINS: true\nCORS_ALLOW_CREDENTIALS: true\nCORS_ALLOWED_ORIGINS: ['null']\n"+
		"CORS_ALLOWED_ORIGIN_REGEXES: ['^https://app.example\\.com']\n")})
	if err != nil {
		t.Fatal(err)
	}
	risks := strings.Join(c.Risks(), "\n")
	for _, want := range []string{"CORS_ALLOW_ALL_ORIGINS is on with", "CORS_ALLOWED_ORIGINS has null", "does not end in $", "has a dot without a backslash"} {
		if !strings.Contains(risks, want) {
			t.Errorf("the risks do not say %q", want)
		}
	}
}
