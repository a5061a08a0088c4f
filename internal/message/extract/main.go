// Extract keeps the catalogues: it collects the messages of the source and of the templates into locale/latchkey.pot, and brings each built-in
// latchkey.po in line with it, with what is translated kept and what is new left empty. English says what the code says.
//
//	go generate ./internal/message
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/vorlif/spreak/catalog/po"
	"github.com/vorlif/spreak/catalog/poplural"
)

func main() {
	if err := run("../.."); err != nil { // go generate runs it in internal/message
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := catalogues(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// catalogues are all of them by file name as they should be.
func catalogues(root string) (map[string][]byte, error) {
	found, err := messages(root)
	if err != nil {
		return nil, err
	}
	locale := filepath.Join(root, "internal", "message", "locale")
	template := &po.File{Header: header(), Messages: found}
	files := map[string][]byte{filepath.Join(locale, "latchkey.pot"): encode(template)}
	existing, err := filepath.Glob(filepath.Join(locale, "*", "LC_MESSAGES", "latchkey.po"))
	if err != nil {
		return nil, err
	}
	for _, name := range existing {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file, err := po.Parse(text)
		if err == nil {
			err = merge(file, found)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = encode(file)
	}
	return files, nil
}

func header() *po.Header {
	return &po.Header{
		Comment: &po.Comment{Translator: "The messages of Latchkey. Made by go generate ./internal/message; do not edit."}, ProjectIDVersion: "latchkey",
		MimeVersion: "1.0", ContentType: "text/plain; charset=UTF-8", ContentTransferEncoding: "8bit", PluralForms: "nplurals=INTEGER; plural=EXPRESSION;",
	}
}

func encode(file *po.File) []byte {
	var b bytes.Buffer
	encoder := po.NewEncoder(&b)
	encoder.SetWrapWidth(100)
	encoder.SetSortFunction(func(a, b *po.Message) int { return strings.Compare(a.ID+"\x00"+a.Context, b.ID+"\x00"+b.Context) })
	if err := encoder.Encode(file); err != nil { // a buffer takes everything
		panic(err)
	}
	if plural, err := poplural.Parse(file.Header.PluralForms); err == nil && plural.NPlurals == 1 {
		return bytes.ReplaceAll(b.Bytes(), []byte("msgstr[1] \"\"\n"), nil) // the encoder writes two forms at least
	}
	return b.Bytes()
}

// merge makes a catalogue's messages those of the template.
func merge(file *po.File, found po.Messages) error {
	plural, err := poplural.Parse(file.Header.PluralForms)
	if err != nil {
		return errors.Join(errors.New("Plural-Forms"), err)
	}
	merged := po.Messages{}
	for _, m := range found[""] {
		entry := &po.Message{ID: m.ID, IDPlural: m.IDPlural, Comment: po.NewComment(), Str: map[int]string{}}
		entry.Comment.References, entry.Comment.Extracted, entry.Comment.Flags = m.Comment.References, m.Comment.Extracted, m.Comment.Flags
		forms := 1
		if m.IDPlural != "" {
			forms = plural.NPlurals
		}
		before := file.GetMessage("", m.ID)
		for i := range forms {
			switch {
			case file.Header.Language == "en" && i == 0:
				entry.Str[i] = m.ID
			case file.Header.Language == "en":
				entry.Str[i] = m.IDPlural
			case before != nil && before.IDPlural == m.IDPlural:
				entry.Str[i] = before.Str[i]
			default:
				entry.Str[i] = ""
			}
		}
		if before != nil {
			entry.Comment.Translator = before.Comment.Translator
			if before.Comment.HasFlag("fuzzy") {
				entry.Comment.Flags = append([]string{"fuzzy"}, m.Comment.Flags...)
			}
		}
		merged.Add(entry)
	}
	file.Messages = merged
	return nil
}
