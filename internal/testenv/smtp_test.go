package testenv

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

const sampleMail = "From: a@example.com\r\nTo: b@example.com\r\nSubject: hello\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=xx\r\n\r\n" +
	"--xx\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n.one =C3=A9\r\n" +
	"--xx\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n<p>one</p>\r\n--xx--\r\n"

func TestSMTPKeepsMessages(t *testing.T) {
	s := NewSMTP(t, SMTPOptions{})
	if err := smtp.SendMail(s.Addr, nil, "a@example.com", []string{"b@example.com"}, []byte(sampleMail)); err != nil {
		t.Fatal(err)
	}
	m := s.Take(1, time.Minute)[0]
	if string(m.Raw) != sampleMail {
		t.Errorf("raw message %q", m.Raw)
	}
	if m.From != "a@example.com" || len(m.To) != 1 || m.To[0] != "b@example.com" || m.TLS || m.User != "" {
		t.Errorf("envelope %+v", m)
	}
	if m.Header.Get("Subject") != "hello" || strings.TrimSpace(m.Text) != ".one é" || strings.TrimSpace(m.HTML) != "<p>one</p>" {
		t.Errorf("read as %q, %q, %q", m.Header, m.Text, m.HTML)
	}
	if rest := s.Messages(); len(rest) != 0 {
		t.Errorf("taken, but still there: %v", rest)
	}
}

func TestSMTPStartTLSAndAuth(t *testing.T) {
	s := NewSMTP(t, SMTPOptions{StartTLS: true, Auth: []string{"PLAIN", "CRAM-MD5"}, User: "ann", Password: "sesame"})
	for _, c := range []struct {
		name string
		auth smtp.Auth
		want int
	}{
		{"plain", smtp.PlainAuth("", "ann", "sesame", "127.0.0.1"), 0},
		{"cram", smtp.CRAMMD5Auth("ann", "sesame"), 0},
		{"wrong", smtp.CRAMMD5Auth("ann", "simsim"), 535},
		{"none", nil, 530},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := smtp.Dial(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.StartTLS(&tls.Config{RootCAs: s.Roots, ServerName: "127.0.0.1"}); err != nil {
				t.Fatal(err)
			}
			if c.auth != nil {
				err = client.Auth(c.auth)
			}
			if err == nil {
				err = client.Mail("a@example.com")
			}
			if got := replyCode(err); got != c.want {
				t.Errorf("got %d (%v), want %d", got, err, c.want)
			}
		})
	}
}

func TestSMTPFaults(t *testing.T) {
	s := NewSMTP(t, SMTPOptions{Faults: map[SMTPStage]SMTPFault{SMTPConnect: {Code: 554}}})
	send := func() error {
		return smtp.SendMail(s.Addr, nil, "a@example.com", []string{"b@example.com"}, []byte(sampleMail))
	}
	for _, c := range []struct {
		stage SMTPStage
		fault SMTPFault
		want  int
	}{
		{SMTPConnect, SMTPFault{Code: 554}, 554},
		{SMTPMail, SMTPFault{Code: 451}, 451},
		{SMTPRcpt, SMTPFault{Code: 550}, 550},
		{SMTPData, SMTPFault{Code: 552}, 552},
	} {
		s.SetFault(c.stage, c.fault)
		if err := send(); replyCode(err) != c.want {
			t.Errorf("%s: got %v, want %d", c.stage, err, c.want)
		}
		s.SetFault(c.stage, SMTPFault{})
	}
	for _, stage := range []SMTPStage{SMTPConnect, SMTPMail, SMTPRcpt, SMTPData} {
		s.SetFault(stage, SMTPFault{Drop: true})
		if err := send(); err == nil || replyCode(err) != 0 {
			t.Errorf("dropped at %s: got %v", stage, err)
		}
		s.SetFault(stage, SMTPFault{})
	}
	if got := s.Messages(); len(got) != 0 {
		t.Errorf("kept %d messages that it refused", len(got))
	}
	if err := send(); err != nil {
		t.Errorf("mended, but %v", err)
	}
	s.Take(1, time.Minute)
}

func TestSMTPHangsUntilMended(t *testing.T) {
	s := NewSMTP(t, SMTPOptions{Faults: map[SMTPStage]SMTPFault{SMTPConnect: {Hang: true}}})
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.SetFault(SMTPConnect, SMTPFault{})
	greeting := make([]byte, 4)
	if _, err := io.ReadFull(conn, greeting); err != nil || string(greeting) != "220 " {
		t.Errorf("greeted with %q, %v", greeting, err)
	}
}

func TestSMTPRestartsOnItsPort(t *testing.T) {
	s := NewSMTP(t, SMTPOptions{})
	addr := s.Addr
	s.Stop()
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Fatal("stopped, but takes connections")
	}
	s.Start()
	if s.Addr != addr {
		t.Fatalf("moved from %s to %s", addr, s.Addr)
	}
	if err := smtp.SendMail(addr, nil, "a@example.com", []string{"b@example.com"}, []byte(sampleMail)); err != nil {
		t.Fatal(err)
	}
	s.Take(1, time.Minute)
}

// replyCode is the SMTP code in err; 0 if there is none.
func replyCode(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	return 0
}
