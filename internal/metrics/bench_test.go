package metrics

import (
	"testing"
	"time"
)

// BenchmarkRequest is what counting costs each request.
func BenchmarkRequest(b *testing.B) {
	m := New(sources(b))
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Request("/auth/users/{id}/", "GET", 200, 3*time.Millisecond)
		}
	})
}

// BenchmarkEvent is what counting costs each event.
func BenchmarkEvent(b *testing.B) {
	m := New(sources(b))
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Event("user.login")
		}
	})
}
