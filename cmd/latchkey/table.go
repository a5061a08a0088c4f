package main

import (
	"bufio"
	"slices"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// A table prints rows as they come, in columns that are as wide as the widest of the rows so far.
type table struct {
	out    *bufio.Writer
	width  int // of the terminal; 0 for any
	style  style
	titles []string
	widths []int
}

const (
	gap       = 2 // between two columns
	narrowest = 6 // a column is not cut any shorter
)

// print prints some more rows; before the first ones, the titles.
func (t *table) print(rows [][]string) error {
	first := t.widths == nil
	if first {
		t.widths = make([]int, len(t.titles))
	}
	for _, row := range append([][]string{t.titles}, rows...) {
		for i := range row {
			row[i] = printable(row[i])
			t.widths[i] = max(t.widths[i], uniseg.StringWidth(row[i]))
		}
	}
	t.fit()
	if first {
		if err := t.line(t.titles, t.style.strong); err != nil {
			return err
		}
	}
	for _, row := range rows {
		if err := t.line(row, func(text string) string { return text }); err != nil {
			return err
		}
	}
	return t.out.Flush()
}

// fit takes from the widest columns what the terminal has not room for.
func (t *table) fit() {
	for t.width > 0 {
		all := gap * (len(t.widths) - 1)
		for _, w := range t.widths {
			all += w
		}
		widest := slices.Max(t.widths)
		if all <= t.width || widest <= narrowest {
			return
		}
		t.widths[slices.Index(t.widths, widest)]--
	}
}

func (t *table) line(row []string, mark func(string) string) error {
	var b strings.Builder
	for i, text := range row {
		text = cut(text, t.widths[i])
		b.WriteString(text)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", t.widths[i]-uniseg.StringWidth(text)+gap))
		}
	}
	_, err := t.out.WriteString(mark(strings.TrimRight(b.String(), " ")) + "\n")
	return err
}

// cut shortens a text to so many columns, with an ellipsis for what goes.
func cut(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	short, used := "", 0
	for rest, state := text, -1; rest != ""; {
		var letter string
		var wide int
		letter, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used += wide; used > width-1 {
			break
		}
		short += letter
	}
	return short + "…"
}

// printable is a text without what a terminal would take for commands: names may come from anywhere.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '·'
		}
		return r
	}, text)
}
