package drf

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"latchkey/internal/message"
)

// A File is an uploaded file in a multipart form. No field here takes one, so only its name is kept.
type File struct {
	Name string
}

// parseMultipart reads a multipart form. As in Django it takes what it can get: a body without parts is an empty form, a missing end is forgiven,
// parts without a name are left out. A file beats a text of the same name.
func parseMultipart(data []byte, contentType string, c charset, limits Limits) (Object, error) {
	boundary, err := boundaryOf(contentType)
	if err != nil {
		return nil, Detail(http.StatusBadRequest, message.T("Multipart form parse error - {error}", "error", err.Error()))
	}
	form, files := Object{}, Object{}
	reader := multipart.NewReader(bytes.NewReader(data), boundary)
	for {
		part, err := reader.NextRawPart()
		if err != nil { // the end, or nothing more to be understood
			return append(form, files...), nil
		}
		disposition := part.Header.Get("Content-Disposition")
		name, ok := parameter(disposition, "name")
		if name = cmp.Or(name, part.FormName()); name == "" && !ok { // FormName also reads RFC 2231's name*
			continue
		}
		name = Strip(c.replace([]byte(name)))
		file, _ := parameter(disposition, "filename")
		if file = cmp.Or(file, part.FileName()); file != "" {
			if len(files) == limits.Files {
				return nil, tooManyFiles(limits.Files)
			}
			files = append(files, Member{name, File{file}})
			continue
		}
		if len(form) == limits.Fields {
			return nil, tooManyFields(limits.Fields)
		}
		content, _ := io.ReadAll(part) // an error is a body that ends early
		if strings.EqualFold(strings.TrimSpace(part.Header.Get("Content-Transfer-Encoding")), "base64") {
			content = fromBase64(content)
		}
		form = append(form, Member{name, c.replace(content)})
	}
}

// boundaryOf is the boundary a multipart header names. The errors are Django's.
func boundaryOf(contentType string) (string, error) {
	if !strings.HasPrefix(contentType, "multipart/") { // Django compares with case here, though DRF did not
		return "", fmt.Errorf("Invalid Content-Type: %s", fromLatin1([]byte(contentType)))
	}
	if strings.ContainsFunc(fromLatin1([]byte(contentType)), func(r rune) bool { return r >= 0x80 }) {
		return "", fmt.Errorf("Invalid non-ASCII Content-Type in multipart: %s", fromLatin1([]byte(contentType)))
	}
	boundary, ok := parameter(contentType, "boundary")
	if !ok {
		boundary = "None"
	}
	printable := !strings.ContainsFunc(boundary, func(r rune) bool { return r < ' ' || r > '~' })
	if !ok || boundary == "" || len(boundary) > 201 || !printable || strings.HasSuffix(boundary, " ") {
		return "", fmt.Errorf("Invalid boundary in multipart: %s", boundary)
	}
	return boundary, nil
}

// fromBase64 decodes as Python's b64decode does, which passes over whatever is not of the alphabet; what cannot be decoded stays as it is.
func fromBase64(content []byte) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
	encoded := bytes.Map(func(r rune) rune {
		if strings.ContainsRune(alphabet, r) {
			return r
		}
		return -1
	}, content)
	decoded, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return content
	}
	return decoded
}
