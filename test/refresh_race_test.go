package test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"latchkey/internal/testenv"
)

// TestThirtyTwoRefreshes brings one refresh token to two programs at once, from 32 clients: the family gains one member, and whoever is answered is answered
// with that one.
func TestThirtyTwoRefreshes(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		text, err := json.Marshal(map[string]any{
			"database": url, "secret_key": secretKey, "DOMAIN": "example.com", "mounts": []any{map[string]any{"path": "/auth", "dialect": "djoser"}},
			"SIMPLE_JWT": map[string]any{"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true}, "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
		})
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		file := filepath.Join(folder, "latchkey.yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		programs := []*program{launch(t, folder, freeAddress(t), "--config", file), launch(t, folder, freeAddress(t), "--config", file)}
		for _, p := range programs {
			p.ready()
		}
		ann := map[string]string{"username": "ann", "email": "ann@example.com", "password": "Nw7!xyzzyQ"}
		programs[0].call("POST", "/auth/users/", "", ann, 201)
		first := programs[0].call("POST", "/auth/jwt/create/", "", ann, 200)["refresh"].(string)

		const clients = 32
		type answer struct {
			status int
			body   map[string]string
			err    error
		}
		answers := make([]answer, clients)
		start := make(chan struct{})
		var wait sync.WaitGroup
		for i := range clients {
			wait.Go(func() {
				payload, _ := json.Marshal(map[string]string{"refresh": first}) // never fails
				<-start
				a := &answers[i]
				reply, err := http.Post(programs[i%2].base+"/auth/jwt/refresh/", "application/json", bytes.NewReader(payload))
				if a.err = err; err != nil {
					return
				}
				defer reply.Body.Close()
				a.status = reply.StatusCode
				data, err := io.ReadAll(reply.Body)
				if a.err = err; err == nil {
					a.err = json.Unmarshal(data, &a.body)
				}
			})
		}
		close(start)
		wait.Wait()

		next := answers[0].body["refresh"]
		for i, a := range answers {
			if a.err != nil || a.status != 200 || a.body["refresh"] != next || a.body["access"] == "" {
				t.Errorf("client %d: %d %v, %v", i, a.status, a.body, a.err)
			}
		}
		db := openDatabase(t, url)
		for query, want := range map[string]int{
			"select count(*) from latchkey_refresh":                                                            2,
			"select count(distinct family) from latchkey_refresh":                                              1,
			"select count(*) from latchkey_refresh where rotated_at is null and revoked_at is null":            1,
			"select count(*) from token_blacklist_outstandingtoken":                                            2,
			"select count(*) from token_blacklist_blacklistedtoken":                                            1,
			"select count(*) from token_blacklist_outstandingtoken where token not like '%.' or token is null": 0,
		} {
			var got int
			if err := db.QueryRow(query).Scan(&got); err != nil || got != want {
				t.Errorf("%s: got %d, %v; want %d", query, got, err, want)
			}
		}
		programs[1].call("POST", "/auth/jwt/refresh/", "", map[string]string{"refresh": next}, 200)
		for _, p := range programs {
			p.terminate()
		}
	})
}
