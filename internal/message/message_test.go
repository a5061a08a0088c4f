package message

import (
	"context"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes a catalogue of a language, with the plural forms of its header, below dir.
func write(t *testing.T, dir, locale, plurals, entries string) {
	t.Helper()
	folder := filepath.Join(dir, locale, "LC_MESSAGES")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	header := "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n"
	if plurals != "" {
		header += "\"Plural-Forms: " + plurals + "\\n\"\n"
	}
	if err := os.WriteFile(filepath.Join(folder, "django.po"), []byte(header+"\n"+entries), 0o644); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, paths ...string) Languages {
	t.Helper()
	languages, err := Load(paths)
	if err != nil {
		t.Fatal(err)
	}
	return languages
}

func language(t *testing.T, languages Languages, code string) *Language {
	t.Helper()
	l, ok := languages.For(code)
	if !ok {
		t.Fatalf("%s is not spoken", code)
	}
	return l
}

// djangoRussian are the four forms of Django's own Russian catalogue.
const djangoRussian = "nplurals=4; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : " +
	"n%10==0 || (n%10>=5 && n%10<=9) || (n%100>=11 && n%100<=14)? 2 : 3);"

func TestEnglish(t *testing.T) {
	for want, text := range map[string]*Text{
		"Plain {text} of 100%":                  T("Plain {text} of 100%"),
		"No more than 5, said ann.":             T("No more than {limit}, said %(who)s.", "limit", 5, "who", "ann"),
		"{who} is not read again":               T("{a} is not read again", "a", "{who}", "who", "ann"),
		"{Open} {} %(x) 100% {b}":               T("{Open} {} %(x) 100%% {b}", "a", 1),
		"1 day":                                 N("{n} day", "{n} days", 1, "n", 1),
		"0 days":                                N("{n} day", "{n} days", 0, "n", 0),
		"too similar to the email address":      T("too similar to the {field}", "field", T("email address")),
		"{their} own":                           Verbatim("{their} own"),
		"Request was throttled. Wait 2 seconds": Sentences(T("Request was throttled."), N("Wait {wait} second", "Wait {wait} seconds", 2, "wait", 2)),
	} {
		if got := text.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := (*Text)(nil).String(); got != "" {
		t.Errorf("no text is %q", got)
	}
}

// TestBuiltIn reads all catalogues that are built in; a server does not before something is said in them.
func TestBuiltIn(t *testing.T) {
	for _, l := range load(t) {
		if english := strings.HasPrefix(l.Code(), "en"); l.Plain() != english {
			t.Errorf("%s says the same as English: %v", l.Code(), l.Plain())
		}
		if l.Own() {
			t.Errorf("%s is the operator's", l.Code())
		}
	}
}

func TestPlurals(t *testing.T) {
	dir := t.TempDir()
	const days = "msgid \"{n} sheep\"\nmsgid_plural \"{n} sheep of many\"\nmsgstr[0] \"{n} овца\"\nmsgstr[1] \"{n} овцы\"\nmsgstr[2] \"{n} овец\"\n"
	write(t, dir, "ru", "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)", days)
	write(t, dir, "nl", djangoRussian, days+"msgstr[3] \"{n} овцы\"\n")
	for _, code := range []string{"ru", "nl"} {
		l := language(t, load(t, dir), code)
		for n, want := range map[int]string{1: "1 овца", 2: "2 овцы", 5: "5 овец", 11: "11 овец", 12: "12 овец", 21: "21 овца", 104: "104 овцы", 111: "111 овец", 0: "0 овец"} {
			if got := N("{n} sheep", "{n} sheep of many", n, "n", n).In(l); got != want {
				t.Errorf("%s: %q, want %q", code, got, want)
			}
		}
	}
}

// TestNotTranslated: what is fuzzy, empty, incomplete or missing stays English.
func TestNotTranslated(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "nl", "nplurals=2; plural=(n != 1);", "msgid \"good\"\nmsgstr \"goed\"\n\n#, fuzzy\nmsgid \"fuzzy\"\nmsgstr \"wrong\"\n\n"+
		"msgid \"empty\"\nmsgstr \"\"\n\nmsgid \"half\"\nmsgid_plural \"halves\"\nmsgstr[0] \"helft\"\nmsgstr[1] \"\"\n\n"+
		"msgctxt \"elsewhere\"\nmsgid \"missing\"\nmsgstr \"wrong\"\n\n#~ msgid \"obsolete\"\n#~ msgstr \"wrong\"\n")
	l := language(t, load(t, dir), "nl")
	for want, text := range map[string]*Text{
		"goed": T("good"), "fuzzy": T("fuzzy"), "empty": T("empty"), "missing": T("missing"), "obsolete": T("obsolete"),
		"half": N("half", "halves", 1), "halves": N("half", "halves", 2),
	} {
		if got := text.In(l); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(first, "README"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, first, "pt_BR", "", "msgid \"one\"\nmsgstr \"first\"\n")
	elsewhere := t.TempDir() // folders of mounted volumes are links
	write(t, elsewhere, "pt_BR", "", "msgid \"one\"\nmsgstr \"second\"\n\nmsgid \"two\"\nmsgstr \"second\"\n\nmsgid \"{n} cat\"\nmsgid_plural \"{n} cats\"\nmsgstr[0] \"{n} gato\"\nmsgstr[1] \"{n} gatos\"\n")
	if err := os.Symlink(filepath.Join(elsewhere, "pt_BR"), filepath.Join(second, "pt_BR")); err != nil {
		t.Fatal(err)
	}
	l := language(t, load(t, first, second), "pt-BR")
	if one, two := T("one").In(l), T("two").In(l); one != "first" || two != "second" {
		t.Errorf("one is the %s path's, two the %s path's; want first, second", one, two)
	}
	for n, want := range map[int]string{0: "0 gatos", 1: "1 gato", 2: "2 gatos"} { // without a header the forms are those of English
		if got := N("{n} cat", "{n} cats", n, "n", n).In(l); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !l.Own() || language(t, load(t, first), "ru").Own() {
		t.Error("the languages of a project's catalogue are not told from others")
	}
	if l := language(t, load(t), "pt-br"); T("one").In(l) != "one" {
		t.Error("a project's catalogue went into the built-in one")
	}

	bad := t.TempDir()
	write(t, bad, "de", "nplurals=2; plural=(n ~ 1);", "")
	write(t, bad, "fr", "", "msgid \"open\"\nmsgstr \"no end\nmsgid \"next\"\n")
	write(t, bad, "es", "", "msgid \"bytes\"\nmsgstr \"\xff\"\n")
	write(t, bad, "it", "", "msgid \"twice\"\nmsgstr \"a\"\n\nmsgid \"twice\"\nmsgstr \"b\"\n")
	if err := os.MkdirAll(filepath.Join(bad, "nl", "LC_MESSAGES"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bad, "nl", "LC_MESSAGES", "django.mo"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load([]string{bad, filepath.Join(bad, "nowhere")})
	for _, want := range []string{
		"de/LC_MESSAGES/django.po: Plural-Forms: ", `fr/LC_MESSAGES/django.po: line 6 cannot be read: msgstr "no end`, "es/LC_MESSAGES/django.po: line 6 is not in UTF-8",
		"it/LC_MESSAGES/django.po: po file has a duplicate entry for \"twice\"", "nl/LC_MESSAGES/django.mo: the compiled catalogue is not read", "nowhere: no such file",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("bad catalogues: %v\nlacks %s", err, want)
		}
	}
}

// codes makes languages without messages.
func codes(list ...string) Languages {
	var ls Languages
	for _, code := range list {
		ls = append(ls, &Language{code: code})
	}
	return ls
}

func TestFor(t *testing.T) {
	ls := codes("be", "de", "en", "en-au", "en-gb", "pt-br", "zh-hans")
	for code, want := range map[string]string{
		"de": "de", "DE": "de", "de-at": "de", "de-ch-1996": "de", "en-us": "en", "en-GB": "en-gb", "pt": "pt-br", "pt-pt": "pt-br", "zh": "zh-hans", "zh-cn": "zh-hans",
		"zh-sg": "zh-hans", "zh-tw": "zh-hans", "zh-hans-cn": "zh-hans", "xx": "", "": "", "d": "", "dex": "", "-": "", "*": "",
	} {
		l, ok := ls.For(code)
		if ok != (want != "") || ok && l.Code() != want {
			t.Errorf("%q is %q, %v; want %q", code, l.Code(), ok, want)
		}
	}
}

func TestOnly(t *testing.T) {
	var got []string
	for _, l := range codes("de", "en", "ru").Only([]string{"RU", "de-at", "nl", "en-us"}) {
		got = append(got, l.Code())
	}
	if want := []string{"ru", "de-at", "en-us"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestLocale(t *testing.T) {
	for code, want := range map[string]string{"ru": "ru", "pt-br": "pt_BR", "zh-hans": "zh_Hans", "en-GB": "en_GB"} {
		if got := Locale(code); got != want || codeOf(got) != strings.ToLower(code) {
			t.Errorf("%s is %s and back %s, want %s", code, got, codeOf(got), want)
		}
	}
}

func TestContext(t *testing.T) {
	ctx := context.Background()
	if l := From(ctx); l != nil || l.Code() != "en" || !l.Plain() {
		t.Errorf("a context without language has %v", l)
	}
	russian := &Language{code: "ru"}
	if got := From(With(ctx, russian)); got != russian {
		t.Errorf("got %v", got)
	}
}

func TestFuncs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "nl", "nplurals=2; plural=(n != 1);", "msgid \"Hello, {who}\"\nmsgstr \"Hallo {who}\"\n\nmsgid \"{n} mail\"\nmsgid_plural \"{n} mails\"\nmsgstr[0] \"{n} bericht\"\nmsgstr[1] \"{n} berichten\"\n")
	page, err := template.New("page").Funcs(Funcs(nil)).Parse(`<p lang="{{lang}}">{{t "Hello, {who}" "who" .Who}}: {{n "{n} mail" "{n} mails" .N "n" .N}}</p>`)
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[string]string{"en": `<p lang="en">Hello, &lt;b&gt;: 2 mails</p>`, "nl": `<p lang="nl">Hallo &lt;b&gt;: 2 berichten</p>`} {
		clone := template.Must(page.Clone()).Funcs(Funcs(language(t, load(t, dir), code)))
		var b strings.Builder
		if err := clone.Execute(&b, map[string]any{"Who": "<b>", "N": 2}); err != nil || b.String() != want {
			t.Errorf("%s: %s, %v; want %s", code, b.String(), err, want)
		}
	}
}

func FuzzFill(f *testing.F) {
	f.Add("{a} %(b)s %% {", "x")
	f.Fuzz(func(t *testing.T, text, value string) {
		got := T(text, "a", value).String()
		if len(Placeholders(text)) == 0 && strings.Count(text, "%") == 0 && got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func BenchmarkEnglish(b *testing.B) {
	text := T("This field is required.")
	for b.Loop() {
		_ = text.String()
	}
}

func BenchmarkParse(b *testing.B) {
	text, err := os.ReadFile("locale/ru/LC_MESSAGES/latchkey.po")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := parse(string(text)); err != nil {
			b.Fatal(err)
		}
	}
}
