// Package message holds the texts that people read: written in English in the code, rendered in the reader's language where an answer, a mail or a page is
// written. Catalogues are gettext's .po files, as Django projects have them, and a text's English is its id there. Where Django, REST framework or SimpleJWT
// has the same text, the id is theirs, so that a project's own catalogue serves here too.
package message

import (
	"fmt"
	"strconv"
	"strings"
)

// A Text is a message that is not in any language yet: its English, which is its id, and the values that belong into it.
type Text struct {
	id, many string // many is the English of any number but one; empty for a text without plural
	n        int
	args     []any // names and values by turns
	kind     kind
}

// A kind tells texts that stand in no catalogue from those that do.
type kind uint8

const (
	translated kind = iota
	verbatim        // somebody else's words
	sentences       // several texts, which are the args
)

// T is a text. Its id holds names in braces, or as Python writes them: {limit}, %(limit)s, %(limit)d; args are those names with their values by turns.
// A value may be a *Text itself. The id must be a literal, for the template of the catalogues is made from the source.
func T(id string, args ...any) *Text { return &Text{id: id, args: args} }

// N is a text that counts something: one is said of 1, many of any other n, and other languages have forms of their own.
func N(one, many string, n int, args ...any) *Text {
	return &Text{id: one, many: many, n: n, args: args}
}

// Verbatim is a text that stays as it is in every language: words of the operator, of another program, of no language at all.
func Verbatim(text string) *Text { return &Text{id: text, kind: verbatim} }

// Sentences puts texts behind one another.
func Sentences(texts ...*Text) *Text {
	t := &Text{kind: sentences, args: make([]any, len(texts))}
	for i, sentence := range texts {
		t.args[i] = sentence
	}
	return t
}

// String is the text in English.
func (t *Text) String() string { return t.In(nil) }

// In is the text in a language, or in English where the language lacks it.
func (t *Text) In(l *Language) string {
	switch {
	case t == nil:
		return ""
	case t.kind == verbatim:
		return t.id
	case t.kind == sentences:
		all := make([]string, len(t.args))
		for i, sentence := range t.args {
			all[i] = show(sentence, l)
		}
		return strings.Join(all, " ")
	}
	return fill(l.form(t), t.args, l)
}

// Is tells whether a text is the one of an id, whatever values are in it.
func (t *Text) Is(id string) bool { return t != nil && t.kind == translated && t.id == id }

// english is the form of the code itself.
func (t *Text) english() string {
	if t.many != "" && t.n != 1 {
		return t.many
	}
	return t.id
}

// fill puts values in the place of their names. A text without values stays as it is, whatever braces it holds.
func fill(text string, args []any, l *Language) string {
	if len(args) == 0 {
		return text
	}
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, "{%")
		if i < 0 {
			break
		}
		b.WriteString(text[:i])
		text = text[i:]
		name, size := placeholder(text)
		value, known := argument(args, name)
		switch {
		case size > 0 && known:
			b.WriteString(show(value, l))
		case size > 0:
			b.WriteString(text[:size])
		case strings.HasPrefix(text, "%%"):
			b.WriteByte('%')
			size = 2
		default:
			b.WriteByte(text[0])
			size = 1
		}
		text = text[size:]
	}
	b.WriteString(text)
	return b.String()
}

// placeholder is the name that a text begins with, in either form, and how many bytes that takes; 0 for none.
func placeholder(text string) (name string, size int) {
	open, end := "{", "}"
	if text[0] == '%' {
		open, end = "%(", ")"
	}
	rest, ok := strings.CutPrefix(text, open)
	if !ok {
		return "", 0
	}
	name, after, ok := strings.Cut(rest, end)
	if !ok || !isName(name) {
		return "", 0
	}
	size = len(text) - len(after)
	if open == "{" {
		return name, size
	}
	if !strings.HasPrefix(after, "s") && !strings.HasPrefix(after, "d") {
		return "", 0
	}
	return name, size + 1
}

func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// Placeholders lists the names that a text has places for, in their order, for whoever checks a catalogue.
func Placeholders(text string) []string {
	var names []string
	for text != "" {
		i := strings.IndexAny(text, "{%")
		if i < 0 {
			break
		}
		text = text[i:]
		name, size := placeholder(text)
		if size > 0 {
			names = append(names, name)
		}
		text = text[max(size, 1):]
	}
	return names
}

func argument(args []any, name string) (value any, ok bool) {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return args[i+1], true
		}
	}
	return nil, false
}

func show(value any, l *Language) string {
	switch value := value.(type) {
	case string:
		return value
	case int:
		return strconv.Itoa(value)
	case *Text:
		return value.In(l)
	}
	return fmt.Sprint(value)
}
