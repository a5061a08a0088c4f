package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hashed is a password column that the password 1311Qwqq!! opens.
const hashed = "pbkdf2_sha256$1$abcdefghijklmnopqrstuv$t+jebxDb1zXTfnZwQyPFP9vZxn04q7R7cfE4RCszy+w="

func TestUserImportAndExport(t *testing.T) {
	s := newShell(t)
	good := s.write("users.csv", "username,email,password\nann,ann@example.com,"+hashed+"\nbob,,\n")
	bad := s.write("bad.csv", "username,email\ncarl,carl@example.com\ndora,nowhere\nann,\n")

	if _, problems := s.run(1, "", "user", "import", good, "--dry-run"); !strings.Contains(problems, "run latchkey migrate first") {
		t.Errorf("a dry run on nothing: %s", problems)
	}
	s.run(0, "", "migrate")
	out, problems := s.run(0, "", "user", "import", good, "--dry-run")
	if out != "users: 2 would be made, 0 would be updated, 0 would be skipped\n" || problems != "" {
		t.Errorf("a dry run: %s%s", out, problems)
	}
	if out, _ := s.run(0, "", "user", "import", good); out != "users: 2 made, 0 updated, 0 skipped\n" {
		t.Errorf("import: %s", out)
	}
	out, problems = s.run(1, "", "user", "import", bad)
	want := "bad.csv:3: email: \"nowhere\" is no e-mail address\n" +
		"bad.csv:4: username: user 1, of the database or an earlier line, has it already\n" +
		"latchkey: 2 lines are wrong, and nothing was written: mend the file, or leave them out with --keep-going\n"
	if out != "" || problems != want {
		t.Errorf("a wrong file: %s%swant\n%s", out, problems, want)
	}
	out, problems = s.run(3, "", "user", "import", bad, "--keep-going")
	if out != "users: 1 made, 0 updated, 0 skipped\n" || !strings.HasSuffix(problems, "latchkey: 2 lines are left out\n") {
		t.Errorf("keeping going: %s%s", out, problems)
	}
	if out, _ := s.run(0, `{"username": "eve"}`, "user", "import", "-", "--format", "jsonl"); out != "users: 1 made, 0 updated, 0 skipped\n" {
		t.Errorf("from standard input: %s", out)
	}
	for args, want := range map[string]string{
		"-":          "the name - does not say what is in the file",
		"none.csv":   "no such file",
		"users.xlsx": "no such file",
	} {
		if _, problems := s.run(1, "", "user", "import", args); !strings.Contains(problems, want) {
			t.Errorf("%s: %s", args, problems)
		}
	}

	out, problems = s.run(0, "", "user", "export")
	if strings.Count(out, "\n") != 5 || !strings.HasPrefix(out, "id,") || strings.Contains(out, "pbkdf2") || problems != "4 users are written\n" {
		t.Errorf("export: %s%s", out, problems)
	}
	s.run(0, "", "user", "export", "out.json", "--with-passwords")
	file := filepath.Join(s.folder, "out.json")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), hashed) {
		t.Errorf("out.json: %s, %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the hashes: %v, %v", info.Mode(), err)
	}
	if _, problems := s.run(1, "", "user", "export", "nowhere/out.csv"); !strings.Contains(problems, "nowhere") {
		t.Errorf("a folder that is not there: %s", problems)
	}
	// what was exported signs the same people in elsewhere
	other := newShell(t)
	if out, _ := other.run(0, "", "user", "import", file); !strings.HasPrefix(out, "users: 4 made, 0 updated, 0 skipped; addresses: ") {
		t.Errorf("import of the export: %s", out)
	}
	if status, body := other.serve().signIn(t, "ann", "1311Qwqq!!"); status != 200 {
		t.Errorf("ann: %d %v", status, body)
	}
}

// TestUserExportOnlyReads exports from a database that Latchkey has never seen.
func TestUserExportOnlyReads(t *testing.T) {
	s := newShell(t)
	if _, problems := s.run(1, "", "user", "export"); !strings.Contains(problems, "there is no such file") {
		t.Errorf("no database: %s", problems)
	}
	if files, err := os.ReadDir(s.folder); err != nil || len(files) != 0 {
		t.Errorf("it left %v, %v", files, err)
	}
}

func TestUserImportOnATerminal(t *testing.T) {
	s := newShell(t)
	var users strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&users, "user%d\n", i)
	}
	s.write("users.csv", "username\n"+users.String())
	said := s.onTerminal(80, "user", "import", "users.csv").all()
	if !strings.Contains(said, "reading users") || !strings.HasSuffix(said, "users: 6000 made, 0 updated, 0 skipped\n") {
		t.Errorf("on a terminal: %q", said)
	}
}
