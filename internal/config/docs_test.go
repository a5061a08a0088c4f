package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/tokens"
)

//go:generate go test . -run ^TestDocumentation$ -args -update

var update = flag.Bool("update", false, "write the tables of docs/configuration.md anew")

const documentation = "../../docs/configuration.md"

// The heads of the generated tables: of settings, and of names that are only taken.
const (
	settingsHead = "| setting | type | default | effect |\n|---|---|---|---|\n"
	namesHead    = "| settings | |\n|---|---|\n"
)

// A documented setting is a row of a table.
type documented struct{ key, row string }

// TestDocumentation makes the tables of docs/configuration.md from the settings and compares: names, types and defaults are the code's, and what a setting does
// is the comment of its field, up to an empty line. A field without a comment shares that of the field above it. What stands around the tables is written by hand.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	settings, names := document(t)
	written := map[string]bool{}
	text := string(data)
	headings := regexp.MustCompile("(?m)^## (.*)\n").FindAllStringSubmatchIndex(text, -1)
	var titles []string
	for _, at := range headings {
		titles = append(titles, strings.Trim(text[at[2]:at[3]], "`"))
	}
	var b strings.Builder
	b.WriteString(text[:headings[0][0]])
	for i, at := range headings {
		end := len(text)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		section := text[at[0]:end]
		var rows strings.Builder
		for _, s := range settings {
			if heading(s.key, titles) != titles[i] {
				continue
			}
			written[s.key] = true
			name := strings.TrimPrefix(s.key, titles[i]+".")
			if family, ok := strings.CutSuffix(titles[i], "*"); ok {
				name = strings.TrimPrefix(name, family)
			}
			rows.WriteString("| `" + name + "` | " + s.row + "\n")
		}
		section = table(t, section, settingsHead, rows.String())
		section = table(t, section, namesHead, names[titles[i]])
		b.WriteString(section)
	}
	for _, s := range settings {
		if !written[s.key] {
			t.Errorf("%s has no heading to stand under", s.key)
		}
	}
	if *update {
		if err := os.WriteFile(documentation, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := b.String(); text != want {
		for got, want := strings.Split(text, "\n"), strings.Split(want, "\n"); len(want) > 0; got, want = got[1:], want[1:] {
			if len(got) == 0 || got[0] != want[0] {
				t.Fatalf("docs/configuration.md is not what the settings are: run go generate ./internal/config. The first line that differs should be\n%s", want[0])
			}
		}
		t.Fatal("docs/configuration.md goes on where the settings end: run go generate ./internal/config")
	}
}

// heading is the title that a setting stands under: that of its section, of its family, else Django's or Latchkey's own.
func heading(key string, titles []string) string {
	if section := key[:max(strings.LastIndexByte(key, '.'), 0)]; slices.Contains(titles, section) {
		return section
	}
	for _, title := range titles {
		if family, ok := strings.CutSuffix(title, "*"); ok && strings.HasPrefix(key, family) {
			return title
		}
	}
	if key == strings.ToUpper(key) && !strings.Contains(key, ".") {
		return "Django"
	}
	if key == strings.ToLower(key) {
		return "Latchkey's own"
	}
	return ""
}

// table puts rows where a section has a table with this head.
func table(t *testing.T, section, head, rows string) string {
	t.Helper()
	before, after, found := strings.Cut(section, head)
	if found != (rows != "") {
		title, _, _ := strings.Cut(section, "\n")
		t.Errorf("%s: there are rows %t, and the head of a table %t:\n%s", title, rows != "", found, head)
	}
	if !found {
		return section
	}
	for strings.HasPrefix(after, "|") {
		_, after, _ = strings.Cut(after, "\n")
	}
	return before + head + rows + after
}

// document lists all settings as rows, and the names of each family that are only taken.
func document(t *testing.T) (settings []documented, names map[string]string) {
	t.Helper()
	comments := comments{packages: map[string]map[string]string{}}
	names = map[string]string{}
	var walk func(v reflect.Value, section string)
	walk = func(v reflect.Value, section string) {
		for _, f := range fieldsOf(v) {
			key := join(section, f.name)
			switch {
			case f.value.Kind() == reflect.Struct && f.value.Type() != reflect.TypeFor[tokens.Audience]():
				walk(f.value, key)
			case f.value.Type() == reflect.TypeFor[Given]():
				for some := range slices.Chunk(familyOf(f.name), 5) {
					short := make([]string, len(some))
					for i, name := range some {
						short[i] = strings.TrimPrefix(name, strings.TrimSuffix(f.name, "*"))
					}
					names[f.name] += "| `" + strings.Join(short, ", ") + "` | " + comments.of(t, f) + " |\n"
				}
			default:
				what := strings.TrimPrefix(strings.TrimPrefix(article(f.value.Type()), "a "), "an ")
				settings = append(settings, documented{key: key, row: fmt.Sprintf("%s | %s | %s |", what, shownDefault(f.value), comments.of(t, f))})
			}
		}
	}
	walk(reflect.ValueOf(Default()).Elem(), "")
	return settings, names
}

// shownDefault is a default for the table. Long lists are written below it.
func shownDefault(v reflect.Value) string {
	if v.Kind() == reflect.Slice && v.Len() > 2 {
		return "below"
	}
	switch value := show(v.Interface()); value {
	case `""`, "null", "[]":
		return "none"
	default:
		return "`" + value + "`"
	}
}

// comments reads what stands in the code above the fields of settings.
type comments struct {
	packages map[string]map[string]string // by package and Type.Field
}

// of is the comment of a setting's field.
func (c comments) of(t *testing.T, f field) string {
	t.Helper()
	path := f.of.PkgPath()
	if c.packages[path] == nil {
		c.packages[path] = c.read(t, filepath.Join("../..", strings.TrimPrefix(path, "latchkey/")))
	}
	comment := c.packages[path][f.of.Name()+"."+f.declared]
	if comment == "" {
		t.Errorf("%s.%s.%s has no comment that says what the setting does", path, f.of.Name(), f.declared)
	}
	return comment
}

// read finds the comments of the fields of all structs in a folder.
func (c comments) read(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			body, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			comment := ""
			for _, f := range body.Fields.List {
				if f.Doc != nil {
					comment, _, _ = strings.Cut(f.Doc.Text(), "\n\n")
					comment = strings.Join(strings.Fields(comment), " ")
				}
				for _, name := range f.Names {
					found[spec.Name.Name+"."+name.Name] = comment
				}
			}
			return false
		})
	}
	return found
}
