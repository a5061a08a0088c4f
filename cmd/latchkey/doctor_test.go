package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestDoctor(t *testing.T) {
	s := newShell(t)
	if _, problems := s.run(2, "", "doctor"); !strings.Contains(problems, "which database?") {
		t.Errorf("no database: %s", problems)
	}
	if _, problems := s.run(1, "", "doctor", "--database", "sqlite://none.db"); !strings.Contains(problems, "there is no such file") {
		t.Errorf("no file: %s", problems)
	}
	s.run(0, "", "user", "list") // makes the database
	page, _ := s.run(0, "", "doctor", "--database", "sqlite://latchkey.db")
	if !strings.Contains(page, "Latchkey CAN run on this database.") {
		t.Errorf("the page:\n%s", page)
	}
	text, _ := s.run(0, "", "doctor", "--json", "--config", s.write("latchkey.yaml", goodSecret+"database: sqlite://latchkey.db\nDJOSER: {HIDE_USERS: false}\n"))
	var report struct {
		Works    bool
		Findings []struct{ Kind, About, Text string }
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil || !report.Works {
		t.Fatalf("%v: %s", err, text)
	}
	told := false
	for _, f := range report.Findings {
		told = told || f.Kind == "unsafe" && strings.Contains(f.Text, "DJOSER.HIDE_USERS is off")
	}
	if !told {
		t.Errorf("the risk of a setting is not told: %s", text)
	}
	if _, err := s.database().Exec("ALTER TABLE auth_user RENAME COLUMN password TO secret"); err != nil {
		t.Fatal(err)
	}
	if _, problems := s.run(1, "", "doctor", "--database", "sqlite://latchkey.db"); !strings.Contains(problems, "latchkey: this database cannot be used as it is") {
		t.Errorf("without passwords: %s", problems)
	}
}
