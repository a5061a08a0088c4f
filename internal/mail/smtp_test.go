package mail_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/mail"
	"latchkey/internal/testenv"
)

// sample is a message with what is delicate in transport: a long link, dots and = at the start of lines, letters outside ASCII.
func sample() mail.Message {
	link := "https://app.example.com/auth/activate?uid=MQ&token=" + strings.Repeat("c0ffee-", 20) + "end"
	return mail.Message{
		ID: "abc123@example.com", From: "Team <team@example.net>", To: "ann@example.com",
		Subject: "Grüße, please activate your account at a site with a rather long name — thank you",
		Text:    "Grüße\n\n" + link + "\n\n.dot\n..\n=20 is no space\nend of it\n",
		HTML:    `<p>Grüße <a href="` + link + `">` + link + "</a></p>\n",
		Date:    time.Date(2026, 7, 28, 12, 30, 0, 0, time.UTC),
	}
}

func config(s *testenv.SMTP) mail.Config {
	c := mail.DefaultConfig()
	c.Backend = "django.core.mail.backends.smtp.EmailBackend"
	c.Host, c.Port = "127.0.0.1", s.Port()
	return c
}

func sender(t *testing.T, c mail.Config, s *testenv.SMTP) mail.Sender {
	t.Helper()
	sender, err := mail.NewSender(c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	mail.Trust(sender, s.Roots)
	return sender
}

func TestSMTPCarriesTheWholeMessage(t *testing.T) {
	s := testenv.NewSMTP(t, testenv.SMTPOptions{})
	m := sample()
	if err := sender(t, config(s), s).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := s.Take(1, time.Minute)[0]
	if got.From != "team@example.net" || !slices.Equal(got.To, []string{"ann@example.com"}) || got.UTF8 || got.TLS {
		t.Errorf("envelope from %s to %s, SMTPUTF8 %t, TLS %t", got.From, got.To, got.UTF8, got.TLS)
	}
	if got.Text != m.Text || got.HTML != m.HTML {
		t.Errorf("arrived as %q and %q", got.Text, got.HTML)
	}
	checkHeader(t, got.Raw, m)
}

func TestSMTPEncryption(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  testenv.SMTPOptions
		change  func(*mail.Config)
		trusted bool
		failure string // what the error says; "" is success over TLS
	}{
		{"starttls", testenv.SMTPOptions{StartTLS: true}, func(c *mail.Config) { c.UseTLS = true }, true, ""},
		{"implicit", testenv.SMTPOptions{ImplicitTLS: true}, func(c *mail.Config) { c.UseSSL = true }, true, ""},
		{"starttls not offered", testenv.SMTPOptions{}, func(c *mail.Config) { c.UseTLS = true }, true, "does not offer STARTTLS"},
		{"starttls by a stranger", testenv.SMTPOptions{StartTLS: true}, func(c *mail.Config) { c.UseTLS = true }, false, "certificate"},
		{"implicit by a stranger", testenv.SMTPOptions{ImplicitTLS: true}, func(c *mail.Config) { c.UseSSL = true }, false, "certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testenv.NewSMTP(t, c.server)
			cfg := config(s)
			c.change(&cfg)
			out := sender(t, cfg, s)
			if !c.trusted {
				mail.Trust(out, x509.NewCertPool())
			}
			err := out.Send(t.Context(), sample())
			if c.failure == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got := s.Take(1, time.Minute)[0]; !got.TLS {
					t.Error("the message came over a connection without TLS")
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.failure) || mail.Permanent(err) {
				t.Errorf("got %v, want a passing error about %q", err, c.failure)
			}
			if got := s.Messages(); len(got) != 0 {
				t.Errorf("%d messages were sent all the same", len(got))
			}
		})
	}
}

func TestSMTPClientCertificate(t *testing.T) {
	folder, pool := clientCertificate(t)
	s := testenv.NewSMTP(t, testenv.SMTPOptions{ImplicitTLS: true, ClientCAs: pool})
	cfg := config(s)
	cfg.UseSSL = true
	if err := sender(t, cfg, s).Send(t.Context(), sample()); err == nil {
		t.Error("the server took a client without a certificate")
	}
	cfg.SSLCertfile, cfg.SSLKeyfile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	if err := sender(t, cfg, s).Send(t.Context(), sample()); err != nil {
		t.Error(err)
	}
	cfg.SSLCertfile, cfg.SSLKeyfile = filepath.Join(folder, "both.pem"), ""
	if err := sender(t, cfg, s).Send(t.Context(), sample()); err != nil {
		t.Error(err)
	}
}

func TestSMTPSignsIn(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5"} {
		t.Run(mechanism, func(t *testing.T) {
			s := testenv.NewSMTP(t, testenv.SMTPOptions{StartTLS: true, Auth: []string{"XOAUTH2", mechanism}, User: "ann", Password: "sesame"})
			cfg := config(s)
			cfg.UseTLS, cfg.HostUser, cfg.HostPassword = true, "ann", "sesame"
			if err := sender(t, cfg, s).Send(t.Context(), sample()); err != nil {
				t.Fatal(err)
			}
			if got := s.Take(1, time.Minute)[0]; got.User != "ann" || !got.TLS {
				t.Errorf("sent as %q, TLS %t", got.User, got.TLS)
			}
			cfg.HostPassword = "simsim"
			err := sender(t, cfg, s).Send(t.Context(), sample())
			if err == nil || mail.Permanent(err) || strings.Contains(err.Error(), "simsim") {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
	s := testenv.NewSMTP(t, testenv.SMTPOptions{Auth: []string{"GSSAPI"}, User: "ann", Password: "sesame"})
	cfg := config(s)
	if err := sender(t, cfg, s).Send(t.Context(), sample()); err == nil || mail.Permanent(err) {
		t.Errorf("without signing in: %v", err)
	}
	cfg.HostUser, cfg.HostPassword = "ann", "sesame"
	if err := sender(t, cfg, s).Send(t.Context(), sample()); err == nil || !strings.Contains(err.Error(), "GSSAPI") {
		t.Errorf("with no mechanism in common: %v", err)
	}
}

func TestSMTPFailures(t *testing.T) {
	for _, c := range []struct {
		stage     testenv.SMTPStage
		code      int
		permanent bool
	}{
		{testenv.SMTPConnect, 421, false}, {testenv.SMTPConnect, 554, false},
		{testenv.SMTPMail, 451, false}, {testenv.SMTPMail, 550, false}, // about us, not about the recipient
		{testenv.SMTPRcpt, 450, false}, {testenv.SMTPRcpt, 530, false}, {testenv.SMTPRcpt, 550, true}, {testenv.SMTPRcpt, 553, true},
		{testenv.SMTPData, 452, false}, {testenv.SMTPData, 552, true}, {testenv.SMTPData, 554, true},
	} {
		s := testenv.NewSMTP(t, testenv.SMTPOptions{Faults: map[testenv.SMTPStage]testenv.SMTPFault{c.stage: {Code: c.code}}})
		out := sender(t, config(s), s)
		err := out.Send(t.Context(), sample())
		if err == nil || mail.Permanent(err) != c.permanent {
			t.Errorf("%s %d: permanent %t, want %t: %v", c.stage, c.code, mail.Permanent(err), c.permanent, err)
		}
		s.SetFault(c.stage, testenv.SMTPFault{})
		if err := out.Send(t.Context(), sample()); err != nil {
			t.Errorf("%s %d: mended, but %v", c.stage, c.code, err)
		}
	}
}

func TestSMTPOutage(t *testing.T) {
	s := testenv.NewSMTP(t, testenv.SMTPOptions{})
	out := sender(t, config(s), s)
	for _, stage := range []testenv.SMTPStage{testenv.SMTPConnect, testenv.SMTPMail, testenv.SMTPRcpt, testenv.SMTPData} {
		s.SetFault(stage, testenv.SMTPFault{Drop: true})
		if err := out.Send(t.Context(), sample()); err == nil || mail.Permanent(err) {
			t.Errorf("dropped at %s: %v", stage, err)
		}
		s.SetFault(stage, testenv.SMTPFault{})
	}
	s.Stop()
	if err := out.Send(t.Context(), sample()); err == nil || mail.Permanent(err) {
		t.Errorf("server down: %v", err)
	}
	s.Start()
	if err := out.Send(t.Context(), sample()); err != nil {
		t.Errorf("server up again: %v", err)
	}
	if got := s.Take(1, time.Minute)[0].Header.Get("Message-Id"); got != "<abc123@example.com>" {
		t.Errorf("Message-ID %s", got)
	}
}

// A server that says nothing holds Send no longer than the caller, or the timeout, allows.
func TestSMTPSilence(t *testing.T) {
	for _, stage := range []testenv.SMTPStage{testenv.SMTPConnect, testenv.SMTPMail, testenv.SMTPRcpt, testenv.SMTPData} {
		for _, implicit := range []bool{false, true} {
			s := testenv.NewSMTP(t, testenv.SMTPOptions{
				ImplicitTLS: implicit, Faults: map[testenv.SMTPStage]testenv.SMTPFault{stage: {Hang: true}},
			})
			cfg := config(s)
			cfg.UseSSL, cfg.Timeout = implicit, time.Hour
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			err := sender(t, cfg, s).Send(ctx, sample())
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || mail.Permanent(err) {
				t.Errorf("%s, TLS %t, caller's deadline: %v", stage, implicit, err)
			}
			cfg.Timeout = 100 * time.Millisecond
			if err := sender(t, cfg, s).Send(t.Context(), sample()); !errors.Is(err, os.ErrDeadlineExceeded) || mail.Permanent(err) {
				t.Errorf("%s, TLS %t, EMAIL_TIMEOUT: %v", stage, implicit, err)
			}
		}
	}
}

func TestSMTPInternationalAddresses(t *testing.T) {
	for _, c := range []struct {
		to, want   string
		utf8, fail bool // the letter says SMTPUTF8; a server without it is a permanent failure
	}{
		{"ann@example.com", "ann@example.com", false, false},
		{"Ann.O'Neil+x@Mail.Example.COM", "Ann.O'Neil+x@Mail.Example.COM", false, false},
		{`"a b"@example.com`, `a b@example.com`, false, false}, // go-smtp shows it without its quotes
		{`"ann"@example.com`, "ann@example.com", false, false},
		{"ann@bücher.example", "ann@xn--bcher-kva.example", false, false},
		{"jürgen@bücher.example", "jürgen@bücher.example", true, true},
		{strings.Repeat("x", 300) + "@example.com", strings.Repeat("x", 300) + "@example.com", false, false},
	} {
		m := sample()
		m.To = c.to
		modern := testenv.NewSMTP(t, testenv.SMTPOptions{})
		if err := sender(t, config(modern), modern).Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", c.to, err)
			continue
		}
		if got := modern.Take(1, time.Minute)[0]; got.To[0] != c.want || got.UTF8 != c.utf8 {
			t.Errorf("%s: to %s, SMTPUTF8 %t", c.to, got.To, got.UTF8)
		}
		old := testenv.NewSMTP(t, testenv.SMTPOptions{NoUTF8: true})
		err := sender(t, config(old), old).Send(t.Context(), m)
		if (err != nil) != c.fail || mail.Permanent(err) != c.fail {
			t.Errorf("%s without SMTPUTF8: %v", c.to, err)
		}
	}
}

func TestSMTPSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*mail.Config)
	}{
		{"EMAIL_USE_TLS", func(c *mail.Config) { c.UseTLS, c.UseSSL = true, true }},
		{"EMAIL_SSL_CERTFILE", func(c *mail.Config) { c.SSLCertfile = "no/such/file.pem" }},
		{"EMAIL_PORT", func(c *mail.Config) { c.Port = 70000 }},
		{"DEFAULT_FROM_EMAIL", func(c *mail.Config) { c.DefaultFromEmail = "nobody" }},
		{"EMAIL_BACKEND", func(c *mail.Config) { c.Backend = "myproject.mail.Backend" }},
		{"EMAIL_BACKEND", func(c *mail.Config) { c.Backend = "django.core.mail.backends.locmem.EmailBackend" }}, // without a mailbox
		{"EMAIL_FILE_PATH", func(c *mail.Config) { c.Backend = "django.core.mail.backends.filebased.EmailBackend" }},
	} {
		cfg := mail.DefaultConfig()
		cfg.Host = "localhost"
		c.change(&cfg)
		if _, err := mail.NewSender(cfg, nil, nil); err == nil || !strings.Contains(err.Error(), c.name) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func clientCertificate(t *testing.T) (folder string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	folder = t.TempDir()
	for name, content := range map[string][]byte{"cert.pem": cert, "key.pem": keyPEM, "both.pem": bytes.Join([][]byte{cert, keyPEM}, nil)} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return folder, pool
}

func BenchmarkSMTPSend(b *testing.B) {
	s := testenv.NewSMTP(b, testenv.SMTPOptions{})
	out, err := mail.NewSender(config(s), nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := out.Send(b.Context(), sample()); err != nil {
			b.Fatal(err)
		}
	}
}
