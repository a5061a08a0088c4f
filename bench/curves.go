package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strings"
)

// find is a point, or nil where it was not measured.
func (g *growth) find(s *series, request, stack string, size int) *point {
	for i, p := range g.points {
		if p.series == s && p.request == request && p.stack == stack && p.size == size {
			return &g.points[i]
		}
	}
	return nil
}

// sizes are those of a series, smallest first.
func (g *growth) sizes(s *series) (sizes []int) {
	for size := 1000; ; size *= 10 {
		there := false
		for _, p := range g.points {
			there = there || p.series == s && p.size == size
		}
		if !there {
			return sizes
		}
		sizes = append(sizes, size)
	}
}

// text is the report of -growth.
func (g *growth) text(markdown bool) string {
	var b strings.Builder
	for _, s := range allSeries {
		sizes := g.sizes(s)
		if sizes == nil {
			continue
		}
		head := []string{s.of}
		for _, size := range sizes {
			head = append(head, power(size))
		}
		for _, value := range []struct {
			name string
			of   func(p *point) float64
		}{{"CPU µs of a request, of server and database", func(p *point) float64 { return p.cost }}, {"p50 ms", func(p *point) float64 { return p.p50 }}} {
			rows := [][]string{append([]string{value.name}, head[1:]...)}
			for _, request := range s.requests {
				for _, stack := range stackNames {
					row, measured := []string{request + ", " + strings.TrimPrefix(label[stack], "Latchkey, ")}, false
					for _, size := range sizes {
						cell := "–"
						if p := g.find(s, request, stack, size); p != nil {
							cell = number(value.of(p))
							measured = measured || !math.IsNaN(value.of(p))
						}
						row = append(row, cell)
					}
					if measured {
						rows = append(rows, row)
					}
				}
			}
			fmt.Fprintf(&b, "%s\n\n", s.of)
			table(&b, rows, markdown)
		}
	}
	rows := [][]string{{"while expired tokens are deleted", "p99 ms, quiet", "p99 ms, meanwhile", "times"}}
	for _, c := range g.cleanings {
		quiet, during := median(c.quiet), median(c.during)
		rows = append(rows, []string{c.request + ", " + strings.TrimPrefix(label[c.stack], "Latchkey, "), number(quiet), number(during), number(during / quiet)})
	}
	if len(rows) > 1 {
		table(&b, rows, markdown)
	}
	for _, stack := range stackNames {
		if g.cleaned[stack] != "" {
			fmt.Fprintf(&b, "%s: deleted %s\n", label[stack], g.cleaned[stack])
		}
	}
	return b.String()
}

// power writes a size.
func power(size int) string {
	return fmt.Sprintf("10^%d", int(math.Round(math.Log10(float64(size)))))
}

// svg is the processor time of requests against size, both in powers of ten: a panel for each series, whole lines for SQLite and broken ones for PostgreSQL.
func (g *growth) svg() []byte {
	const wide, high, left, top, gap = 290, 300, 60, 60, 40
	colour := map[string]string{"me": "#1a56c4", "login": "#c2702a", "rotate": "#2a8a4a", "register": "#8a4ab0", "reset": "#c22a3a", "reset, indexed": "#777"}
	var body bytes.Buffer
	x0 := left
	var requests []string
	for _, s := range allSeries {
		sizes := g.sizes(s)
		if sizes == nil {
			continue
		}
		low, most := math.Inf(1), 0.0
		for _, p := range g.points {
			if p.series == s && p.cost > 0 {
				low, most = min(low, p.cost), max(most, p.cost)
			}
		}
		low, most = math.Floor(math.Log10(low)), math.Ceil(math.Log10(most))
		across := func(i int) float64 { return float64(x0) + float64(i)*wide/float64(max(len(sizes)-1, 1)) }
		up := func(cost float64) float64 { return top + high - (math.Log10(cost)-low)/(most-low)*high }
		fmt.Fprintf(&body, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", x0, top-12, html.EscapeString(s.of))
		for e := low; e <= most; e++ {
			y := up(math.Pow(10, e))
			fmt.Fprintf(&body, `<path d="M%d %.1fh%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" font-size="11">%s</text>`+"\n", x0, y, wide, x0-5, y+4, duration(e))
		}
		for i, size := range sizes {
			fmt.Fprintf(&body, `<text x="%.1f" y="%d" text-anchor="middle" font-size="11">10<tspan dy="-4" font-size="8">%s</tspan></text>`+"\n", across(i), top+high+16, strings.TrimPrefix(power(size), "10^"))
		}
		for _, request := range s.requests {
			for _, stack := range stackNames {
				line := ""
				for i, size := range sizes {
					if p := g.find(s, request, stack, size); p != nil && p.cost > 0 {
						line += fmt.Sprintf(" %.1f,%.1f", across(i), up(p.cost))
					}
				}
				dash := ""
				if stack == "postgres" {
					dash = ` stroke-dasharray="5 4"`
				}
				if line != "" {
					fmt.Fprintf(&body, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", line[1:], colour[request], dash)
				}
			}
		}
		if len(s.requests) > len(requests) {
			requests = s.requests
		}
		x0 += wide + left + gap/2
	}
	x := left
	for _, request := range requests {
		if colour[request] != "" {
			fmt.Fprintf(&body, `<path d="M%d %dh24" stroke="%s" stroke-width="2"/><text x="%d" y="%d">%s</text>`+"\n", x, top+high+42, colour[request], x+30, top+high+46, request)
			x += 60 + 7*len(request)
		}
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="13" fill="#222">
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="20" y="24" font-size="16" font-weight="bold">Processor time of a request, of server and database: whole lines SQLite, broken lines PostgreSQL</text>
%s</svg>
`, max(x0, x+20), top+high+62, body.Bytes())
}

// duration writes a power of ten of microseconds.
func duration(e float64) string {
	v := math.Pow(10, e)
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%g s", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%g ms", v/1e3)
	}
	return fmt.Sprintf("%g µs", v)
}
