package config

import (
	"fmt"
	"slices"
	"strconv"

	"latchkey/internal/account"
	"latchkey/internal/webhook"
)

func (c *checker) webhooks() {
	var events, names []string
	for _, name := range account.EventNames() {
		events = append(events, string(name))
	}
	for i := range c.Webhooks {
		w, key := &c.Webhooks[i], fmt.Sprintf("webhooks.%d", i)
		c.target(key, &w.Target)
		c.eachOf(key+".events", w.Events, events...)
		if slices.Contains(names, w.Called()) {
			c.bad(key+".name", "an entry above is called "+strconv.Quote(w.Called())+" too", "give each a name of its own")
		}
		names = append(names, w.Called())
	}
	c.hook("hooks.before_registration", &c.Hooks.BeforeRegistration)
	c.hook("hooks.before_login", &c.Hooks.BeforeLogin)
}

func (c *checker) hook(key string, h *webhook.Hook) {
	if h.URL == "" {
		if h.Secret != "" || h.SecretFile != "" {
			c.bad(key+".url", "there is a secret and no address", "write the URL that is to be asked")
		}
		return
	}
	c.target(key, &h.Target)
	if h.Timeout <= 0 || h.Timeout > webhook.MaxTimeout {
		c.bad(key+".timeout", "it must be more than 0 and at most 10s", "the default is 2s")
	}
	c.oneOf(key+".on_failure", h.OnFailure, webhook.Refuse, webhook.Allow)
}

// target never repeats a URL: what is behind its question mark may be secret.
func (c *checker) target(key string, t *webhook.Target) {
	if err := t.CheckURL(); err != nil {
		c.bad(key+".url", err.Error(), "write one as in https://app.example.com/latchkey; plain http is for this machine, or for inner networks with allow_http: true")
	}
	if err := t.CheckSecret(); err != nil {
		c.bad(key+".secret", err.Error(), "")
	}
}
