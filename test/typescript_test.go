package test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// typescriptSettings make dj-rest-auth answer with tokens in bodies, to users whose address is confirmed.
const typescriptSettings = `
development: true
mounts: [{path: /api/auth, dialect: dj-rest-auth}]
REST_AUTH: {USE_JWT: true, JWT_AUTH_HTTPONLY: false, OLD_PASSWORD_FIELD_ENABLED: true}
SIMPLE_JWT: {ROTATE_REFRESH_TOKENS: true, BLACKLIST_AFTER_ROTATION: true}
ACCOUNT_EMAIL_VERIFICATION: mandatory
`

// TestTypeScriptClient generates a client from the program's document, type-checks what uses it strictly, and runs that against the program.
func TestTypeScriptClient(t *testing.T) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			const notice = "this test needs Node.js: install the packages nodejs and npm: %v"
			if os.Getenv("CI") != "" {
				t.Fatalf(notice, err)
			}
			t.Skipf(notice, err)
		}
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "latchkey.yaml"), []byte(typescriptSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, folder, freeAddress(t), "--config", "latchkey.yaml")
	p.ready()

	work := filepath.Join(folder, "typescript")
	if err := os.CopyFS(work, os.DirFS("typescript")); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(p.base + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	document, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(work, "openapi.json"), document, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"},
		{"npm", "run", "generate"},
		{"npm", "run", "build"},
		{"node", "built/drive.js", p.base},
	} {
		run := exec.Command(command[0], command[1:]...)
		run.Dir = work
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
}
