package transfer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"latchkey/internal/store"
)

// pageRows is how many users are read at a time.
const pageRows = 1000

// An Export writes all users to a file, by their keys, in a form that an Import reads.
type Export struct {
	Store *store.Store
	// Label is the user model's name in dumps, auth.User.
	Label  string
	Format Format
	// WithPasswords writes the password hashes too.
	WithPasswords bool
	// Progress is told how many users are written.
	Progress func(users int64)
}

// Run writes the file and tells how many users are in it. All of it is of one moment.
func (ex *Export) Run(ctx context.Context, dst io.Writer) (users int64, err error) {
	buffered := bufio.NewWriterSize(dst, 64<<10)
	err = ex.Store.Snapshot(ctx, func(tx *store.Store) error {
		columns, err := ex.columns(ctx, tx)
		if err != nil {
			return err
		}
		out, err := ex.writer(buffered, columns)
		if err != nil {
			return err
		}
		if users, err = ex.users(ctx, tx, columns, out); err != nil {
			return err
		}
		if dump, ok := out.(*dumpWriter); ok && tx.Apps().Allauth {
			if err := ex.addresses(ctx, tx, dump); err != nil {
				return err
			}
		}
		return out.end()
	})
	if err != nil {
		return users, err
	}
	return users, buffered.Flush()
}

// columns are those that are written.
func (ex *Export) columns(ctx context.Context, tx *store.Store) ([]store.Column, error) {
	all, err := tx.UserColumns(ctx)
	if err != nil {
		return nil, err
	}
	var columns []store.Column
	for _, c := range all {
		if !c.Computed && (c.Name != "password" || ex.WithPasswords) {
			columns = append(columns, c)
		}
	}
	return columns, nil
}

func (ex *Export) users(ctx context.Context, tx *store.Store, columns []store.Column, out writer) (n int64, err error) {
	var after store.ID
	for {
		page, err := tx.UserRows(ctx, columns, after, pageRows)
		if err != nil {
			return n, err
		}
		for _, row := range page {
			if err := out.user(row); err != nil {
				return n, err
			}
			after = row.ID
		}
		n += int64(len(page))
		ex.Progress(n)
		if len(page) < pageRows {
			return n, nil
		}
	}
}

// addresses writes allauth's addresses behind a dump's users, as they stand in a dump of Django's.
func (ex *Export) addresses(ctx context.Context, tx *store.Store, out *dumpWriter) error {
	for after := int64(0); ; {
		page, err := tx.EmailAddressesAfter(ctx, after, pageRows)
		if err != nil {
			return err
		}
		for _, a := range page {
			err := out.object(addressModel, json.Number(fmt.Sprint(a.ID)), []field{
				{"user", number(a.UserID)}, {"email", a.Email}, {"verified", a.Verified}, {"primary", a.Primary},
			})
			if err != nil {
				return err
			}
			after = a.ID
		}
		if len(page) < pageRows {
			return nil
		}
	}
}

// number is a user's key as JSON has it.
func number(id store.ID) any {
	if _, ok := id.Int(); ok {
		return json.Number(id.String())
	}
	return id.String()
}

// A writer writes users in a format.
type writer interface {
	user(row store.UserRow) error
	end() error
}

func (ex *Export) writer(dst io.Writer, columns []store.Column) (writer, error) {
	verified := ex.Store.Apps().Allauth
	switch ex.Format {
	case CSV:
		w := &csvWriter{csv: csv.NewWriter(dst), verified: verified}
		header := make([]string, len(columns), len(columns)+1)
		for i, c := range columns {
			header[i] = c.Name
		}
		if verified {
			header = append(header, verifiedField)
		}
		return w, w.csv.Write(header)
	case JSONLines:
		return &linesWriter{dst: dst, columns: columns, verified: verified}, nil
	case Dumpdata:
		return &dumpWriter{dst: dst, columns: columns, label: strings.ToLower(ex.Label)}, nil
	}
	return nil, fmt.Errorf("the format %q is not known: csv, jsonl or dumpdata", ex.Format)
}

type csvWriter struct {
	csv      *csv.Writer
	verified bool
}

func (w *csvWriter) user(row store.UserRow) error {
	cells := make([]string, len(row.Values), len(row.Values)+1)
	for i, value := range row.Values {
		switch value := value.(type) {
		case nil:
		case json.RawMessage:
			cells[i] = string(value)
		default:
			cells[i] = fmt.Sprint(value)
		}
	}
	if w.verified {
		cells = append(cells, fmt.Sprint(row.Verified))
	}
	return w.csv.Write(cells)
}

func (w *csvWriter) end() error {
	w.csv.Flush()
	return w.csv.Error()
}

// A field is a member of an object.
type field struct {
	name  string
	value any
}

// object writes members in their order.
func object(fields []field) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		if err := encoder.Encode(f.name); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // Encode ends with a line break
		b.WriteString(": ")
		if err := encoder.Encode(f.value); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type linesWriter struct {
	dst      io.Writer
	columns  []store.Column
	verified bool
}

func (w *linesWriter) user(row store.UserRow) error {
	fields := make([]field, len(row.Values), len(row.Values)+1)
	for i, value := range row.Values {
		fields[i] = field{w.columns[i].Name, value}
	}
	if w.verified {
		fields = append(fields, field{verifiedField, row.Verified})
	}
	text, err := object(fields)
	if err != nil {
		return err
	}
	_, err = w.dst.Write(append(text, '\n'))
	return err
}

func (w *linesWriter) end() error { return nil }

type dumpWriter struct {
	dst     io.Writer
	columns []store.Column
	label   string
	begun   bool
}

func (w *dumpWriter) user(row store.UserRow) error {
	var pk any
	var fields []field
	for i, c := range w.columns {
		switch name := c.Name; {
		case c.Primary:
			pk = row.Values[i]
		case c.References != "":
			fields = append(fields, field{strings.TrimSuffix(name, "_id"), row.Values[i]}) // Django names the field, not its column
		default:
			fields = append(fields, field{name, row.Values[i]})
		}
	}
	return w.object(w.label, pk, fields)
}

// object writes an object on a line of its own.
func (w *dumpWriter) object(model string, pk any, fields []field) error {
	inner, err := object(fields)
	if err != nil {
		return err
	}
	text, err := object([]field{{"model", model}, {"pk", pk}, {"fields", json.RawMessage(inner)}})
	if err != nil {
		return err
	}
	separator := ",\n"
	if !w.begun {
		separator, w.begun = "[\n", true
	}
	_, err = w.dst.Write(append([]byte(separator), text...))
	return err
}

func (w *dumpWriter) end() error {
	text := "\n]\n"
	if !w.begun {
		text = "[]\n"
	}
	_, err := io.WriteString(w.dst, text)
	return err
}
