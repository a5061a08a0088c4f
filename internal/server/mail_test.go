package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// mailing is a server that owes everybody who signs up a mail, which it sends through smtp.
func mailing(t *testing.T, url string, smtp *testenv.SMTP) *site {
	t.Helper()
	return start(t, url, map[string]string{
		"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": fmt.Sprint(smtp.Port()),
		"DJOSER.SEND_ACTIVATION_EMAIL": "true",
	})
}

// owed are the Message-IDs of the mails that are owed, by recipient.
func (s *site) owed() map[string]string {
	s.t.Helper()
	rows, err := s.db.Query("SELECT recipient, message_id FROM latchkey_mail")
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := map[string]string{}
	for rows.Next() {
		var to, id string
		if err := rows.Scan(&to, &id); err != nil {
			s.t.Fatal(err)
		}
		all[to] = id
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// settled waits until nothing is owed.
func (s *site) settled() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); len(s.owed()) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("mail is still owed: %v", s.owed())
		}
	}
}

// postponed waits until a mail that did not go is put off.
func (s *site) postponed() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); s.count("SELECT count(*) FROM latchkey_mail WHERE last_error <> ''") == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal("no mail is put off")
		}
	}
}

func messageID(m testenv.SMTPMessage) string { return strings.Trim(m.Header.Get("Message-ID"), "<>") }

// A mail server that is down costs nobody an account, and nobody a mail.
func TestMailServerDown(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{})
		s := mailing(t, url, smtp)
		smtp.Stop()
		s.register("ann")
		s.postponed()
		ids := s.owed()
		if len(ids) != 1 || ids["ann@example.com"] == "" {
			t.Fatalf("owed: %v", ids)
		}
		smtp.Start()
		s.now.advance(time.Minute)
		s.register("bob") // wakes delivery
		came := map[string]int{}
		for _, m := range smtp.Take(2, time.Minute) {
			came[m.To[0]]++
			if m.To[0] == "ann@example.com" && messageID(m) != ids["ann@example.com"] {
				t.Errorf("it was owed as %s and came as %s", ids["ann@example.com"], messageID(m))
			}
		}
		if came["ann@example.com"] != 1 || came["bob@example.com"] != 1 {
			t.Errorf("got %v", came)
		}
		s.settled()
		if more := smtp.Messages(); len(more) > 0 {
			t.Errorf("%d mails came twice", len(more))
		}
	})
}

// A message that the server took back after all of it had come is the same message when it comes again.
func TestMailIsTheSameWhenTriedAgain(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		for _, stage := range []testenv.SMTPStage{testenv.SMTPConnect, testenv.SMTPMail, testenv.SMTPRcpt, testenv.SMTPData} {
			smtp := testenv.NewSMTP(t, testenv.SMTPOptions{Faults: map[testenv.SMTPStage]testenv.SMTPFault{stage: {Code: 451}}})
			s := mailing(t, url, smtp)
			name := "ann_" + strings.ToLower(string(stage))
			s.register(name)
			s.postponed()
			id := s.owed()[name+"@example.com"]
			smtp.SetFault(stage, testenv.SMTPFault{})
			s.now.advance(time.Minute)
			s.wants(204, "POST", "/auth/users/reset_password/", "", fields{"email": "nobody@example.com"}) // wakes delivery
			if m := smtp.Take(1, time.Minute)[0]; messageID(m) != id || id == "" {
				t.Errorf("%s: owed as %q, came as %q", stage, id, messageID(m))
			}
			s.settled()
		}
	})
}

// What is refused for good is not tried for ever, and an operator can read that it was given up.
func TestMailRefusedForGood(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{Faults: map[testenv.SMTPStage]testenv.SMTPFault{testenv.SMTPRcpt: {Code: 550}}})
		s := mailing(t, url, smtp)
		s.register("ann")
		s.log.await(t, "a mail is given up")
		s.settled()
		if said := s.log.String(); strings.Contains(said, "tried again") {
			t.Errorf("it was tried again:\n%s", said)
		}
	})
}

// No request waits for the mail server: it is silent until the answers are here.
func TestRequestsDoNotWaitForMail(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		smtp := testenv.NewSMTP(t, testenv.SMTPOptions{Faults: map[testenv.SMTPStage]testenv.SMTPFault{testenv.SMTPConnect: {Hang: true}}})
		s := mailing(t, url, smtp)
		const people = 6 // more than there are deliverers
		for i := range people {
			s.register(fmt.Sprint("user", i))
		}
		s.wants(204, "POST", "/auth/users/resend_activation/", "", fields{"email": "user0@example.com"})
		if n := len(smtp.Messages()); n > 0 {
			t.Fatalf("%d mails came through a server that is silent", n)
		}
		smtp.SetFault(testenv.SMTPConnect, testenv.SMTPFault{})
		smtp.Take(people+1, time.Minute)
		s.settled()
	})
}

// Whether an address is known shows in the answer no more than in the work.
func TestResetAnswersAlike(t *testing.T) {
	testenv.EachDatabase(t, func(t *testing.T, url string) {
		s := start(t, url, nil)
		s.register("ann")
		for _, path := range []string{"reset_password", "reset_username"} {
			var answers []string
			for _, email := range []string{"ann@example.com", "ANN@example.com", "nobody@example.com"} {
				a := s.call("POST", "/auth/users/"+path+"/", "", fields{"email": email})
				a.header.Del("Date")
				a.header.Del("X-Request-Id")
				answers = append(answers, fmt.Sprint(a))
			}
			if answers[0] != answers[2] || answers[1] != answers[2] {
				t.Errorf("%s: %q", path, answers)
			}
		}
	})
}
