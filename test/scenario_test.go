package test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A scenario is one recording of the reference stack: settings, rows that are there beforehand, and steps with what the
// reference answered to each.
type scenario struct {
	Name     string          `json:"name"`
	Settings json.RawMessage `json:"settings"`
	Users    []object        `json:"users"`
	Rows     []insert        `json:"rows"`
	Steps    []step          `json:"steps"`
}

// An insert is a row put into a table before the first step.
type insert struct {
	Table  string `json:"table"`
	Values object `json:"values"`
}

// A step is one of: a request, a JWT to be signed, rows to be read, a time to wait. Settled is what it must give.
type step struct {
	Request *request   `json:"request"`
	Sign    *sign      `json:"sign"`
	Select  *selection `json:"select"`
	Sleep   float64    `json:"sleep"` // seconds
	Capture object     `json:"capture"`

	Response object `json:"response"`
	Result   object `json:"result"`
	Instead  object `json:"instead"` // what Latchkey answers where the reference answered wrong
}

// A request has at most one of the five bodies.
type request struct {
	Method    string          `json:"method"` // POST where it is left out
	Path      string          `json:"path"`
	Headers   object          `json:"headers"`
	Bearer    *string         `json:"bearer"`
	JSON      json.RawMessage `json:"json"`
	Form      object          `json:"form"`
	Multipart object          `json:"multipart"`
	Raw       *string         `json:"raw"`
	Hex       *string         `json:"hex"`
}

// A sign step makes a JWT and remembers it by name; whole numbers in exp and iat count from now.
type sign struct {
	Name   string  `json:"name"`
	Claims object  `json:"claims"`
	Secret *string `json:"secret"`
	Alg    string  `json:"alg"`
}

// A selection reads columns of a table, all rows or those where the columns named in Where have the values.
type selection struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Where   object   `json:"where"`
}

// want is what a step must give, empty for a step that gives nothing.
func (s *step) want() object {
	switch {
	case s.Instead != nil:
		return s.Instead
	case s.Response != nil:
		return s.Response
	}
	return s.Result
}

// A group is all scenarios that one server can play, having the same settings.
type group struct {
	settings  json.RawMessage
	scenarios []*scenario
}

// readScenarios reads every recording under the folder, sorted by path, grouped by settings.
func readScenarios(folder string) ([]*group, error) {
	var groups []*group
	byText := map[string]*group{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		s := new(scenario)
		if err := json.Unmarshal(data, s); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		key, err := canonical(s.Settings)
		if err != nil {
			return fmt.Errorf("%s: settings: %w", path, err)
		}
		if s.readsPasswords() {
			key += " full cost"
		}
		g := byText[key]
		if g == nil {
			g = &group{settings: s.Settings}
			byText[key] = g
			groups = append(groups, g)
		}
		g.scenarios = append(g.scenarios, s)
		return nil
	})
	return groups, err
}

// canonical writes settings in one way, whatever the order of their keys.
func canonical(settings json.RawMessage) (string, error) {
	if settings == nil {
		return "{}", nil
	}
	var v any
	if err := json.Unmarshal(settings, &v); err != nil {
		return "", err
	}
	out, err := json.Marshal(v)
	return string(out), err
}

// readsPasswords says whether a step looks at stored hashes. Only then does it matter how many rounds they have.
func (s *scenario) readsPasswords() bool {
	return slices.ContainsFunc(s.Steps, func(st step) bool {
		return st.Select != nil && slices.ContainsFunc(st.Select.Columns, func(column string) bool {
			return strings.Contains(column, "password")
		})
	})
}

// waits says whether time has to pass between the steps.
func (s *scenario) waits() bool {
	return slices.ContainsFunc(s.Steps, func(st step) bool { return st.Sleep > 0 })
}
