package store

import (
	"context"
	"regexp"
	"strconv"
	"strings"
)

// A Kind is what a column's values are, whatever the engine calls its type.
type Kind string

// The kinds that Django's fields make.
const (
	Text     Kind = "text"
	Integer  Kind = "integer"
	Boolean  Kind = "boolean"
	Datetime Kind = "datetime"
	Date     Kind = "date"
	Decimal  Kind = "decimal"
	UUID     Kind = "uuid"
	JSON     Kind = "json"
	Other    Kind = "other" // times of day, floats, binaries, addresses, arrays: whatever else there is
)

// A Column is a column of a table as the database describes it.
type Column struct {
	Name    string
	Type    string // as declared: varchar(150), timestamp with time zone
	Kind    Kind
	Length  int   // the most characters of a text; 0 where nothing is said
	Digits  int   // all digits of a decimal; 0 where nothing is said, as on SQLite
	Places  int   // those behind the point
	Min     int64 // the bounds of an integer
	Max     int64
	Null    bool
	Default string // the SQL expression; empty for none
	Primary bool
	Unique  bool // alone, whether as primary key or by an index
	// Numbered columns number new rows by themselves; Computed ones are made of others and cannot be written.
	Numbered, Computed bool
	// References is the table that a foreign key leads to, ReferencesColumn its column.
	References, ReferencesColumn string
}

// Optional tells whether a new row may leave the column out.
func (c Column) Optional() bool { return c.Null || c.filled() }

// filled tells whether the database fills in what a new row leaves out.
func (c Column) filled() bool { return c.Default != "" || c.Numbered || c.Computed }

// Columns describes a table's columns in their order; none when there is no such table.
func (s *Store) Columns(ctx context.Context, table string) ([]Column, error) {
	var columns []Column
	err := s.each(ctx, func(rows row) error {
		var c Column
		var isJSON, unsigned bool
		err := rows.Scan(&c.Name, &c.Type, flag{&c.Null}, &c.Default, flag{&c.Primary}, flag{&c.Unique}, flag{&c.Numbered}, flag{&c.Computed},
			&c.References, &c.ReferencesColumn, flag{&isJSON}, flag{&unsigned})
		c.classify(isJSON)
		if c.Kind == Integer {
			c.Max = s.engine.maxInt[strings.Fields(strings.ToLower(c.Type))[0]]
			if c.Min = 0; !unsigned {
				c.Min = -c.Max - 1
			}
		}
		columns = append(columns, c)
		return err
	}, s.engine.columns, table)
	return columns, err
}

// kinds are the first words of declared types: SQLite's as Django writes them, PostgreSQL's as format_type does.
var kinds = map[string]Kind{
	"varchar": Text, "character": Text, "char": Text, "text": Text, "citext": Text,
	"integer": Integer, "bigint": Integer, "smallint": Integer, "int": Integer,
	"bool": Boolean, "boolean": Boolean, "datetime": Datetime, "timestamp": Datetime, "date": Date,
	"decimal": Decimal, "numeric": Decimal, "uuid": UUID, "json": JSON, "jsonb": JSON,
}

// declared is a type's first word and the numbers behind it.
var declared = regexp.MustCompile(`^([a-z]+)[a-z ]*(?:\((\d+)(?:,\s*(\d+))?\))?( without time zone)?$`)

// classify reads the kind and its limits off the declared type.
func (c *Column) classify(isJSON bool) {
	c.Kind = Other
	parts := declared.FindStringSubmatch(strings.ToLower(c.Type))
	if parts == nil {
		return
	}
	if kind, ok := kinds[parts[1]]; ok {
		c.Kind = kind
	}
	first, _ := strconv.Atoi(parts[2]) // none is 0
	second, _ := strconv.Atoi(parts[3])
	switch {
	case isJSON:
		c.Kind = JSON
	case c.Kind == Text && parts[1] == "char" && first == 32:
		c.Kind = UUID // SQLite has no type for it, and Django takes this one for nothing else
	case c.Kind == Text:
		c.Length = first
	case c.Kind == Decimal:
		c.Digits, c.Places = first, second
	case c.Kind == Datetime && strings.Contains(c.Type, "without time zone"):
		c.Kind = Other // wall-clock times, of a project without USE_TZ
	}
}
