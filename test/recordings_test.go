// Package test plays Latchkey from outside: the recordings of the reference stack against a whole server, and the real
// program.
package test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/internal/config"
	"latchkey/internal/testenv"
)

// TestRecordings plays every recording on both databases. In the profile exact Latchkey must answer as the reference did; in the
// profile safe the listed differences must show, and no other.
func TestRecordings(t *testing.T) {
	groups, err := readScenarios("recordings")
	if err != nil {
		t.Fatal(err)
	}
	if len(groups) == 0 {
		t.Fatal("there are no recordings")
	}
	safely, err := safeAnswers(groups)
	if err != nil {
		t.Fatal(err)
	}
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		postgres := strings.HasPrefix(url, "postgres")
		t.Run(config.Exact, func(t *testing.T) {
			for _, g := range groups {
				g.run(t, config.Exact, postgres, nil)
			}
		})
		t.Run(config.Safe, func(t *testing.T) {
			for _, g := range groups {
				g.run(t, config.Safe, postgres, safely)
			}
		})
	})
}

// A place is a step of a scenario, counted from 0.
type place struct {
	scenario string
	step     int
}

// run plays a group's scenarios as subtests on one database. The profile exact plays all of them on one server, which so must not
// trust what it remembers; in the profile safe each has its own, since the limits of that profile count per process.
func (g *group) run(t *testing.T, profile string, postgres bool, otherwise map[place]object) {
	var shared *target
	life := new(lasting)
	defer func() { life.end(t) }()
	for _, s := range g.scenarios {
		t.Run(s.Name, func(t *testing.T) {
			life.TB = t
			if shared == nil {
				shared = newTarget(life, postgres, profile, g)
			}
			if profile == config.Safe || shared.address == "" {
				if err := shared.start(); err != nil {
					t.Fatal(err)
				}
			}
			problems := shared.check(s, otherwise)
			for try := 1; len(problems) > 0 && s.waits() && try < 3; try++ {
				problems = shared.check(s, otherwise) // it races against the clock, and the machine may have been busy
			}
			for _, p := range problems {
				t.Error(p)
			}
			if t.Failed() {
				t.Logf("the server said:\n%s", shared.log)
			}
		})
	}
}

// check plays a scenario and says what is not as it must be.
func (t *target) check(s *scenario, otherwise map[place]object) (problems []string) {
	got, err := t.play(s)
	for i := range got {
		want := s.Steps[i].want()
		if other, ok := otherwise[place{s.Name, i}]; ok {
			want = other
		}
		if a, b := show(want), show(got[i]); a != b {
			problems = append(problems, fmt.Sprintf("step %d\n%s", i, unified(a, b)))
		}
	}
	if err != nil {
		problems = append(problems, err.Error())
	}
	return problems
}

// safeAnswers applies the differences to the recordings: what the profile safe answers at each of the places.
func safeAnswers(groups []*group) (map[place]object, error) {
	recorded := map[place]object{}
	for _, g := range groups {
		for _, s := range g.scenarios {
			for i := range s.Steps {
				recorded[place{s.Name, i}] = s.Steps[i].want()
			}
		}
	}
	out := map[place]object{}
	for _, d := range differences {
		at := place{d.scenario, d.step}
		want, ok := recorded[at]
		if !ok {
			return nil, fmt.Errorf("a difference is listed for %s step %d, which is not recorded", d.scenario, d.step)
		}
		if _, twice := out[at]; twice {
			return nil, fmt.Errorf("two differences are listed for %s step %d", d.scenario, d.step)
		}
		var change object
		if err := change.UnmarshalJSON([]byte(d.safe)); err != nil {
			return nil, fmt.Errorf("%s step %d: %w", d.scenario, d.step, err)
		}
		safe := want
		for _, m := range change {
			if m.value == nil {
				safe = safe.without(m.name)
			} else {
				safe = safe.with(m.name, m.value)
			}
		}
		if show(safe) == show(want) {
			return nil, fmt.Errorf("the difference listed for %s step %d is none", d.scenario, d.step)
		}
		out[at] = safe
	}
	return out, nil
}
