package testenv

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTPOptions says what kind of mail server NewSMTP starts. The zero value is a plain one that takes everything, offering
// 8BITMIME and SMTPUTF8.
type SMTPOptions struct {
	// StartTLS offers STARTTLS, ImplicitTLS expects TLS from the first byte; both with the certificate that Roots vouches for.
	StartTLS, ImplicitTLS bool
	// ClientCAs, if set, asks clients for a certificate and refuses those without a good one.
	ClientCAs *x509.CertPool
	// Auth lists the mechanisms offered (PLAIN, LOGIN, CRAM-MD5) for User and Password; with it, mail needs signing in.
	Auth           []string
	User, Password string
	// NoUTF8 hides SMTPUTF8.
	NoUTF8 bool
	// Faults are there from the start; see SetFault.
	Faults map[SMTPStage]SMTPFault
}

// An SMTPStage is a point of the conversation at which the server can fail.
type SMTPStage string

const (
	SMTPConnect SMTPStage = "CONNECT" // before the greeting, and before TLS
	SMTPMail    SMTPStage = "MAIL"
	SMTPRcpt    SMTPStage = "RCPT"
	SMTPData    SMTPStage = "DATA" // after the whole message has come
)

// An SMTPFault is what goes wrong at a stage: first the delay, then the first of Hang, Drop and Code that is set.
type SMTPFault struct {
	Delay time.Duration
	// Hang stays silent until the server stops or the fault is replaced.
	Hang bool
	// Drop closes the connection without a word; at SMTPData the message is not kept.
	Drop bool
	// Code is an SMTP reply, 4xx or 5xx. At SMTPConnect it stands in for the greeting.
	Code int
}

// SMTPMessage is a message that the server has taken.
type SMTPMessage struct {
	From string   // the envelope's sender
	To   []string // the envelope's recipients
	UTF8 bool     // MAIL said SMTPUTF8
	TLS  bool     // the connection was encrypted
	User string   // who had signed in
	Raw  []byte   // headers and body as sent, dots unstuffed

	Header     mail.Header
	Text, HTML string // the decoded parts, "" where there is none
}

// SMTP is a mail server on loopback that keeps what it is given. It speaks the real protocol over TCP.
type SMTP struct {
	// Addr is host:port, the same after every Start.
	Addr string
	// Roots trusts the server's certificate.
	Roots *x509.CertPool

	t       testing.TB
	options SMTPOptions
	tls     *tls.Config

	mu       sync.Mutex
	server   *smtp.Server // nil while stopped
	listener net.Listener
	faults   map[SMTPStage]SMTPFault
	changed  chan struct{} // closed when a fault changes or the server stops
	messages []SMTPMessage
	arrived  chan struct{} // closed when a message arrives
}

// NewSMTP starts a mail server, and stops it at the end of the test.
func NewSMTP(t testing.TB, o SMTPOptions) *SMTP {
	t.Helper()
	s := &SMTP{
		Addr: "127.0.0.1:0", Roots: x509.NewCertPool(), t: t, options: o,
		faults: map[SMTPStage]SMTPFault{}, changed: make(chan struct{}), arrived: make(chan struct{}),
	}
	for stage, fault := range o.Faults {
		s.faults[stage] = fault
	}
	certificate := selfSigned(t)
	s.Roots.AddCert(certificate.Leaf)
	s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}}
	if o.ClientCAs != nil {
		s.tls.ClientCAs, s.tls.ClientAuth = o.ClientCAs, tls.RequireAndVerifyClientCert
	}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start listens again after Stop, on the same port.
func (s *SMTP) Start() {
	s.t.Helper()
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &smtpSession{server: s, conn: c}, nil
	}))
	server.Domain = "mail.test"
	server.AllowInsecureAuth = true // whether to sign in without TLS is the client's to decide
	server.EnableSMTPUTF8 = !s.options.NoUTF8
	server.ErrorLog = log.New(io.Discard, "", 0) // dropped connections are on purpose
	if s.options.StartTLS {
		server.TLSConfig = s.tls
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Addr, s.server, s.listener = listener.Addr().String(), server, listener
	go server.Serve(&faultyListener{Listener: listener, server: s})
}

// Stop closes the port and every connection. Messages stay.
func (s *SMTP) Stop() {
	s.mu.Lock()
	server, listener := s.server, s.listener
	s.server = nil
	s.change()
	s.mu.Unlock()
	if server != nil {
		listener.Close() // also when Serve has not begun yet
		server.Close()
	}
}

// SetFault makes the server fail at a stage from now on; the zero SMTPFault mends it.
func (s *SMTP) SetFault(stage SMTPStage, fault SMTPFault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[stage] = fault
	s.change()
}

// change wakes who hangs. The caller holds mu.
func (s *SMTP) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Port is the number in Addr.
func (s *SMTP) Port() int {
	a, err := net.ResolveTCPAddr("tcp", s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Port
}

// Messages returns what has arrived and was not taken, oldest first.
func (s *SMTP) Messages() []SMTPMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SMTPMessage(nil), s.messages...)
}

// Take waits until n messages are there, and removes and returns them, oldest first. The test fails after the timeout.
func (s *SMTP) Take(n int, timeout time.Duration) []SMTPMessage {
	s.t.Helper()
	late := time.After(timeout)
	for {
		s.mu.Lock()
		if len(s.messages) >= n {
			taken := append([]SMTPMessage(nil), s.messages[:n]...)
			s.messages = s.messages[n:]
			s.mu.Unlock()
			return taken
		}
		arrived, got := s.arrived, len(s.messages)
		s.mu.Unlock()
		select {
		case <-arrived:
		case <-late:
			s.t.Fatalf("%d mails arrived within %v, not %d", got, timeout, n)
		}
	}
}

func (s *SMTP) keep(m SMTPMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// fail acts out the stage's fault on conn, and returns what to reply; nil is to go on.
func (s *SMTP) fail(stage SMTPStage, conn net.Conn) *smtp.SMTPError {
	s.mu.Lock()
	fault, changed, running := s.faults[stage], s.changed, s.server
	s.mu.Unlock()
	gone := &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "closing"}
	if fault.Delay > 0 {
		select {
		case <-time.After(fault.Delay):
		case <-changed:
		}
	}
	switch {
	case fault.Hang:
		<-changed
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.server != running {
			return gone
		}
	case fault.Drop:
		conn.Close()
		return gone
	case fault.Code != 0:
		return &smtp.SMTPError{Code: fault.Code, EnhancedCode: smtp.EnhancedCode{fault.Code / 100, 0, 0}, Message: "refused by the test"}
	}
	return nil
}

// faultyListener acts out the faults at SMTPConnect, in each connection's own time.
type faultyListener struct {
	net.Listener
	server *SMTP
}

func (l *faultyListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn = &faultyConn{Conn: conn, server: l.server}
	if l.server.options.ImplicitTLS {
		conn = tls.Server(conn, l.server.tls)
	}
	return conn, nil
}

// faultyConn fails at its first byte in either direction.
type faultyConn struct {
	net.Conn
	server *SMTP
	first  sync.Once
}

func (c *faultyConn) Read(p []byte) (int, error) {
	c.first.Do(c.connect)
	return c.Conn.Read(p)
}

func (c *faultyConn) Write(p []byte) (int, error) {
	c.first.Do(c.connect)
	return c.Conn.Write(p)
}

func (c *faultyConn) connect() {
	if refusal := c.server.fail(SMTPConnect, c.Conn); refusal != nil {
		fmt.Fprintf(c.Conn, "%d %s\r\n", refusal.Code, refusal.Message)
		c.Conn.Close()
	}
}

// smtpSession is one conversation.
type smtpSession struct {
	server  *SMTP
	conn    *smtp.Conn
	user    string
	message SMTPMessage
}

func (c *smtpSession) AuthMechanisms() []string { return c.server.options.Auth }

func (c *smtpSession) Auth(mechanism string) (sasl.Server, error) {
	o := c.server.options
	check := func(user, password string) error {
		if user != o.User || password != o.Password {
			return smtp.ErrAuthFailed
		}
		c.user = user
		return nil
	}
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &loginServer{check: check}, nil
	case "CRAM-MD5":
		return &cramServer{password: o.Password, check: check}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (c *smtpSession) Mail(from string, o *smtp.MailOptions) error {
	if len(c.server.options.Auth) > 0 && c.user == "" {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "sign in first"}
	}
	if refusal := c.server.fail(SMTPMail, c.conn.Conn()); refusal != nil {
		return refusal
	}
	_, encrypted := c.conn.TLSConnectionState()
	c.message = SMTPMessage{From: from, UTF8: o.UTF8, TLS: encrypted, User: c.user}
	return nil
}

func (c *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if refusal := c.server.fail(SMTPRcpt, c.conn.Conn()); refusal != nil {
		return refusal
	}
	c.message.To = append(c.message.To, to)
	return nil
}

func (c *smtpSession) Data(r io.Reader) error {
	m := c.message
	var err error
	if m.Raw, err = io.ReadAll(r); err != nil {
		return err
	}
	if err := m.parse(); err != nil {
		c.server.t.Errorf("a mail that cannot be read: %v\n%s", err, m.Raw)
	}
	if refusal := c.server.fail(SMTPData, c.conn.Conn()); refusal != nil {
		return refusal
	}
	c.server.keep(m)
	return nil
}

func (c *smtpSession) Reset()        { c.message = SMTPMessage{} }
func (c *smtpSession) Logout() error { return nil }

// parse fills Header, Text and HTML from Raw.
func (m *SMTPMessage) parse() error {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return err
	}
	m.Header = parsed.Header
	return m.parsePart(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body)
}

func (m *SMTPMessage) parsePart(contentType, encoding string, body io.Reader) error {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("Content-Type %q: %w", contentType, err)
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err == nil {
				err = m.parsePart(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
			}
			if err != nil {
				return err
			}
		}
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	decoded, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(decoded), "\r\n", "\n")
	switch mediaType {
	case "text/plain":
		m.Text = text
	case "text/html":
		m.HTML = text
	default:
		return fmt.Errorf("a part of type %s", mediaType)
	}
	return nil
}

// loginServer is the old LOGIN mechanism: it asks for the name, then for the password.
type loginServer struct {
	check func(user, password string) error
	user  *string
	asked bool
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case !l.asked && response == nil:
		l.asked = true
		return []byte("Username:"), false, nil
	case l.user == nil:
		user := string(response)
		l.asked, l.user = true, &user
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(*l.user, string(response))
}

// cramServer is CRAM-MD5 (RFC 2195): the password keys a digest of the challenge.
type cramServer struct {
	password  string
	check     func(user, password string) error
	challenge string
}

func (c *cramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if c.challenge == "" {
		c.challenge = "<" + rand.Text() + "@mail.test>"
		return []byte(c.challenge), false, nil
	}
	user, digest, _ := strings.Cut(string(response), " ")
	want := hmac.New(md5.New, []byte(c.password))
	io.WriteString(want, c.challenge)
	if digest != hex.EncodeToString(want.Sum(nil)) {
		return nil, true, smtp.ErrAuthFailed
	}
	return nil, true, c.check(user, c.password)
}

// selfSigned makes a certificate for 127.0.0.1 and localhost that signs itself.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
