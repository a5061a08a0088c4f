package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFile  = 1 << 20 // bytes of a settings file
	maxDepth = 32      // levels of nesting
	maxKeys  = 5000    // keys, tags and anchors in a file: the YAML library's time grows with their square
	maxNodes = 100_000 // values read in all, those behind aliases counted each time
)

// readFile reads a settings file and bounds it.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("the file is larger than %d bytes", maxFile)
	}
	return data, err
}

// parse turns YAML into its tree; nil stands for a text without any value. Where it fails, the problem has a line and a column.
func parse(text string) (node ast.Node, problem *Problem) {
	// The YAML library has panicked on broken input before; here that is one more broken file.
	defer func() {
		if recover() != nil {
			node, problem = nil, &Problem{Message: "this is not YAML"}
		}
	}()
	if !utf8.ValidString(text) {
		return nil, &Problem{Message: "the text is not UTF-8", Mend: "save it as UTF-8"}
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(text, "\ufeff"))
	if tooMuch(tokens) {
		return nil, &Problem{Message: fmt.Sprintf("there are more than %d levels of nesting or %d keys", maxDepth, maxKeys)}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		problem := &Problem{Message: "this is not YAML"}
		var detail yaml.Error
		if errors.As(err, &detail) {
			problem.Line, problem.Column = place(detail.GetToken())
			problem.Mend = "look for a bracket, a quote or an indentation that is not as the lines around it"
		}
		return nil, problem
	}
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if node != nil {
			line, column := place(doc.Body.GetToken())
			return nil, &Problem{Line: line, Column: column, Message: "a second document begins here", Mend: "keep all settings in one, without ---"}
		}
		node = doc.Body
	}
	return node, nil
}

// tooMuch counts keys, levels of flow brackets, and levels of block entries by their columns, before the parser recurses into them.
func tooMuch(tokens token.Tokens) bool {
	flow, keys := 0, 0
	var columns []int // where the open block entries begin
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(0, flow-1)
		case token.TagType, token.AnchorType:
			keys++
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if t.Type != token.SequenceEntryType {
				keys++
			}
			column := t.Position.Column
			for len(columns) > 0 && columns[len(columns)-1] >= column {
				columns = columns[:len(columns)-1]
			}
			if flow == 0 {
				columns = append(columns, column)
			}
		}
		if keys > maxKeys || flow > maxDepth || len(columns) > 2*maxDepth {
			return true
		}
	}
	return false
}

// place is where a token begins.
func place(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}
