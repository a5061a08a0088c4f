package openapi

import (
	"cmp"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/drf"
)

// prefix is what projects put before all their APIs: no name has it.
var prefix = regexp.MustCompile(`^/api(/v[0-9]+)?(/|$)`)

// segments are the words of a path that name its operations. The first one is their tag.
func segments(path string) []string {
	var words []string
	for word := range strings.SplitSeq(prefix.ReplaceAllString(path, "/"), "/") {
		if word != "" && word[0] != '{' {
			words = append(words, notWord.ReplaceAllString(word, "_"))
		}
	}
	if len(words) == 0 {
		return []string{"root"}
	}
	return words
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// actions are what Django REST framework calls the methods.
var actions = map[string]string{
	http.MethodGet: "retrieve", http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "partial_update", http.MethodDelete: "destroy",
}

// operationID names an operation by its path and its action, with a number behind the names that are taken.
func (b *builder) operationID(words []string, e drf.Endpoint) string {
	action := cmp.Or(e.Action, actions[e.Method])
	if slices.ContainsFunc(e.Answers, func(a drf.Answer) bool { return a.Many }) {
		action = "list"
	}
	name := strings.Join(words, "_") + "_" + action
	id := name
	for n := 2; b.operations[id]; n++ {
		id = name + "_" + strconv.Itoa(n)
	}
	b.operations[id] = true
	return id
}

// component keeps a schema under a name and refers to it. A name that stands for something else gets its dialect before it, and then a number behind it.
func (b *builder) component(dialect, name string, s *schema) *schema {
	candidate := name
	for n := 1; ; n++ {
		i := slices.IndexFunc(b.components.Schemas, func(e entry[*schema]) bool { return e.name == candidate })
		if i < 0 {
			b.components.Schemas.set(candidate, s)
		}
		if i < 0 || reflect.DeepEqual(b.components.Schemas[i].value, s) {
			return &schema{Ref: "#/components/schemas/" + candidate}
		}
		candidate = dialect + name
		if n > 1 {
			candidate += strconv.Itoa(n)
		}
	}
}
