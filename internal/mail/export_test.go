package mail

import "crypto/x509"

// Trust makes an SMTP sender accept certificates that roots vouch for, in place of the system's.
func Trust(s Sender, roots *x509.CertPool) { s.(*smtpSender).tls.RootCAs = roots }

// Compose is what travels for m.
func Compose(m Message) ([]byte, error) {
	l, err := compose(m)
	if err != nil {
		return nil, err
	}
	return l.bytes, nil
}

// GoodFor is how long a link is good, in English.
func GoodFor(d Data) string { return d.goodFor().String() }
