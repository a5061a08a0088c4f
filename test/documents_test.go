package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// documentedAddress is where the documents say that the program listens.
const documentedAddress = "127.0.0.1:8000"

// Other names that stand in the documents for what a test puts in their place.
const (
	documentedDatabase = "postgres://app@db/app"
	documentedProgram  = "go run ./cmd/latchkey"
)

// A block is a fenced part of a document, with the language and the file that its first line names.
type block struct {
	line           int
	language, file string
	text           string
}

var fence = regexp.MustCompile("(?ms)^( *)```(\\w+) ?(\\S*)\n(.*?)^ *```$")

// readBlocks finds the blocks of a document.
func readBlocks(t *testing.T, path string) (blocks []block) {
	t.Helper()
	data := string(readFile(t, path))
	for _, at := range fence.FindAllStringSubmatchIndex(data, -1) {
		indent, text := data[at[2]:at[3]], data[at[8]:at[9]]
		text = strings.ReplaceAll("\n"+text, "\n"+indent, "\n")[1:]
		blocks = append(blocks, block{1 + strings.Count(data[:at[0]], "\n"), data[at[4]:at[5]], data[at[6]:at[7]], text})
	}
	return blocks
}

// excused are the commands of the documents that no test can run as they stand, with the reason. Their grammar is checked all the same.
var excused = map[string]string{
	"go test ./...                 # the tests, which need nothing else either": "this test is one of them",
	"systemctl daemon-reload":                            "systemd does not run here; TestUnit has it look at the unit",
	"systemctl enable --now latchkey":                    "systemd does not run here",
	"journalctl -u latchkey":                             "systemd does not run here",
	"docker build -f deploy/Containerfile -t latchkey .": "it loads an image from the network; TestContainer does what the file says",
	"docker run -d --read-only --cap-drop ALL -p 127.0.0.1:8000:8000 -v latchkey:/var/lib/latchkey --env-file /etc/latchkey/secrets latchkey": "TestContainer runs what is in the image",
	"latchkey django-settings | python manage.py shell -v 0 > latchkey.yaml":                                                                  "it needs a Django project: test/beside runs it in two",
	"go run ./examples/go/shop -config examples/go/latchkey.yaml     # http://127.0.0.1:8000":                                                 "TestGoExample builds and starts it",
	"go run ./examples/go/orders                                     # http://127.0.0.1:8001":                                                 "TestGoExample builds and starts it",
	"go mod edit -require latchkey@v0.0.0 -replace latchkey=../latchkey":                                                                      "it changes a module that is the reader's own",
	"go mod tidy": "it changes a module that is the reader's own",
	"npx @hey-api/openapi-ts --input http://127.0.0.1:8000/openapi.json --output client": "it fetches a program; TestTypeScriptClient has it pinned",
	"latchkey webhook replay 17 18        # tells those again; --all tells all":          "there are no such messages",
}

// A reader follows a document: writes its files, starts what it starts, sends its requests, runs its commands and copies what later ones need.
type reader struct {
	t        *testing.T
	document string
	folder   string   // the working directory
	database string   // where a document names one of its own
	env      []string // NAME=value
	program  *program // what serves, once something does
	also     []string // where other programs of the document listen: where it says, and where they do
	said     string   // by the last command
	asked    string   // that command, as long as nothing is said of its answer
}

// open gives a document to a new reader.
func open(t *testing.T, document, database string) *reader {
	t.Helper()
	r := &reader{t: t, document: document, folder: t.TempDir(), database: database}
	if database == "" { // the one of development mode
		r.database = "sqlite://" + filepath.Join(r.folder, "latchkey.db")
	}
	r.furnish()
	return r
}

// play does all that the document says, from its first block to its last.
func (r *reader) play() {
	r.t.Helper()
	for _, b := range readBlocks(r.t, r.document) {
		where := fmt.Sprintf("%s:%d", r.document, b.line)
		switch {
		case b.file != "":
			r.write(b.file, b.text)
			r.env = append(r.env, "LATCHKEY_SECRET_KEY="+secretKey) // which files leave to the environment
		case b.language == "sh":
			r.follow(where, b.text)
		case b.language == "text" && r.asked != "":
			r.compare(where, b.text)
		}
	}
	if strings.HasPrefix(r.asked, "curl ") {
		r.t.Errorf("%s: there is no answer to %s", r.document, r.asked)
	}
}

// furnish makes the working directory look like a clone of the repository with the program in it, as far as documents look at it.
func (r *reader) furnish() {
	r.t.Helper()
	program, err := build()
	if err != nil {
		r.t.Fatal(err)
	}
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	for _, name := range []string{"examples", "deploy"} {
		must(os.Symlink(absolute(r.t, filepath.Join("..", name)), filepath.Join(r.folder, name)))
	}
	for _, name := range []string{"bin", "etc/latchkey", "etc/systemd/system", "usr/local/bin", "var/backups"} {
		must(os.MkdirAll(filepath.Join(r.folder, name), 0o755))
	}
	must(os.Symlink(program, filepath.Join(r.folder, "bin/latchkey")))
	// Examples tell how their own file goes live, which is without development mode.
	own, err := os.ReadFile(filepath.Join(filepath.Dir(r.document), "latchkey.yaml"))
	if err == nil {
		r.write("latchkey.yaml", strings.Replace(string(own), "\ndevelopment: true\n", "\n", 1))
	}
	r.env = append(environment(), "PATH="+filepath.Join(r.folder, "bin")+":"+os.Getenv("PATH"))
}

var (
	assignment = regexp.MustCompile(`^([A-Z_]+=\S+ *)+(#.*)?$`)
	serving    = regexp.MustCompile(`\blatchkey serve\b`)
)

// follow does what a sh block says.
func (r *reader) follow(where, text string) {
	r.t.Helper()
	if strings.HasPrefix(r.asked, "curl ") {
		r.t.Fatalf("%s: there is no answer to the request before this one", where)
	}
	if out, err := exec.Command("sh", "-n", "-c", text).CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v\n%s", where, err, out)
	}
	text = strings.TrimSpace(text)
	var todo []string
	for _, line := range strings.Split(strings.ReplaceAll(text, "\\\n", ""), "\n") {
		if excused[line] == "" {
			todo = append(todo, line)
		}
	}
	text = strings.Join(todo, "\n")
	switch script := r.script(text); {
	case text == "", assignment.MatchString(text): // what is to be copied was
	case serving.MatchString(script):
		r.serve(script)
	case strings.Contains(script, "http.server"):
		r.serveFiles(script)
	case strings.HasPrefix(text, "curl "):
		if r.program == nil { // as the README starts it
			r.serve("latchkey serve")
		}
		r.asked, r.said = text, r.run(where, r.script(text))
		r.copy(r.said)
	default:
		r.asked, r.said = text, r.run(where, script)
	}
}

// script is a command with what a test puts in the place of what the documents name.
func (r *reader) script(text string) string {
	address := documentedAddress
	if r.program != nil {
		address = strings.TrimPrefix(r.program.base, "http://")
	}
	pairs := []string{documentedAddress, address, documentedProgram, "latchkey", "./latchkey", "latchkey", "=… ", "=" + secretKey + " ",
		"go build", "go build -C " + absolute(r.t, "..") + " -o " + filepath.Join(r.folder, "latchkey")}
	pairs = append(pairs, r.also...)
	pairs = append(pairs, documentedDatabase, "'"+r.database+"'")
	pairs = append(pairs, r.places()...)
	return strings.NewReplacer(pairs...).Replace(text)
}

// places are the folders of a machine and those that stand for them.
func (r *reader) places() (pairs []string) {
	for _, name := range []string{"/etc/latchkey", "/etc/systemd/system", "/usr/local/bin", "/var/backups"} {
		pairs = append(pairs, name, filepath.Join(r.folder, name))
	}
	return append(pairs, "/var/lib/latchkey", r.folder)
}

// write writes a file of the document, with secrets in the place of ellipses.
func (r *reader) write(name, text string) string {
	r.t.Helper()
	pairs := append(r.places(), "whsec_…", "whsec_"+base64.StdEncoding.EncodeToString([]byte(secretKey)), "…", secretKey)
	path := filepath.Join(r.folder, name)
	if err := os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(text)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// serve starts the program, in the place of one that runs.
func (r *reader) serve(script string) {
	r.t.Helper()
	if r.program != nil {
		r.program.terminate()
	}
	listen := freeAddress(r.t)
	cmd := exec.Command("sh", "-c", "exec env "+script)
	cmd.Dir, cmd.Env = r.folder, append(slices.Clone(r.env), "LATCHKEY_LISTEN="+listen)
	if strings.Contains(script, "--config") { // to name a database without one would end development mode
		cmd.Env = append(cmd.Env, "LATCHKEY_DATABASE="+r.database)
	}
	r.program = start(r.t, cmd, "http://"+listen)
	r.program.ready()
}

// serveFiles starts a server of files, looks whether it has an index, and ends it.
func (r *reader) serveFiles(script string) {
	r.t.Helper()
	listen := freeAddress(r.t)
	cmd := exec.Command("sh", "-c", "exec "+strings.Replace(script, " 3000 ", " "+listen[strings.LastIndexByte(listen, ':')+1:]+" ", 1))
	cmd.Dir, cmd.Env = r.folder, r.env
	files := start(r.t, cmd, "http://"+listen)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get(files.base); err == nil {
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				r.t.Errorf("%s: %s", script, answer.Status)
			}
			break
		} else if time.Now().After(end) {
			r.t.Fatalf("%s: %v\n%s", script, err, files.log)
		}
	}
	files.kill()
}

// curl is what the documents' curl is while they are played: the real one, but it says the status before the body.
const curl = `curl() {
	answer=$(command curl --silent --show-error --noproxy '*' --max-time 60 --write-out '\n%{http_code}' "$@") || return
	status=${answer##*
}
	printf '%s %s' "$status" "${answer%?"$status"}"
}
`

// run runs a command in the shell, as a reader who pastes it.
func (r *reader) run(where, script string) string {
	r.t.Helper()
	shell := exec.Command("sh", "-eu", "-c", curl+script)
	shell.Dir, shell.Env = r.folder, r.env
	out, err := shell.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %s: %v\n%s", where, script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// compare compares what was said with the document, in which … stands for anything. A line that is indented goes on the one before it.
func (r *reader) compare(where, answer string) {
	r.t.Helper()
	text := regexp.MustCompile(`\n\s+`).ReplaceAllString(strings.TrimSpace(answer), "")
	text = strings.ReplaceAll(regexp.QuoteMeta(r.script(text)), ",…", ",.*") // members that are left out
	text = strings.ReplaceAll(text, "…", `(?:[^"\\]|\\.)*`)                  // the rest of a text
	want := regexp.MustCompile("(?s)^" + text + "$")
	// Mail comes when it comes.
	for end := time.Now().Add(20 * time.Second); strings.Contains(r.asked, "/dev/mail") && !want.MatchString(r.said) && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		r.said = r.run(where, r.script(r.asked))
		r.copy(r.said)
	}
	if !want.MatchString(r.said) {
		r.t.Fatalf("%s: %s\ngot  %s\nwant %s", where, r.asked, r.said, answer)
	}
	r.asked = ""
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
				r.env = append(r.env, strings.ToUpper(name)+"="+text)
			}
		}
	}
	if json.Unmarshal([]byte(body), &mails) == nil && len(mails) > 0 && len(mails[0].Links) > 0 {
		link := strings.TrimSuffix(mails[0].Links[0], "/")
		r.env = append(r.env, "TOKEN="+link[strings.LastIndexByte(link, '/')+1:])
	}
}

// documents are all that tell people what to do.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"../README.md", "../docs/*.md", "../docs/*/*.md", "../examples/*/README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	return paths
}

// TestDocuments does what the documents say, all of it: their commands are run, their requests sent to the program as they start it, and the answers compared. The
// examples' are played on either database.
func TestDocuments(t *testing.T) {
	for _, name := range []string{"curl", "openssl", "python3", "sqlite3"} {
		needs(t, name)
	}
	seen := map[string]bool{}
	for _, document := range documents(t) {
		commands := 0
		for _, b := range readBlocks(t, document) {
			if b.language == "sh" {
				commands++
			}
			for line := range strings.SplitSeq(b.text, "\n") {
				seen[line] = true
			}
		}
		if commands == 0 || document == goExample {
			continue
		}
		t.Run(strings.TrimPrefix(document, "../"), func(t *testing.T) {
			play := func(t *testing.T, url string) {
				r := open(t, document, url)
				r.run(document, "LATCHKEY_SECRET_KEY="+secretKey+" latchkey migrate --database '"+r.database+"'") // the one that documents name has its tables
				r.play()
				if r.program != nil {
					r.program.terminate()
				}
			}
			if strings.HasPrefix(document, "../examples/") {
				testenv.EachDatabase(t, play)
				return
			}
			play(t, "")
		})
	}
	for line := range excused {
		if !seen[line] {
			t.Errorf("no document says %s any more", line)
		}
	}
}

// TestDocumentedSettings checks the yaml blocks of the documents that are settings, with a secret key where they show none.
func TestDocumentedSettings(t *testing.T) {
	checked := 0
	for _, path := range documents(t) {
		for _, b := range readBlocks(t, path) {
			if b.language != "yaml" || b.file != "" && b.file != "latchkey.yaml" {
				continue
			}
			checked++
			r := open(t, path, "")
			r.write("latchkey.yaml", b.text)
			r.env = append(r.env, "LATCHKEY_SECRET_KEY="+secretKey)
			where := fmt.Sprintf("%s:%d", path, b.line)
			if strings.Contains(b.text, "jwt_keys:") { // the folder is there
				r.run(where, "mkdir keys; latchkey keys rotate --config latchkey.yaml")
			}
			r.run(where, "latchkey config check latchkey.yaml")
		}
	}
	if checked < 5 {
		t.Errorf("there are only %d yaml blocks", checked)
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
