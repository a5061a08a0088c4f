package message

import (
	"context"
	"slices"
	"strings"
)

// A Language is what there is in one: a code and the messages of its catalogues. The nil Language is English as the code has it.
type Language struct {
	code     string
	messages func() map[string]translation // by id
	own      bool
}

// A translation is a message in a language, in as many forms as its catalogue has plurals.
type translation struct {
	forms  []string
	plural func(n int64) int // nil for a message without plural
}

// Code is the language's code in Django's spelling, which is that of Content-Language: "pt-br".
func (l *Language) Code() string {
	if l == nil {
		return "en"
	}
	return l.code
}

// Plain tells whether the language says just what the code says, so that nothing need be looked up.
func (l *Language) Plain() bool { return l == nil || len(l.messages()) == 0 }

// Own tells whether the language says something that a catalogue of the operator's has.
func (l *Language) Own() bool { return l != nil && l.own }

// form is the text's form in the language, before its values are filled in.
func (l *Language) form(t *Text) string {
	if l.Plain() {
		return t.english()
	}
	found, ok := l.messages()[t.id]
	switch {
	case !ok:
	case t.many == "":
		return found.forms[0]
	case found.plural != nil:
		if i := found.plural(int64(max(t.n, -t.n))); i >= 0 && i < len(found.forms) {
			return found.forms[i]
		}
	}
	return t.english()
}

// contextKey is the context's key of the language.
type contextKey struct{}

// With is a context whose answers, mails and pages are in a language.
func With(ctx context.Context, l *Language) context.Context {
	return context.WithValue(ctx, contextKey{}, l)
}

// From is the context's language: English where nobody chose one.
func From(ctx context.Context) *Language {
	l, _ := ctx.Value(contextKey{}).(*Language)
	return l
}

// Languages are those that can be answered in, the first ones going first where a wish fits several.
type Languages []*Language

// chinese are the codes that Django leads to another one than the longest it knows of.
var chinese = map[string]string{
	"zh-cn": "zh-hans", "zh-my": "zh-hans", "zh-sg": "zh-hans", "zh-hk": "zh-hant", "zh-mo": "zh-hant", "zh-tw": "zh-hant",
}

// For is the language that a code stands for, as Django finds it: itself, what Django leads it to, ever more of its beginning (de for de-at), and in the
// end any variant of the same language (pt-br for pt).
func (ls Languages) For(code string) (*Language, bool) {
	code = strings.ToLower(code)
	if code == "" {
		return nil, false
	}
	if l, ok := ls.exactly(code); ok {
		return l, true
	}
	if l, ok := ls.exactly(chinese[code]); ok {
		return l, true
	}
	for i := strings.LastIndexByte(code, '-'); i >= 0; i = strings.LastIndexByte(code, '-') {
		code = code[:i]
		if l, ok := ls.exactly(code); ok {
			return l, true
		}
	}
	i := slices.IndexFunc(ls, func(l *Language) bool { return strings.HasPrefix(l.code, code+"-") })
	if i < 0 {
		return nil, false
	}
	return ls[i], true
}

func (ls Languages) exactly(code string) (*Language, bool) {
	for _, l := range ls {
		if l.code == code {
			return l, true
		}
	}
	return nil, false
}

// Only are the languages that a project lists, in its order. A variant without a catalogue of its own, such as de-at, has that of its language; a language
// without any is left out.
func (ls Languages) Only(codes []string) Languages {
	some := Languages{}
	for _, code := range codes {
		code = strings.ToLower(code)
		for generic := code; generic != ""; generic = generic[:max(strings.LastIndexByte(generic, '-'), 0)] {
			if l, ok := ls.exactly(generic); ok {
				some = append(some, &Language{code: code, messages: l.messages, own: l.own})
				break
			}
		}
	}
	return some
}
