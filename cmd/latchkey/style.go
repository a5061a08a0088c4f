package main

import (
	"os"

	"golang.org/x/term"
)

// A style marks words of a page for the terminal; without colours it leaves them as they are.
type style struct{ colours bool }

// styleOf is the style that fits a file: colours are for terminals, and for people who have not asked for none (https://no-color.org).
func styleOf(file *os.File) style {
	return style{term.IsTerminal(int(file.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s style) strong(text string) string { return s.mark("1", text) }
func (s style) faint(text string) string  { return s.mark("2", text) }
func (s style) link(text string) string   { return s.mark("36", text) }

func (s style) mark(code, text string) string {
	if !s.colours {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
