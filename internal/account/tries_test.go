package account_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/internal/account"
	"latchkey/internal/mail"
	"latchkey/internal/testenv"
	"latchkey/internal/throttle"
)

// TestMailsPerAddress: an address is mailed to so often and no more, whichever way it is asked for and however it is written; one that nobody has gets the same answers, and others
// are not held up.
func TestMailsPerAddress(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		w := newWorld(t, url, nil)
		w.Counts, w.MailRate = throttle.NewMemory(w.Now), throttle.Rate{Count: 2, Period: time.Hour}
		w.register("ann", false)
		w.queue()
		for _, email := range []string{"ann@example.com", "nobody@example.com"} {
			_, first := w.MailLink(ctx, account.Asking{Email: email, Letter: letter(mail.PasswordReset)})
			wants(t, "the first", first, nil)
			wants(t, "the second, of allauth's form", w.MailReset(ctx, account.ResetAsking{Email: email, Letter: *letter(mail.PasswordReset)}), nil)
			var often *account.TooOften
			if err := w.ResendConfirmation(ctx, email, *letter(mail.EmailConfirmation)); !errors.As(err, &often) || often.Wait <= 0 || often.Wait > time.Hour {
				t.Errorf("the third to %s: %v", email, err)
			}
		}
		var often *account.TooOften
		if _, err := w.MailLink(ctx, account.Asking{Email: "ANN@Example.COM", Letter: letter(mail.UsernameReset)}); !errors.As(err, &often) {
			t.Errorf("in capitals: %v", err)
		}
		if n := len(w.queue()); n != 2 {
			t.Errorf("%d mails are owed, not 2", n)
		}
		w.register("bob", false)
		w.ask(mail.PasswordReset, "bob@example.com")
		w.clock.now = w.clock.now.Add(time.Hour + time.Second)
		w.ask(mail.PasswordReset, "ann@example.com")
	})
}
