package transfer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxRecord bounds a record, and with it what a quote or a brace that is never closed can take of memory.
const maxRecord = 1 << 20

// A record is a user, or another object of a dump, as a file has it.
type record struct {
	line int
	// model is that of a dump's object; empty for what is a user without saying so.
	model string
	// values are texts of CSV, or json.RawMessage; those of a dump's object are its fields, with its key under key.
	values map[string]any
	// wrong is what makes the record unreadable.
	wrong string
}

// key is under which a dump's primary key stands among the values: no field has such a name.
const key = "(pk)"

// A reader reads records. Its error is io.EOF after the last one, and otherwise says why nothing behind can be read.
type reader interface {
	next() (record, error)
	offset() int64 // of the bytes read
}

func open(format Format, src io.Reader) (reader, error) {
	buffered := bufio.NewReaderSize(src, 64<<10)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3) // they are there
	}
	switch format {
	case CSV:
		return openCSV(buffered)
	case JSONLines:
		lines := bufio.NewScanner(buffered)
		lines.Buffer(nil, maxRecord)
		return &linesReader{lines: lines}, nil
	case Dumpdata:
		return openDump(buffered)
	}
	return nil, fmt.Errorf("the format %q is not known: csv, jsonl or dumpdata", format)
}

// A bounded source fails when more than maxRecord bytes are read for one record.
type bounded struct {
	io.Reader
	left int
}

var errLongRecord = fmt.Errorf("a record of more than %d bytes: is a quote or a bracket not closed?", maxRecord)

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRecord
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// A lineCounter tells the line of an offset of what was read through it.
type lineCounter struct {
	io.Reader
	end    int64   // of what was read
	breaks []int64 // offsets of the line breaks that are not passed
	passed int     // how many are
}

func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.breaks = append(l.breaks, l.end+int64(i))
		}
	}
	l.end += int64(n)
	return n, err
}

// line is the line of an offset. Offsets must rise.
func (l *lineCounter) line(offset int64) int {
	n, _ := slices.BinarySearch(l.breaks, offset)
	l.passed += n
	l.breaks = append(l.breaks[:0], l.breaks[n:]...)
	return l.passed + 1
}

// csvReader reads CSV.
type csvReader struct {
	src    *bounded
	csv    *csv.Reader
	header []string
}

func openCSV(src io.Reader) (*csvReader, error) {
	r := &csvReader{src: &bounded{src, maxRecord}}
	r.csv = csv.NewReader(r.src)
	r.csv.FieldsPerRecord = -1
	header, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line names columns of the user table")
	}
	if err != nil {
		return nil, err
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		if slices.Contains(header[:i], header[i]) {
			return nil, fmt.Errorf("the first line names %s twice", header[i])
		}
	}
	r.header = header
	return r, nil
}

func (r *csvReader) next() (record, error) {
	r.src.left = maxRecord
	fields, err := r.csv.Read()
	var wrong *csv.ParseError
	switch {
	case errors.As(err, &wrong):
		return record{line: wrong.StartLine, wrong: wrong.Err.Error()}, nil
	case err != nil:
		return record{}, err
	}
	line, _ := r.csv.FieldPos(0)
	if len(fields) != len(r.header) {
		return record{line: line, wrong: fmt.Sprintf("there are %d values, and the first line names %d columns", len(fields), len(r.header))}, nil
	}
	rec := record{line: line, values: make(map[string]any, len(fields))}
	for i, name := range r.header {
		rec.values[name] = fields[i]
	}
	return rec, nil
}

func (r *csvReader) offset() int64 { return r.csv.InputOffset() }

// linesReader reads JSON lines.
type linesReader struct {
	lines *bufio.Scanner
	line  int
	read  int64
}

func (r *linesReader) next() (record, error) {
	for r.lines.Scan() {
		r.line++
		r.read += int64(len(r.lines.Bytes())) + 1
		if text := bytes.TrimSpace(r.lines.Bytes()); len(text) > 0 {
			return parseObject(text, r.line), nil
		}
	}
	if err := r.lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return record{}, fmt.Errorf("line %d: %w", r.line+1, errLongRecord)
	} else if err != nil {
		return record{}, err
	}
	return record{}, io.EOF
}

func (r *linesReader) offset() int64 { return r.read }

// dumpReader reads the array of a dump, object by object.
type dumpReader struct {
	src   *bounded
	lines *lineCounter
	json  *json.Decoder
}

func openDump(src io.Reader) (*dumpReader, error) {
	r := &dumpReader{src: &bounded{src, maxRecord}}
	r.lines = &lineCounter{Reader: r.src}
	r.json = json.NewDecoder(r.lines)
	if token, err := r.json.Token(); err != nil || token != json.Delim('[') {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, r.explain(err)
		}
		return nil, errors.New("this is no dump: one begins with [ and holds objects with model, pk and fields; for an object per line give --format jsonl")
	}
	return r, nil
}

func (r *dumpReader) next() (record, error) {
	r.src.left = maxRecord
	if !r.json.More() {
		if _, err := r.json.Token(); err != nil {
			return record{}, r.explain(err)
		}
		return record{}, io.EOF
	}
	var text json.RawMessage
	if err := r.json.Decode(&text); err != nil {
		return record{}, r.explain(err)
	}
	rec := parseObject(text, r.lines.line(r.json.InputOffset()-int64(len(text))))
	if rec.model == "" && rec.wrong == "" {
		rec.wrong = "an object of a dump has model, pk and fields"
	}
	return rec, nil
}

// explain says where the JSON breaks off.
func (r *dumpReader) explain(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: this is no JSON: %w", r.lines.line(syntax.Offset), err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file ends in the middle of the dump")
	}
	return err
}

func (r *dumpReader) offset() int64 { return r.json.InputOffset() }

// parseObject reads a JSON object: a dump's, which it knows by model and fields, or columns and their values.
func parseObject(text []byte, line int) record {
	rec := record{line: line}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil || !utf8.Valid(text) {
		rec.wrong = "this is no JSON object"
		return rec
	}
	if object["model"] != nil && object["fields"] != nil {
		var fields map[string]json.RawMessage
		if json.Unmarshal(object["model"], &rec.model) != nil || json.Unmarshal(object["fields"], &fields) != nil || rec.model == "" {
			rec.wrong = "model is a text and fields an object"
			return rec
		}
		if pk := object["pk"]; pk != nil && string(pk) != "null" {
			fields[key] = pk
		}
		object = fields
	}
	rec.values = make(map[string]any, len(object))
	for name, value := range object {
		rec.values[name] = value
	}
	return rec
}
