package mail

import "time"

// Config is how mail leaves: Django's EMAIL_* settings under their own names.
type Config struct {
	// Backend is Django's backend by its dotted name: smtp, console, filebased, locmem (the development mailbox) or dummy.
	// Empty means SMTP where a host is configured, and the development mailbox and the terminal in development.
	Backend string `yaml:"EMAIL_BACKEND"`
	// Host and Port name the SMTP server.
	Host string `yaml:"EMAIL_HOST"`
	Port int    `yaml:"EMAIL_PORT"`
	// HostUser and HostPassword sign in to it, where given.
	HostUser     string `yaml:"EMAIL_HOST_USER"`
	HostPassword string `yaml:"EMAIL_HOST_PASSWORD"`
	// UseTLS asks for STARTTLS, UseSSL for TLS from the first byte; at most one of them.
	UseTLS bool `yaml:"EMAIL_USE_TLS"`
	UseSSL bool `yaml:"EMAIL_USE_SSL"`
	// SSLCertfile and SSLKeyfile are a client certificate, as PEM files.
	SSLCertfile string `yaml:"EMAIL_SSL_CERTFILE"`
	SSLKeyfile  string `yaml:"EMAIL_SSL_KEYFILE"`
	// Timeout bounds each stage of an SMTP conversation.
	Timeout time.Duration `yaml:"EMAIL_TIMEOUT"`
	// FilePath is the folder of the filebased backend.
	FilePath string `yaml:"EMAIL_FILE_PATH"`
	// DefaultFromEmail is the sender of every mail.
	DefaultFromEmail string `yaml:"DEFAULT_FROM_EMAIL"`
	// Templates is a folder whose files take the place of the built-in ones of the same name. It is Latchkey's own key.
	Templates string `yaml:"mail_templates"`
}

// DefaultConfig holds Django's defaults, but with a timeout, which Django lacks.
func DefaultConfig() Config {
	return Config{Port: 25, Timeout: 30 * time.Second, DefaultFromEmail: "webmaster@localhost"}
}
