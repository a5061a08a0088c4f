package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// texts are all that stands in quotes in the program's code, with an ellipsis for what is put in.
func texts(t *testing.T) (list []string) {
	t.Helper()
	var join func(e ast.Expr) (string, bool)
	join = func(e ast.Expr) (string, bool) {
		switch e := e.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(e.Value)
			return text, err == nil && e.Kind == token.STRING
		case *ast.BinaryExpr:
			left, one := join(e.X)
			right, other := join(e.Y)
			if !one {
				left = "…"
			}
			if !other {
				right = "…"
			}
			return left + right, one || other
		}
		return "", false
	}
	hole := regexp.MustCompile(`%(\[\d\])?[a-z]|\{[a-z_]+\}`)
	for _, root := range []string{"../cmd", "../internal"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if !ok {
					return true
				}
				text, ok := join(e)
				if ok {
					list = append(list, hole.ReplaceAllString(text, "…"))
				}
				return !ok
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// notOurs are messages that others print.
var notOurs = []string{"has been blocked by CORS policy", "This Set-Cookie was blocked"}

// TestTroubleshooting looks whether the program still says what docs/troubleshooting.md explains.
func TestTroubleshooting(t *testing.T) {
	known := texts(t)
	headings := regexp.MustCompile("(?m)^### (.*)$").FindAllStringSubmatch(string(readFile(t, "../docs/troubleshooting.md")), -1)
	if len(headings) < 30 {
		t.Fatalf("only %d messages are explained", len(headings))
	}
	for _, heading := range headings {
		messages := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(heading[1], -1)
		if len(messages) == 0 {
			t.Errorf("%s is no message", heading[1])
		}
		for _, found := range messages {
			message := found[1]
			says := func(text string) bool { return strings.Contains(text, message) }
			if !slices.Contains(notOurs, message) && !slices.ContainsFunc(known, says) {
				t.Errorf("nothing in the program says %q", message)
			}
		}
	}
}

var relativeLink = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)\s]*)?\)`)

// TestDocumentedLinks looks whether what the documents lead to is there.
func TestDocumentedLinks(t *testing.T) {
	for _, document := range append(documents(t), "../ARCHITECTURE.md", "../CONTRIBUTING.md", "../SECURITY.md", "../CHANGELOG.md") {
		for _, found := range relativeLink.FindAllStringSubmatch(string(readFile(t, document)), -1) {
			target := filepath.Join(filepath.Dir(document), found[1])
			if matches, err := filepath.Glob(target); err != nil || len(matches) != 1 {
				t.Errorf("%s leads to %s, which is not there", document, found[1])
			}
		}
	}
}
