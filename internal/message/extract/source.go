package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/vorlif/spreak/catalog/po"

	"latchkey/internal/message"
)

// A collection gathers messages and what is wrong with them.
type collection struct {
	messages po.Messages
	mistakes []error
}

// messages collects those of all Go files but tests, and of all templates, which stand in folders of that name.
func messages(root string) (po.Messages, error) {
	c := &collection{messages: po.Messages{}}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		switch extension := filepath.Ext(name); {
		case extension == ".go" && !strings.HasSuffix(name, "_test.go"):
			return c.source(path, relative)
		case (extension == ".html" || extension == ".txt") && filepath.Base(filepath.Dir(path)) == "templates":
			return c.template(path, relative)
		}
		return nil
	})
	return c.messages, errors.Join(err, errors.Join(c.mistakes...))
}

// source collects the calls of message.T and message.N in a Go file.
func (c *collection) source(path, relative string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	imported := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"latchkey/internal/message"` })
	if !imported {
		return nil
	}
	ast.Inspect(file, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok {
			return true
		}
		function, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := function.X.(*ast.Ident)
		if !ok || of.Name != "message" || function.Sel.Name != "T" && function.Sel.Name != "N" {
			return true
		}
		var texts []string // an argument that is no literal counts as empty
		for _, argument := range call.Args {
			text, _ := literal(argument)
			texts = append(texts, text)
		}
		if call.Ellipsis.IsValid() {
			texts = append(texts, "") // values that are somebody else's list cannot be checked
		}
		c.add(function.Sel.Name, texts, relative, fmt.Sprintf("%s:%d", relative, files.Position(call.Pos()).Line))
		return true
	})
	return nil
}

// literal is the text of a string literal, or of several put together.
func literal(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, ok := literal(e.X)
		right, both := literal(e.Y)
		return left + right, ok && both && e.Op == token.ADD
	case *ast.ParenExpr:
		return literal(e.X)
	}
	return "", false
}

// template collects the calls of t and n in a template.
func (c *collection) template(path, relative string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	tree := parse.New(relative)
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(string(text), "", "", trees); err != nil {
		return err
	}
	for _, each := range trees {
		c.walk(each, each.Root, relative)
	}
	return nil
}

func (c *collection) walk(tree *parse.Tree, node parse.Node, relative string) {
	switch node := node.(type) {
	case *parse.ListNode:
		if node != nil {
			for _, each := range node.Nodes {
				c.walk(tree, each, relative)
			}
		}
	case *parse.ActionNode:
		c.walk(tree, node.Pipe, relative)
	case *parse.TemplateNode:
		c.walk(tree, node.Pipe, relative)
	case *parse.IfNode:
		c.branch(tree, &node.BranchNode, relative)
	case *parse.WithNode:
		c.branch(tree, &node.BranchNode, relative)
	case *parse.RangeNode:
		c.branch(tree, &node.BranchNode, relative)
	case *parse.PipeNode:
		if node != nil {
			for _, command := range node.Cmds {
				c.command(tree, command, relative)
			}
		}
	}
}

func (c *collection) branch(tree *parse.Tree, node *parse.BranchNode, relative string) {
	c.walk(tree, node.Pipe, relative)
	c.walk(tree, node.List, relative)
	c.walk(tree, node.ElseList, relative)
}

// command collects a call, and those in parentheses among its arguments.
func (c *collection) command(tree *parse.Tree, command *parse.CommandNode, relative string) {
	var texts []string
	for _, argument := range command.Args[1:] {
		text, _ := argument.(*parse.StringNode)
		if text == nil {
			texts = append(texts, "")
			continue
		}
		texts = append(texts, text.Text)
	}
	for _, argument := range command.Args {
		c.walk(tree, argument, relative)
	}
	if function, ok := command.Args[0].(*parse.IdentifierNode); ok && (function.Ident == "t" || function.Ident == "n") {
		location, _ := tree.ErrorContext(command)
		c.add(strings.ToUpper(function.Ident), texts, relative, location)
	}
}

// add notes a message by the arguments of its call: the id, for N the plural and the number, then names and values by turns.
func (c *collection) add(function string, arguments []string, file, at string) {
	bad := func(format string, values ...any) {
		c.mistakes = append(c.mistakes, fmt.Errorf("%s: "+format, append([]any{at}, values...)...))
	}
	ids := 1
	if function == "N" {
		ids = 2
	}
	if len(arguments) < ids || slices.Contains(arguments[:ids], "") {
		bad("the id of a message must be a literal")
		return
	}
	m := po.NewMessage()
	m.ID = arguments[0]
	m.Comment.AddReference(&po.Reference{Path: file})
	places := message.Placeholders(m.ID)
	values := arguments[1:]
	if function == "N" {
		m.IDPlural = arguments[1]
		for _, place := range message.Placeholders(m.IDPlural) {
			if !slices.Contains(places, place) {
				places = append(places, place)
			}
		}
		values = arguments[min(3, len(arguments)):]
	}
	if len(values)%2 == 0 {
		names := make([]string, 0, len(values)/2)
		for i := 0; i < len(values); i += 2 {
			names = append(names, values[i])
		}
		for _, place := range places {
			if !slices.Contains(names, place) {
				bad("%q has no value for %s", m.ID, place)
			}
		}
		for _, name := range names {
			if !slices.Contains(places, name) {
				bad("%q has no place for %q", m.ID, name)
			}
		}
	}
	switch {
	case strings.Contains(m.ID+m.IDPlural, "%("):
		m.Comment.AddFlag("python-format")
	case len(places) > 0:
		m.Comment.AddFlag("python-brace-format")
	}
	if known := c.messages[""][m.ID]; known != nil && known.IDPlural != "" && m.IDPlural != "" && known.IDPlural != m.IDPlural {
		bad("%q has two plurals", m.ID)
	}
	c.messages.Add(m)
}
