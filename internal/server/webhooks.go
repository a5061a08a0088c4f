package server

import (
	"fmt"
	"net/http"
	"slices"

	"latchkey/internal/account"
	"latchkey/internal/config"
	"latchkey/internal/drf"
	"latchkey/internal/webhook"
)

// tellAndAsk gives the account rules whom the settings and the program around the server want told of events, and whom they want asked.
func tellAndAsk(s *account.Service, cfg *config.Config, o Options) error {
	s.Receivers = slices.Clone(o.Receivers)
	for i, w := range cfg.Webhooks {
		sender, err := webhook.NewSender(w.Target)
		if err != nil {
			return fmt.Errorf("webhooks.%d: %w", i, err)
		}
		r := &account.Receiver{Name: w.Called(), Tell: sender.Send}
		for _, name := range w.Events {
			r.Events = append(r.Events, account.EventName(name))
		}
		s.Receivers = append(s.Receivers, r)
	}
	for _, h := range []struct {
		key      string
		settings webhook.Hook
		given    *account.Hook
		hook     **account.Hook
	}{
		{"before_registration", cfg.Hooks.BeforeRegistration, o.BeforeRegistration, &s.BeforeRegistration},
		{"before_login", cfg.Hooks.BeforeLogin, o.BeforeLogin, &s.BeforeLogin},
	} {
		*h.hook = h.given
		if h.settings.URL == "" {
			continue
		}
		if h.given != nil {
			return fmt.Errorf("hooks.%s names an address, and the program has a function of that name; keep one of them", h.key)
		}
		sender, err := webhook.NewSender(h.settings.Target)
		if err != nil {
			return fmt.Errorf("hooks.%s: %w", h.key, err)
		}
		*h.hook = &account.Hook{Ask: sender.Ask, Timeout: h.settings.Timeout, AllowOnFailure: h.settings.OnFailure == webhook.Allow}
	}
	return nil
}

// refused is the answer to what a hook refuses: its own messages, field by field.
func refused(no *webhook.Refusal) *drf.Error {
	e := &drf.Error{Status: http.StatusBadRequest}
	if no.Forbidden {
		e.Status = http.StatusForbidden
	}
	body := drf.Object{}
	for _, f := range no.Fields {
		if f.Single {
			body = append(body, drf.Member{Key: f.Name, Value: f.Messages[0]})
			continue
		}
		list := drf.List{}
		for _, m := range f.Messages {
			list = append(list, m)
		}
		body = append(body, drf.Member{Key: f.Name, Value: list})
	}
	e.Body = body
	return e
}
