package mail

import "time"

// Config is how mail leaves: Django's EMAIL_* settings under their own names.
type Config struct {
	// `django.core.mail.backends.` and `smtp`, `console`, `filebased`, `locmem` or `dummy`, and `.EmailBackend`. Where it is not given, SMTP, and the mailbox of
	// development there.
	Backend string `yaml:"EMAIL_BACKEND"`
	// The mail server; `localhost` where it is not given and SMTP is used.
	Host string `yaml:"EMAIL_HOST"`
	// Its port.
	Port int `yaml:"EMAIL_PORT"`
	// The name to sign in to it with.
	HostUser string `yaml:"EMAIL_HOST_USER"`
	// The password for that.
	HostPassword string `yaml:"EMAIL_HOST_PASSWORD"`
	// A file that holds it. Latchkey's own.
	HostPasswordFile string `yaml:"EMAIL_HOST_PASSWORD_FILE"`
	// Ask for STARTTLS, as on port 587.
	UseTLS bool `yaml:"EMAIL_USE_TLS"`
	// Speak TLS from the first byte, as on port 465.
	UseSSL bool `yaml:"EMAIL_USE_SSL"`
	// A client certificate, as a PEM file.
	SSLCertfile string `yaml:"EMAIL_SSL_CERTFILE"`
	// Its key.
	SSLKeyfile string `yaml:"EMAIL_SSL_KEYFILE"`
	// Bounds each stage of a delivery.
	Timeout time.Duration `yaml:"EMAIL_TIMEOUT"`
	// The folder of the `filebased` backend.
	FilePath string `yaml:"EMAIL_FILE_PATH"`
	// The sender of every mail.
	DefaultFromEmail string `yaml:"DEFAULT_FROM_EMAIL"`
	// A folder whose files replace the built-in mails of the same name.
	Templates string `yaml:"mail_templates"`
}

// DefaultConfig holds Django's defaults, but with a timeout, which Django lacks.
func DefaultConfig() Config {
	return Config{Port: 25, Timeout: 30 * time.Second, DefaultFromEmail: "webmaster@localhost"}
}
