package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// smtpSender gives each message to a mail server, over a connection of its own. It holds the conversation itself instead of
// leaving it to go-mail's Client: that one reports a message as failed when only the goodbye after it was
// lost, asks for SMTPUTF8 where no address needs it, and cannot be interrupted.
type smtpSender struct {
	host, addr, hello  string
	user, password     string
	starttls, implicit bool
	tls                *tls.Config
	timeout            time.Duration
}

// newSMTPSender checks the settings and reads the client certificate; it does not connect. Absent settings are Django's
// defaults, localhost and port 25, but there is always a timeout.
func newSMTPSender(cfg Config) (*smtpSender, error) {
	if cfg.UseTLS && cfg.UseSSL {
		return nil, errors.New("EMAIL_USE_TLS and EMAIL_USE_SSL exclude each other: the first is STARTTLS, the second TLS from the start")
	}
	s := &smtpSender{
		host: cfg.Host, hello: "localhost", user: cfg.HostUser, password: cfg.HostPassword,
		starttls: cfg.UseTLS, implicit: cfg.UseSSL, timeout: cfg.Timeout,
	}
	if s.host == "" {
		s.host = "localhost"
	}
	if s.timeout <= 0 {
		s.timeout = DefaultConfig().Timeout
	}
	port := cfg.Port
	if port == 0 {
		port = DefaultConfig().Port
	}
	if port < 0 || port > 65535 {
		return nil, fmt.Errorf("EMAIL_PORT: %d is no port", port)
	}
	s.addr = net.JoinHostPort(s.host, strconv.Itoa(port))
	if name, err := os.Hostname(); err == nil && isHostname(name) {
		s.hello = name
	}
	s.tls = &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12}
	if cfg.SSLCertfile != "" || cfg.SSLKeyfile != "" {
		key := cfg.SSLKeyfile
		if key == "" {
			key = cfg.SSLCertfile // one PEM file may hold both
		}
		pair, err := tls.LoadX509KeyPair(cfg.SSLCertfile, key)
		if err != nil {
			return nil, fmt.Errorf("EMAIL_SSL_CERTFILE, EMAIL_SSL_KEYFILE: %w", err)
		}
		s.tls.Certificates = []tls.Certificate{pair}
	}
	return s, nil
}

// Send holds one SMTP conversation, from the greeting to the server's word that it has the message.
func (s *smtpSender) Send(ctx context.Context, m Message) error {
	l, err := compose(m)
	if err != nil {
		return err
	}
	conn, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.addr, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := s.deliver(conn, l); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx) // the rest is only that we hung up
		}
		return fmt.Errorf("mail server %s: %w", s.addr, err)
	}
	return nil
}

// deliver speaks to the server over conn until it has taken the letter.
func (s *smtpSender) deliver(conn net.Conn, l *letter) error {
	c, err := s.open(conn)
	if err != nil {
		return err
	}
	offered, _ := c.Extension("SMTPUTF8")
	if l.utf8 && !offered {
		return permanent("it cannot carry an address outside ASCII (no SMTPUTF8)")
	}
	c.SkipSMTPUTF8(!l.utf8)
	if err := c.Mail(angle(l.from)); err != nil {
		return fmt.Errorf("sender refused: %w", err)
	}
	if err := c.Rcpt(angle(l.to)); err != nil {
		return fmt.Errorf("recipient refused: %w", forGood(err))
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("message refused: %w", forGood(err))
	}
	if _, err := w.Write(l.bytes); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("message refused: %w", forGood(err))
	}
	// The server has the message. If the goodbye fails, sending it again would only make a second copy.
	_ = c.Quit()
	return nil
}

// open reads the greeting, says EHLO, turns encryption on where it is asked for, and signs in.
func (s *smtpSender) open(conn net.Conn) (*smtp.Client, error) {
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if err := c.Hello(s.hello); err != nil {
		return nil, fmt.Errorf("EHLO: %w", err)
	}
	if s.starttls {
		if offered, _ := c.Extension("STARTTLS"); !offered {
			return nil, errors.New("it does not offer STARTTLS, which EMAIL_USE_TLS asks for")
		}
		if err := c.StartTLS(s.tls); err != nil {
			return nil, fmt.Errorf("STARTTLS: %w", err)
		}
	}
	// Django signs in only with both.
	if s.user != "" && s.password != "" {
		if err := c.Auth(&signIn{user: s.user, password: s.password, host: s.host, loopback: isLoopback(conn)}); err != nil {
			return nil, fmt.Errorf("signing in: %w", err)
		}
	}
	return c, nil
}

func (s *smtpSender) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: s.timeout}
	tcp, err := d.DialContext(ctx, "tcp", s.addr)
	if err != nil {
		return nil, err
	}
	conn := net.Conn(&stagedConn{Conn: tcp, timeout: s.timeout})
	if err := tcp.SetDeadline(time.Now().Add(s.timeout)); err != nil { // for the greeting
		tcp.Close()
		return nil, err
	}
	if s.implicit {
		secured := tls.Client(conn, s.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			tcp.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		conn = secured
	}
	return conn, nil
}

// A stagedConn gives every stage of a conversation the same time. A stage begins with a write; reading does not prolong it, so
// that a server that answers one byte at a time is no better than one that is silent.
type stagedConn struct {
	net.Conn
	timeout time.Duration
}

func (c *stagedConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// signIn is an smtp.Auth that uses what the server offers, but shows no password to a connection that others can read.
type signIn struct {
	user, password, host string
	loopback             bool
	smtp.Auth            // the one chosen in Start
}

func (a *signIn) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && !a.loopback {
		return "", nil, errors.New("the connection is not encrypted; set EMAIL_USE_TLS or EMAIL_USE_SSL")
	}
	offers := func(mechanism string) bool {
		return slices.ContainsFunc(server.Auth, func(s string) bool { return strings.EqualFold(s, mechanism) })
	}
	switch {
	case offers("PLAIN"):
		a.Auth = smtp.PlainAuth("", a.user, a.password, a.host, true)
	case offers("LOGIN"):
		a.Auth = smtp.LoginAuth(a.user, a.password, a.host, true)
	case offers("CRAM-MD5"):
		a.Auth = smtp.CRAMMD5Auth(a.user, a.password)
	default:
		return "", nil, fmt.Errorf("it offers none of PLAIN, LOGIN and CRAM-MD5, but %q", server.Auth)
	}
	return a.Auth.Start(server)
}

func isLoopback(conn net.Conn) bool {
	a, ok := conn.RemoteAddr().(*net.TCPAddr)
	return ok && a.IP.IsLoopback()
}

// forGood marks a 5xx as permanent. 530 and 534 to 538 ask for another way to sign in, which the operator can give.
func forGood(err error) error {
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code >= 500 && reply.Code != 530 && (reply.Code < 534 || reply.Code > 538) {
		return permanentError{err}
	}
	return err
}

// angle writes an address as MAIL and RCPT take it, without the name.
func angle(a *mail.Address) string {
	return (&mail.Address{Address: a.Address}).String()
}
