package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/vorlif/spreak/catalog/po"
	"github.com/vorlif/spreak/catalog/poplural"

	"latchkey/internal/message"
)

const root = "../../.."

// TestCatalogues: whatever people are told in source and templates stands in the template and in every catalogue, and nothing else does.
func TestCatalogues(t *testing.T) {
	files, err := catalogues(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 10 {
		t.Errorf("there are %d catalogues, want the template and nine", len(files))
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the source says: run go generate ./internal/message, and translate what is new", name)
		}
	}
}

// each gives every built-in catalogue.
func each(t *testing.T, fn func(t *testing.T, name string, file *po.File)) {
	t.Helper()
	names, err := filepath.Glob(root + "/internal/message/locale/*/LC_MESSAGES/latchkey.po")
	if err != nil || len(names) == 0 {
		t.Fatalf("no catalogues: %v", err)
	}
	for _, name := range names {
		locale := filepath.Base(filepath.Dir(filepath.Dir(name)))
		t.Run(locale, func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, err := po.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if file.Header.Language != locale {
				t.Errorf("the header's Language is %q", file.Header.Language)
			}
			fn(t, name, file)
		})
	}
}

// TestWhole: English and Russian say everything, and every language what people meet: the mails, the pages, and these.
func TestWhole(t *testing.T) {
	always := []string{
		"This field is required.", "This password is too common.", "A user with that username already exists.", "Request was throttled.",
		"No active account found with the given credentials", "Unable to log in with provided credentials.", "{n} day",
	}
	each(t, func(t *testing.T, _ string, file *po.File) {
		for id, m := range file.Messages[""] {
			met := slices.Contains(always, id) || slices.ContainsFunc(m.Comment.References, func(r *po.Reference) bool { return strings.Contains(r.Path, "/templates/") })
			if m.Str[0] == "" && (met || slices.Contains([]string{"en", "ru"}, file.Header.Language)) {
				t.Errorf("%q is not translated", id)
			}
			if m.Comment.HasFlag("fuzzy") {
				t.Errorf("%q is fuzzy", id)
			}
		}
	})
}

// TestPlaces: a translation has places for the same values as its id, and as many forms as its language.
func TestPlaces(t *testing.T) {
	each(t, func(t *testing.T, _ string, file *po.File) {
		plural, err := poplural.Parse(file.Header.PluralForms)
		if err != nil {
			t.Fatal(err)
		}
		for id, m := range file.Messages[""] {
			if m.Str[0] == "" {
				continue
			}
			want := places(id)
			for i, form := range m.Str {
				if got := places(form); !slices.Equal(got, want) {
					t.Errorf("%q, form %d: %q has the places %v, want %v", id, i, form, got, want)
				}
			}
			forms := 1
			if m.IDPlural != "" {
				forms = plural.NPlurals
			}
			if len(m.Str) != forms || slices.Contains(slices.Collect(maps.Values(m.Str)), "") {
				t.Errorf("%q has the forms %v, want %d", id, m.Str, forms)
			}
		}
	})
}

func places(text string) []string {
	names := message.Placeholders(text)
	slices.Sort(names)
	return slices.Compact(names)
}

// TestForms: 1, 2, 5, 11, 21, 22 and 0 of something, by each language's rule.
func TestForms(t *testing.T) {
	slavic := []int{0, 1, 2, 2, 0, 1, 2}
	want := map[string][]int{"ru": slavic, "uk": slavic, "be": slavic, "fr": {0, 1, 1, 1, 1, 1, 0}, "pt_BR": {0, 1, 1, 1, 1, 1, 0}, "zh_Hans": {0, 0, 0, 0, 0, 0, 0}}
	each(t, func(t *testing.T, _ string, file *po.File) {
		rule := poplural.MustParse(file.Header.PluralForms)
		forms, ok := want[file.Header.Language]
		if !ok {
			forms = []int{0, 1, 1, 1, 1, 1, 1}
		}
		for i, n := range []int64{1, 2, 5, 11, 21, 22, 0} {
			if got := rule.FormFunc(n); got != forms[i] {
				t.Errorf("%d takes form %d, want %d", n, got, forms[i])
			}
		}
	})
}

// TestMsgfmt: gettext itself takes the catalogues.
func TestMsgfmt(t *testing.T) {
	if _, err := exec.LookPath("msgfmt"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("msgfmt is not installed: apt-get install gettext")
		}
		t.Skip("msgfmt is not installed")
	}
	each(t, func(t *testing.T, name string, _ *po.File) {
		if out, err := exec.Command("msgfmt", "--check", "-o", os.DevNull, name).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestMistakes: what cannot be translated is told with its place.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o700); err != nil {
		t.Fatal(err)
	}
	source := "package p\n\nimport \"latchkey/internal/message\"\n\nvar id = \"x\"\n\nvar texts = []*message.Text{\n" +
		"\tmessage.T(id),\n\tmessage.T(\"no {value}\"),\n\tmessage.T(\"no place\", \"value\", 1),\n\tmessage.N(\"one {n}\", \"many {n}\", 2),\n" +
		"\tmessage.T(\"good \" + \"{n}\", \"n\", 1),\n\tmessage.N(\"{n} sheep\", \"{n} sheep\", 2, \"n\", 2),\n}\n"
	page := "{{t .ID}}\n{{if .X}}{{t \"no {value} here\"}}{{else}}{{t \"Hello, {who}\" \"who\" (t \"friend\")}}{{end}}{{define \"x\"}}{{n \"{n} mail\" \"{n} mails\" .N \"n\" .N}}{{end}}"
	for name, text := range map[string]string{"p.go": source, "p_test.go": strings.ReplaceAll(source, "good", "bad"), "templates/page.html": page} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := messages(dir)
	for _, want := range []string{
		"p.go:8: the id of a message must be a literal", `p.go:9: "no {value}" has no value for value`, `p.go:10: "no place" has no place for "value"`,
		`p.go:11: "one {n}" has no value for n`, "templates/page.html:1:2: the id of a message must be a literal", `page.html:2:11: "no {value} here" has no value for value`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %s\n%v", want, err)
		}
	}
	for _, id := range []string{"good {n}", "{n} sheep", "Hello, {who}", "friend", "{n} mail"} {
		if found[""][id] == nil {
			t.Errorf("%q is not found", id)
		}
	}
	if len(found[""]) != 9 {
		t.Errorf("found %v", slices.Sorted(maps.Keys(found[""])))
	}
}

var (
	markup = regexp.MustCompile(`(?s)<style.*?</style>|<!--.*?-->|<[^>]*>|&[a-z]+;`)
	words  = regexp.MustCompile(`\p{L}{2,}`)
)

// TestTemplates: no template says a word that is not translated.
func TestTemplates(t *testing.T) {
	names, err := filepath.Glob(root + "/internal/*/templates/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tree := parse.New(name)
		tree.Mode = parse.SkipFuncCheck
		trees := map[string]*parse.Tree{}
		if _, err := tree.Parse(string(text), "", "", trees); err != nil {
			t.Fatal(err)
		}
		var said strings.Builder // a place of a value counts as no word
		for _, each := range trees {
			texts(each.Root, &said)
		}
		left := markup.ReplaceAllString(strings.TrimPrefix(said.String(), "Subject:"), " ")
		if found := words.FindAllString(left, -1); found != nil {
			t.Errorf("%s says %q without {{t}}", name, found)
		}
	}
}

func texts(node parse.Node, said *strings.Builder) {
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, each := range l.Nodes {
				texts(each, said)
			}
		}
	}
	switch node := node.(type) {
	case *parse.TextNode:
		said.Write(node.Text)
	case *parse.ActionNode:
		said.WriteByte('.')
	case *parse.ListNode:
		list(node)
	case *parse.IfNode:
		list(node.List)
		list(node.ElseList)
	case *parse.WithNode:
		list(node.List)
		list(node.ElseList)
	case *parse.RangeNode:
		list(node.List)
		list(node.ElseList)
	}
}
