package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	mention = regexp.MustCompile("`(?:\\./)?latchkey ([^`]+)`")
)

// TestMentionedCommands looks whether the commands that documents mention in passing are such: what they show in blocks is run by test/.
func TestMentionedCommands(t *testing.T) {
	s := newShell(t)
	for _, name := range []string{"latchkey.yaml", "FILE"} {
		s.write(name, goodSecret)
	}
	seen := map[string]bool{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md", "../../examples/*/README.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range mention.FindAllSubmatch(fenced.ReplaceAll(text, nil), -1) {
				command, _, _ := strings.Cut(string(found[1]), " |") // what it is piped into is another program's
				if !seen[command] {
					seen[command] = true
					words := strings.Fields(command)
					if last := len(words) - 1; words[last] == "…" && !strings.HasPrefix(words[last-1], "--") {
						words = words[:last] // for any of the commands
					}
					out, problems := s.run(0, "", append(words, "--help")...)
					if !strings.HasPrefix(out, "Usage: latchkey ") {
						t.Errorf("%s: latchkey %s: %s%s", path, command, out, problems)
					}
				}
			}
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d commands are mentioned", len(seen))
	}
}
