package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// documentedAddress is where the documents say that the program listens.
const documentedAddress = "127.0.0.1:8000"

// A documented request is a sh block that begins with curl, and the text block behind it: the status and the body, in which … stands for
// anything. The body may go on in indented lines.
type documented struct {
	line            int
	command, answer string
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// readRequests finds the requests of a document. What stands in sh blocks without curl is for people: starting the program, copying a token.
func readRequests(t *testing.T, path string) []documented {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []documented
	for _, at := range fence.FindAllSubmatchIndex(data, -1) {
		language, text := string(data[at[2]:at[3]]), string(data[at[4]:at[5]])
		line := 1 + bytes.Count(data[:at[0]], []byte("\n"))
		waiting := len(all) > 0 && all[len(all)-1].answer == ""
		switch {
		case language == "sh" && strings.HasPrefix(text, "curl "):
			if waiting {
				t.Fatalf("%s:%d: the request before this one has no answer", path, line)
			}
			all = append(all, documented{line: line, command: text})
		case language == "text" && waiting:
			all[len(all)-1].answer = strings.TrimSpace(text)
		}
	}
	if len(all) == 0 || all[len(all)-1].answer == "" {
		t.Fatalf("%s: there is no request, or the last has no answer", path)
	}
	return all
}

// pattern is the documented answer as a regular expression.
func (d documented) pattern(address string) *regexp.Regexp {
	text := strings.ReplaceAll(d.answer, documentedAddress, address)
	text = regexp.MustCompile(`\n\s+`).ReplaceAllString(text, "")
	text = strings.ReplaceAll(regexp.QuoteMeta(text), ",…", ",.*") // members that are left out
	text = strings.ReplaceAll(text, "…", `(?:[^"\\]|\\.)*`)        // the rest of a text
	return regexp.MustCompile("(?s)^" + text + "$")
}

// curl is what the documents' curl is while they are played: the real one, but it says the status before the body.
const curl = `curl() {
	answer=$(command curl --silent --show-error --noproxy '*' --max-time 60 --write-out '\n%{http_code}' "$@") || return
	status=${answer##*
}
	printf '%s %s' "$status" "${answer%?"$status"}"
}
`

// A reader follows a document: sends its requests in order and copies what later ones need.
type reader struct {
	program *program
	values  []string          // NAME=value, as the shell's environment
	also    map[string]string // where other programs of the document listen, by where it says
}

// play sends all requests of a document and compares the answers.
func (r *reader) play(t *testing.T, path string) {
	t.Helper()
	for _, d := range readRequests(t, path) {
		want := d.pattern(strings.TrimPrefix(r.program.base, "http://"))
		got := r.run(t, d.command)
		// Mail comes when it comes.
		for end := time.Now().Add(20 * time.Second); strings.Contains(d.command, "/dev/mail") && !want.MatchString(got) && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
			got = r.run(t, d.command)
		}
		if !want.MatchString(got) {
			t.Fatalf("%s:%d: %s\ngot  %s\nwant %s", path, d.line, d.command, got, d.answer)
		}
		r.copy(got)
	}
}

// run runs a command in the shell, as a reader who pastes it.
func (r *reader) run(t *testing.T, command string) string {
	t.Helper()
	script := curl + strings.ReplaceAll(command, documentedAddress, strings.TrimPrefix(r.program.base, "http://"))
	for documented, address := range r.also {
		script = strings.ReplaceAll(script, documented, address)
	}
	shell := exec.Command("sh", "-u", "-c", script)
	shell.Env = append(os.Environ(), r.values...)
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// copy keeps what the documents tell their reader to copy: the texts of an answer under their names in capitals, and of the newest mail
// the end of its link, as TOKEN.
func (r *reader) copy(answer string) {
	_, body, _ := strings.Cut(answer, " ")
	var object map[string]any
	var mails []struct{ Links []string }
	if json.Unmarshal([]byte(body), &object) == nil {
		for name, value := range object {
			if text, ok := value.(string); ok {
				r.values = append(r.values, strings.ToUpper(name)+"="+text)
			}
		}
	}
	if json.Unmarshal([]byte(body), &mails) == nil && len(mails) > 0 && len(mails[0].Links) > 0 {
		link := mails[0].Links[0]
		r.values = append(r.values, "TOKEN="+link[strings.LastIndexByte(link, '/')+1:])
	}
}

// needCurl skips a test where there is no curl, but fails it if CI is set.
func needCurl(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no curl")
	}
}

// TestDocuments plays the requests of the README, of the documents and of the examples' against the program, started as they say.
func TestDocuments(t *testing.T) {
	needCurl(t)
	for _, document := range []struct{ path, config string }{
		{"../README.md", ""},
		{"../docs/openapi.md", ""},
		{"../examples/email-login/README.md", "../examples/email-login/latchkey.yaml"},
		{"../examples/username-login/README.md", "../examples/username-login/latchkey.yaml"},
		{"../examples/register-login-refresh/README.md", "../examples/register-login-refresh/latchkey.yaml"},
		{"../examples/dj-rest-auth/README.md", "../examples/dj-rest-auth/latchkey.yaml"},
	} {
		play := func(t *testing.T, args ...string) {
			p := launch(t, t.TempDir(), freeAddress(t), args...)
			p.ready()
			(&reader{program: p}).play(t, document.path)
			p.terminate()
		}
		t.Run(strings.TrimPrefix(document.path, "../"), func(t *testing.T) {
			if document.config == "" { // to name a database would end development mode
				play(t)
				return
			}
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				play(t, "--config", absolute(t, document.config), "--database", url)
			})
		})
	}
}

// TestDocumentedSettings checks the yaml blocks of the documents, with a secret key where they show none.
func TestDocumentedSettings(t *testing.T) {
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../README.md", "../docs/running.md", "../docs/pages.md"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := 0
		for _, block := range fence.FindAllSubmatch(data, -1) {
			if string(block[1]) != "yaml" {
				continue
			}
			blocks++
			file := filepath.Join(t.TempDir(), "latchkey.yaml")
			if err := os.WriteFile(file, bytes.ReplaceAll(block[2], []byte("…"), []byte(secretKey)), 0o600); err != nil {
				t.Fatal(err)
			}
			check := exec.Command(program, "config", "check", file)
			check.Env = append(os.Environ(), "LATCHKEY_SECRET_KEY="+secretKey)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s\n%s", path, err, block[2], out)
			}
		}
		if blocks == 0 {
			t.Errorf("%s has no yaml block", path)
		}
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	whole, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

var documentedFile = regexp.MustCompile(`--config (\S+)`)

// TestDocumentedFiles looks whether every configuration that a document starts the program with is there.
func TestDocumentedFiles(t *testing.T) {
	examples, err := filepath.Glob("../examples/*/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(examples, "../README.md") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range documentedFile.FindAllSubmatch(data, -1) {
			if name := string(found[1]); strings.HasPrefix(name, "examples/") {
				if _, err := os.Stat(filepath.Join("..", name)); err != nil {
					t.Error(fmt.Errorf("%s: %w", path, err))
				}
			}
		}
	}
}
