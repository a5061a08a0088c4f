package doctor

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// width is that of the page, in columns.
const width = 80

// A page is written section by section.
type page struct{ strings.Builder }

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	p := &page{}
	p.wrap("", "", r.Database+", "+r.Engine+" "+r.EngineVersion+". Nothing was changed.")
	p.verdict(r)
	p.findings("What stops Latchkey", r.Of(Stops))
	p.findings("To see to", r.Of(Decide))
	p.findings("Unsafe as it is now", r.Of(Unsafe))
	p.findings("What works", r.Of(Works))
	if r.Users != nil {
		p.users(r.Users)
		p.passwords(r.Passwords)
	}
	p.tables(r)
	if r.Configuration != "" {
		p.title("To paste into latchkey.yaml")
		for line := range strings.Lines(r.Configuration) {
			p.WriteString("  " + line)
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func (p *page) verdict(r *Report) {
	decide, unsafe := len(r.Of(Decide)), len(r.Of(Unsafe))
	p.WriteByte('\n')
	switch {
	case !r.Works:
		p.wrap("", "", "Latchkey CANNOT run on this database as it is: "+count(len(r.Of(Stops)), "thing stops it", "things stop it")+".")
	case decide > 0:
		p.wrap("", "", "Latchkey CAN run on this database. "+count(decide, "thing is", "things are")+" to see to first.")
	default:
		p.wrap("", "", "Latchkey CAN run on this database.")
	}
	if unsafe > 0 {
		p.wrap("", "", count(unsafe, "thing is", "things are")+" unsafe in it, with Latchkey or without.")
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (p *page) title(text string) {
	p.WriteString("\n" + strings.ToUpper(text) + "\n")
}

// wrap writes a text in lines, the first behind first, the others behind rest.
func (p *page) wrap(first, rest, text string) {
	line := first
	for word := range strings.FieldsSeq(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width && strings.TrimSpace(line) != "" && line != first {
			p.WriteString(line + "\n")
			line = rest
		}
		if line != first && line != rest {
			line += " "
		}
		line += word
	}
	p.WriteString(line + "\n")
}

func (p *page) findings(title string, findings []Finding) {
	if len(findings) == 0 {
		return
	}
	p.title(title)
	for _, f := range findings {
		p.wrap("  - ", "    ", f.Text)
		if f.Mend != "" {
			p.wrap("    > ", "      ", f.Mend)
		}
	}
}

// row writes cells in columns that are so wide; a cell that is wider shifts what follows.
func (p *page) row(widths []int, cells ...string) {
	line := " "
	for i, cell := range cells {
		line += " " + cell
		if i < len(widths) {
			line += strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(cell), 0)+1)
		}
	}
	p.WriteString(strings.TrimRight(line, " ") + "\n")
}

func (p *page) users(u *Users) {
	p.title("Users")
	table := u.Table + ", " + fmt.Sprint(u.Rows) + " rows"
	if u.Model != "" {
		table += ", the model " + u.Model
	}
	p.wrap("  table    ", "           ", table+"; "+u.FoundBy)
	p.row([]int{7}, "key", u.Key+", "+u.KeyType)
	p.row([]int{7}, "name", none(u.UsernameField))
	p.row([]int{7}, "address", none(u.EmailField))
	extra, stock := []Column{}, 0
	for _, c := range u.Columns {
		if c.Extra {
			extra = append(extra, c)
		} else {
			stock++
		}
	}
	p.wrap("  columns  ", "           ", fmt.Sprintf("%d of the %d of Django's own user%s", stock, len(stockColumns), u.without()))
	widths := []int{0, 0}
	for _, c := range extra {
		widths[0] = min(max(widths[0], len(c.Name)), 24)
		widths[1] = min(max(widths[1], len(shortType(c.Type))), 24)
	}
	for _, c := range extra {
		p.row(append([]int{7}, widths...), "extra", c.Name, shortType(c.Type), c.notes())
	}
}

// without names the columns of Django's own user that the table lacks.
func (u *Users) without() string {
	var missing []string
	for _, name := range stockColumns {
		if !slices.ContainsFunc(u.Columns, func(c Column) bool { return c.Name == name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return "; without " + list(missing)
}

// notes is what else there is to say of a column.
func (c Column) notes() string {
	var notes []string
	if c.Required {
		notes = append(notes, "required")
	}
	if c.Null {
		notes = append(notes, "may be NULL")
	}
	if c.Unique {
		notes = append(notes, "unique")
	}
	if c.Default != "" {
		notes = append(notes, "default "+short(c.Default, 24))
	}
	return strings.Join(notes, ", ")
}

func none(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// shortType is a type as people say it.
func shortType(declared string) string {
	return strings.NewReplacer("character varying", "varchar", "timestamp with time zone", "timestamptz", "timestamp without time zone", "timestamp").Replace(declared)
}

func short(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

func (p *page) passwords(all []Password) {
	if len(all) == 0 {
		return
	}
	p.title("Passwords")
	for _, kept := range all {
		what := kept.Hasher
		if kept.Parameters != "" {
			what += ", " + kept.Parameters
		}
		note := ""
		if kept.MadeBy != "" {
			note = "as " + kept.MadeBy + " makes them"
		}
		p.row([]int{8, 36}, fmt.Sprintf("%8d", kept.Users), what, note)
	}
}

func (p *page) tables(r *Report) {
	if len(r.Apps) == 0 && r.Users == nil {
		return
	}
	p.title("Tables and versions")
	for _, t := range r.Tables {
		rows := "     not there"
		if t.Found {
			rows = fmt.Sprintf("%9d rows", t.Rows)
		}
		p.row([]int{34, 14}, t.Name, rows, t.For)
	}
	var versions, others []string
	for _, app := range r.Apps {
		if app.Version != "" {
			versions = append(versions, app.Version)
		} else {
			others = append(others, app.Name)
		}
	}
	if len(r.Apps) > 0 {
		p.wrap("  ", "  ", "By their migrations: "+strings.Join(append(versions, "and the apps "+strings.Join(others, ", ")), "; ")+".")
	}
}
