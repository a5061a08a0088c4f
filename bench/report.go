package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// label is what a stack is called in the tables.
var label = map[string]string{"ceiling": "bare net/http", "sqlite": "Latchkey, SQLite", "postgres": "Latchkey, PostgreSQL", "django": "Django, PostgreSQL"}

// text is the report: what was measured, and which targets are met.
func (r *results) text(markdown bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rounds of %s, %d connections, PBKDF2 with %d iterations\n\n", r.options.rounds, r.options.duration, r.options.connections, r.options.iterations)
	rows := [][]string{{"request", "server", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "CPU µs of PostgreSQL", "of the ceiling", "times Django"}}
	for _, name := range caseNames {
		for _, stack := range stackNames {
			m := r.find(stack, name)
			if m == nil {
				continue
			}
			own, database := m.cost()
			row := []string{name, label[stack], number(m.rate()), number(percentile(m.Latencies, 0.5) / 1000), number(percentile(m.Latencies, 0.99) / 1000), number(own), "–", "–", "–"}
			if stack == "postgres" || stack == "django" {
				row[6] = number(database)
			}
			if stack != "ceiling" {
				row[7] = number(r.against(m, "ceiling"))
			}
			if stack == "sqlite" || stack == "postgres" {
				row[8] = number(r.against(m, "django"))
			}
			rows = append(rows, row)
		}
	}
	table(&b, rows, markdown)
	rows = [][]string{{"server", "idle MiB", "peak MiB", "start ms", "start ms, empty database"}}
	for _, f := range r.footprints {
		rows = append(rows, []string{label[f.Stack], number(f.Idle), number(f.Peak), number(milliseconds(f.Start)), number(milliseconds(f.Empty))})
	}
	table(&b, rows, markdown)
	rows = [][]string{{"target", "wanted", "measured", ""}}
	for _, t := range r.targets() {
		verdict := "met"
		if !t.met() {
			verdict = "missed"
		}
		sign := "≥"
		if t.most {
			sign = "≤"
		}
		rows = append(rows, []string{t.name, sign + " " + number(t.want), number(t.got), verdict})
	}
	table(&b, rows, markdown)
	for _, note := range r.notes {
		fmt.Fprintf(&b, "%s\n", note)
	}
	return b.String()
}

// table writes rows, of which the first is the head.
func table(b *strings.Builder, rows [][]string, markdown bool) {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], len([]rune(cell)))
		}
	}
	for n, row := range rows {
		line := make([]string, len(row))
		for i, cell := range row {
			pad := strings.Repeat(" ", wide[i]-len([]rune(cell)))
			if line[i] = pad + cell; i == 0 || i == 1 && len(rows[0]) == 9 {
				line[i] = cell + pad
			}
		}
		if !markdown {
			b.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
			continue
		}
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if n == 0 {
			for i := range row {
				rule := "|--:"
				if i == 0 || i == 1 && len(row) == 9 {
					rule = "|---"
				}
				b.WriteString(rule)
			}
			b.WriteString("|\n")
		}
	}
	b.WriteString("\n")
}

// number has three digits that count, as no more of them come again.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case v >= 1000:
		step := math.Pow(10, math.Floor(math.Log10(v))-2)
		return fmt.Sprintf("%.0f", math.Round(v/step)*step)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// milliseconds is the median.
func milliseconds(all []time.Duration) float64 {
	var values []float64
	for _, d := range all {
		values = append(values, float64(d.Microseconds())/1000)
	}
	return median(values)
}

// A target is what a figure should be: at least, or at most.
type target struct {
	name      string
	want, got float64
	most      bool
}

func (t target) met() bool { return t.most && t.got <= t.want || !t.most && t.got >= t.want }

// targets are those of which the figures were measured.
func (r *results) targets() []target {
	var all []target
	add := func(name string, most bool, want, got float64) {
		if !math.IsNaN(got) {
			all = append(all, target{name, want, got, most})
		}
	}
	against := func(stack, name, other string) float64 {
		m := r.find(stack, name)
		if m == nil {
			return math.NaN()
		}
		return r.against(m, other)
	}
	add("SQLite: me, of the ceiling", false, 0.6, against("sqlite", "me", "ceiling"))
	add("SQLite: verify, of the ceiling", false, 0.6, against("sqlite", "verify", "ceiling"))
	add("SQLite: refresh, of the ceiling", false, 0.5, against("sqlite", "refresh", "ceiling"))
	if m := r.find("sqlite", "rotate"); m != nil {
		own, _ := m.cost()
		add("SQLite: rotations per second of one processor", false, 2000, 1e6/own)
	}
	add("PostgreSQL: me, times Django", false, 10, against("postgres", "me", "django"))
	add("PostgreSQL: refresh, times Django", false, 15, against("postgres", "refresh", "django"))
	for _, f := range r.footprints {
		if f.Stack == "sqlite" || f.Stack == "postgres" {
			add(label[f.Stack]+": idle, MiB", true, 30, f.Idle)
			add(label[f.Stack]+": start, ms", true, 100, milliseconds(f.Start))
			add(label[f.Stack]+": start on an empty database, ms", true, 300, milliseconds(f.Empty))
		}
	}
	add("stripped program, MB", true, 30, float64(r.binary)/1e6)
	return all
}

// svg is the requests per second as a picture: a panel for each request, which has a scale of its own, from nought.
func (r *results) svg() []byte {
	const (
		wide, panel, bar, gap, names = 960, 460, 20, 6, 138
		longest                      = panel - names - 74
	)
	colour := map[string]string{"ceiling": "#9a9a9a", "sqlite": "#1a56c4", "postgres": "#5b8def", "django": "#c2702a"}
	title := map[string]string{"me": "me", "verify": "verify", "refresh": "refresh, no rotation", "rotate": "refresh, rotation and blacklist",
		"login": fmt.Sprintf("login, PBKDF2 × %d", r.options.iterations), "register": fmt.Sprintf("register, PBKDF2 × %d", r.options.iterations)}
	var body bytes.Buffer
	top, tallest, column := 50, 0, 0
	for _, name := range caseNames {
		var bars []*measurement
		most := 0.0
		for _, stack := range stackNames {
			if m := r.find(stack, name); m != nil {
				bars = append(bars, m)
				most = max(most, m.rate())
			}
		}
		if bars == nil {
			continue
		}
		left, y := 20+column*panel, top
		fmt.Fprintf(&body, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", left, y+12, html.EscapeString(title[name]))
		y += 22
		for _, m := range bars {
			length := m.rate() / most * longest
			fmt.Fprintf(&body, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%s</text>`+"\n",
				left+names-8, y+14, html.EscapeString(label[m.Stack]), left+names, y, max(length, 1), bar, colour[m.Stack], float64(left+names)+max(length, 1)+6, y+14, number(m.rate()))
			y += bar + gap
		}
		tallest = max(tallest, y-top)
		if column++; column == 2 {
			top, tallest, column = top+tallest+18, 0, 0
		}
	}
	if column > 0 {
		top += tallest + 18
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#222">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="20" y="28" font-size="16" font-weight="bold">Requests per second, higher is better; each panel has its own scale</text>
%s</svg>
`, wide, top, wide, top, body.Bytes())
}
