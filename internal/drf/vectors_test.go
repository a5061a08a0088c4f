package drf

import (
	"encoding/json"
	"os"
	"testing"
)

// vectors are answers of the reference itself (Python 3.11, Django 5.2): testdata/vectors.json.
type vectors struct {
	JSONErrors struct {
		Items []struct{ Body, Detail string }
	} `json:"json_errors"`
	NumbersAsText []struct{ JSON, Text string } `json:"numbers_as_text"`
	Emails        struct {
		Items []struct {
			Email string
			Valid bool
		}
	} `json:"email_validator"`
	Usernames struct {
		Items []struct {
			Username string
			Valid    bool
		}
	} `json:"username_validator"`
	Unicode struct {
		Stripped [][2]string `json:"stripped_by_str_strip"` // ranges, in hexadecimal
	} `json:"unicode"`
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	var v vectors
	readJSON(t, "testdata/vectors.json", &v)
	return v
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(name, err)
	}
}
