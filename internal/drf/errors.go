package drf

import (
	"net/http"

	"latchkey/internal/message"
)

// An Error is an answer that is not a success: its status, its body and the headers that belong to it.
// A nil body sends none.
type Error struct {
	Status int
	Body   any // what Encode takes: Object, List, string …
	Header http.Header
}

// Error names the status and the body, for logs and tests.
func (e *Error) Error() string {
	return http.StatusText(e.Status) + " " + string(Encode(e.Body))
}

// Detail is DRF's error of one message: {"detail": "…"}.
func Detail(status int, detail *message.Text) *Error {
	return &Error{Status: status, Body: Object{{"detail", detail}}}
}

// DetailCode is Detail with the code that SimpleJWT puts beside it.
func DetailCode(status int, detail *message.Text, code string) *Error {
	return &Error{Status: status, Body: Object{{"detail", detail}, {"code", code}}}
}

// Invalid is a 400 with the messages of one field.
func Invalid(field string, messages ...*message.Text) *Error {
	return &Error{Status: http.StatusBadRequest, Body: Object{{field, Texts(messages)}}}
}

// Bare is a 400 whose body is just a list of messages, as djoser's two serializer failures are.
func Bare(messages ...*message.Text) *Error {
	return &Error{Status: http.StatusBadRequest, Body: Texts(messages)}
}

// An Object is a JSON object whose keys stay in order: order is part of an answer.
type Object []Member

// A Member is one key of an Object with its value.
type Member struct {
	Key   string
	Value any
}

// A List is a JSON list.
type List []any

// Texts is a JSON list of texts.
func Texts(texts []*message.Text) List {
	list := make(List, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}
