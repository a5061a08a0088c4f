package server

import (
	"context"
	"time"
)

// followEvery is how long a key that was taken out of the folder of keys may still count.
const followEvery = 2 * time.Second

// followKeys reads the folder of keys anew when it changes; wait returns when it has stopped.
func (s *Server) followKeys(ctx context.Context, o Options) (wait func()) {
	if s.Accounts.JWT.KeyFolder == "" {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(followEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			changed, err := s.Accounts.JWTs.Reload()
			if err != nil {
				o.Log.ErrorContext(ctx, "the changed folder of keys cannot be used: the keys stay as they were", "error", err)
			}
			if changed {
				o.Log.InfoContext(ctx, "the folder of keys was read anew")
			}
		}
	}()
	return func() { <-done }
}
