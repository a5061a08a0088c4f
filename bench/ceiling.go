package main

import (
	"io"
	"net/http"
)

// ceiling is the subcommand of that name: what net/http does on this machine when there is nothing to do, in a process of its own. No server on it can be faster.
func ceiling(address string) error {
	body := []byte(`{"email":"user0@example.com","id":1,"username":"user0"}`)
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	}))
}
