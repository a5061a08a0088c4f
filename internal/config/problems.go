package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one mistake in the settings: where it stands, what is wrong and what to write instead.
type Problem struct {
	// Source is a file's name, "environment NAME" or "flag --name"; empty where the mistake is that something is missing.
	Source string
	// Line and Column count from 1 in a file, and are 0 elsewhere.
	Line, Column int
	// Key is the setting with its sections, dotted; empty where the whole file is meant.
	Key string
	// Message is what is wrong, Mend what to do about it. Neither holds the value of a secret.
	Message, Mend string
}

// String is the problem in one line: latchkey.yaml:12:3: DJOSER.LOGIN_FEILD: no such setting; did you mean LOGIN_FIELD?
func (p Problem) String() string {
	var b strings.Builder
	if p.Source != "" {
		b.WriteString(p.Source)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Mend != "" {
		b.WriteString("; " + p.Mend)
	}
	return b.String()
}

// Problems is the error that Load returns: every mistake that was found, in the order of the file.
type Problems []Problem

// Error prints one problem per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// sort puts problems of one file in the order of its lines and leaves the rest as it was found.
func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		if a.Line == 0 || b.Line == 0 {
			return cmp.Compare(min(1, b.Line), min(1, a.Line))
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
