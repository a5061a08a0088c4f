package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// TestPipeline: queries that go to PostgreSQL together have each their own answer, whatever becomes of the others.
func TestPipeline(t *testing.T) {
	s := testenv.OpenStore(t, testenv.Postgres(t))
	users := make([]*store.User, 20)
	for i := range users {
		users[i] = &store.User{Username: fmt.Sprintf("user%d", i), IsActive: true, DateJoined: noon}
		if err := s.InsertUser(ctx, users[i]); err != nil {
			t.Fatal(err)
		}
	}
	ended, end := context.WithCancel(ctx)
	end()
	var all sync.WaitGroup
	for round := range 50 {
		for i, want := range users {
			all.Go(func() {
				switch {
				case i%5 == 1: // an error, which ends those behind it
					if err := s.AskNonsense(ctx); err == nil || errors.Is(err, store.ErrUnavailable) {
						t.Errorf("nonsense: %v", err)
					}
				case i%5 == 2:
					if _, err := s.User(ended, want.ID); err == nil {
						t.Error("who has given up is answered")
					}
				case i%5 == 3:
					if _, err := s.UserBy(ctx, "username", fmt.Sprint("nobody", round)); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("nobody: %v", err)
					}
				default:
					if got, err := s.User(ctx, want.ID); err != nil || got.Username != want.Username {
						t.Errorf("%s: %v, %v", want.Username, got, err)
					}
				}
			})
		}
	}
	all.Wait()
}

// TestPipelineOfEndedConnections: a query whose connection the server ended while it rested, or under way, is asked again on another.
func TestPipelineOfEndedConnections(t *testing.T) {
	address := testenv.Postgres(t)
	s, other := testenv.OpenStore(t, address), testenv.OpenStore(t, address)
	u := &store.User{Username: "ann", IsActive: true, DateJoined: noon}
	if err := s.InsertUser(ctx, u); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.User(ctx, u.ID); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		time.Sleep(20 * time.Millisecond)
		if _, err := other.Rows(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
}
