// Package transfer brings users in from files and writes them out: CSV, JSON lines, and Django's dumpdata. The command line calls it. It knows the formats
// and how far a file may be wrong; what a user row must hold is the table's to say, and what follows from one is account's.
package transfer

import (
	"fmt"
	"path/filepath"
	"strings"
)

// A Format is what a file's records look like.
type Format string

// The three formats.
const (
	// CSV begins with a line that names columns of the user table.
	CSV Format = "csv"
	// JSONLines has an object per line whose keys are columns of the user table, or an object as dumpdata writes it.
	JSONLines Format = "jsonl"
	// Dumpdata is the array of objects that Django's dumpdata writes and its loaddata reads.
	Dumpdata Format = "dumpdata"
)

// FormatOf tells the format by a file's name.
func FormatOf(name string) (Format, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return CSV, nil
	case ".jsonl", ".ndjson":
		return JSONLines, nil
	case ".json":
		return Dumpdata, nil
	}
	return "", fmt.Errorf("the name %s does not say what is in the file: give --format csv, jsonl or dumpdata", name)
}

const (
	// verifiedField stands beside the columns in CSV and JSON lines: is the user's own address proven? It is a row of account_emailaddress.
	verifiedField = "email_verified"
	// addressModel is allauth's model of the addresses in a dump.
	addressModel = "account.emailaddress"
)

// A Problem is what is wrong with a line.
type Problem struct {
	Line    int
	Column  string // empty where it is the whole record
	Message string
}

func (p Problem) String() string {
	text := fmt.Sprintf("%d: ", p.Line)
	if p.Column != "" {
		text += p.Column + ": "
	}
	return text + p.Message
}
