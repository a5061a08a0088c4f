package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// A Target is an address that requests are sent to, and the secret that signs them.
type Target struct {
	// The address, which gets a POST.
	URL string `yaml:"url"`
	// What signs the requests: `whsec_` and 24 to 64 random bytes in base64.
	Secret string `yaml:"secret"`
	// A file that holds the secret instead.
	SecretFile string `yaml:"secret_file"`
	// Lets what is told cross the network in clear.
	AllowHTTP bool `yaml:"allow_http"`
}

// An Endpoint is told of events.
type Endpoint struct {
	Target `yaml:",inline"`
	// What it is called in the log and in the queue, which outlive a change of its address; the address's host where empty.
	Name string `yaml:"name"`
	// What it is told of; all where empty.
	Events []string `yaml:"events"`
}

// Called is its name, or the host in its place.
func (e *Endpoint) Called() string {
	if e.Name != "" {
		return e.Name
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// MaxTimeout is how long a request may wait for a hook: clients and proxies do not wait much longer for the whole answer.
const MaxTimeout = 10 * time.Second

// What happens where a hook does not answer.
const (
	Refuse = "refuse"
	Allow  = "allow"
)

// A Hook is asked before something happens, and may refuse it.
type Hook struct {
	Target `yaml:",inline"`
	// How long it may take to answer, at most 10s.
	Timeout time.Duration `yaml:"timeout"`
	// What happens where no answer comes in time, or none that can be read: `refuse` answers 503, `allow` goes on.
	OnFailure string `yaml:"on_failure"`
}

// Hooks are the questions that can be asked.
type Hooks struct {
	BeforeRegistration Hook `yaml:"before_registration"`
	BeforeLogin        Hook `yaml:"before_login"`
}

// DefaultHooks ask nobody.
func DefaultHooks() Hooks {
	h := Hook{Timeout: 2 * time.Second, OnFailure: Refuse}
	return Hooks{h, h}
}

// CheckURL refuses an address that requests cannot, or should not, be sent to.
func (t *Target) CheckURL() error {
	u, err := url.Parse(t.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("this is no http or https URL")
	case u.User != nil:
		return errors.New("it holds a user or a password: requests are signed, and need none")
	case u.Scheme == "http" && !t.AllowHTTP && !loopback(u.Hostname()):
		return errors.New("over plain http everybody on the way can read what is told")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const secretPrefix = "whsec_"

// key is the secret, decoded.
func (t *Target) key() ([]byte, error) {
	text := t.Secret
	if t.SecretFile != "" {
		if text != "" {
			return nil, errors.New("secret and secret_file are both set; keep one of them")
		}
		data, err := os.ReadFile(t.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret_file cannot be read: %w", err)
		}
		text = strings.TrimSpace(string(data))
	}
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("the secret is not whsec_ and 24 to 64 bytes in base64; make one with: echo whsec_$(openssl rand -base64 32)")
	}
	return key, nil
}

// CheckSecret refuses a secret that cannot sign.
func (t *Target) CheckSecret() error {
	_, err := t.key()
	return err
}
