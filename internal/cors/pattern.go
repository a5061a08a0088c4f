package cors

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"
)

// class is how Go, and not Python, names a set of letters.
var class = regexp.MustCompile(`\[:\^?[a-z]+:\]`)

// Pattern compiles one of Python's regular expressions to match as re.match does, from the first letter. It refuses what Go reads in another way or not at all:
// looking around and back, and the few spellings that both know and mean differently.
func Pattern(text string) (*regexp.Regexp, error) {
	switch {
	case strings.Contains(text, "{,"):
		return nil, errors.New("{,n} cannot be read here: write {0,n}")
	case class.MatchString(text):
		return nil, errors.New(class.FindString(text) + " cannot be read here: write the letters themselves, as in a-z")
	}
	text = strings.ReplaceAll(text, `\Z`, `\z`)
	if _, err := syntax.Parse(text, syntax.Perl); err != nil { // by itself: a)|(b would break out of the group below
		return nil, inWords(err)
	}
	compiled, err := regexp.Compile(`^(?:` + text + `)`)
	if err != nil {
		return nil, inWords(err)
	}
	return compiled, nil
}

// inWords leaves out what the reader of a setting need not know.
func inWords(err error) error {
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		return errors.New(string(wrong.Code) + ": " + wrong.Expr)
	}
	return err
}

// Traps are the two ways in which expressions for origins allow more than they seem to.
type Traps struct {
	// Open says that something may follow: https://app.example.com allows https://app.example.com.evil.example too.
	Open bool
	// Dot says that a dot without a backslash stands for one letter, so that others can own the name.
	Dot bool
}

// TrapsOf looks for them in an expression that Pattern takes.
func TrapsOf(text string) Traps {
	tree, err := syntax.Parse(strings.ReplaceAll(text, `\Z`, `\z`), syntax.Perl)
	if err != nil {
		return Traps{}
	}
	return Traps{Open: !closed(tree), Dot: dotted(tree)}
}

// closed tells whether every way through an expression leads to the end of the text.
func closed(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpEndText:
		return true
	case syntax.OpConcat:
		return closed(e.Sub[len(e.Sub)-1])
	case syntax.OpCapture:
		return closed(e.Sub[0])
	case syntax.OpAlternate:
		for _, way := range e.Sub {
			if !closed(way) {
				return false
			}
		}
		return true
	}
	return false
}

// dotted tells whether there is a dot that is not repeated.
func dotted(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpConcat, syntax.OpCapture, syntax.OpAlternate:
		for _, part := range e.Sub {
			if dotted(part) {
				return true
			}
		}
	}
	return false
}
