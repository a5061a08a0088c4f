// Package verify checks access tokens of Latchkey, or of any SimpleJWT, in services that have no users of their own.
//
// A service wraps its handlers in Middleware. A request with a good token arrives with the user's id and the token's claims in its context; any other is answered
// as Django REST framework with SimpleJWT's JWTAuthentication answers it: 401 with the same bodies and the same WWW-Authenticate.
//
//	v, err := verify.New(verify.Config{JWKSURL: "https://accounts.example.com/.well-known/jwks.json"})
//	…
//	http.Handle("/orders/", v.Middleware(orders))
//
// Inside, verify.User(r.Context()) is the user's id.
//
// A token is checked by its signature, its times, its issuer and audience where those are configured, and its type. Nobody is asked whether the user still exists
// or has been deactivated since: that is what access tokens live only minutes for.
package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/internal/tokens"
)

// Config says which tokens are good. One of Secret, JWKSURL and JWKS must be given; what else is left out has SimpleJWT's default.
type Config struct {
	// Secret is what tokens of the HS algorithms are signed with: SIMPLE_JWT's SIGNING_KEY, which is Django's SECRET_KEY, Latchkey's secret_key, where it is not
	// set. Whoever knows it can also make tokens: services of other teams should have a JWKSURL.
	Secret string
	// JWKSURL is where the public keys are published: /.well-known/jwks.json of a Latchkey. They are fetched with the first token, kept as long as Cache-Control
	// says, and fetched anew, at most every ten seconds, for a token whose key is not among them. While the address does not answer, the keys that are known
	// stay good.
	JWKSURL string
	// AllowHTTP lets JWKSURL be plain http on a network other than this machine's.
	AllowHTTP bool
	// JWKS is the key set itself, where it is known beforehand.
	JWKS []byte
	// Algorithms are those that tokens may be signed with: HS256 where there is a Secret, else RS256. What the token says of itself is believed only within these.
	Algorithms []string
	// Issuer and Audience are required of tokens where they are given: SIMPLE_JWT's ISSUER and AUDIENCE. Of several audiences, one.
	Issuer   string
	Audience []string
	// Leeway is how far clocks may differ.
	Leeway time.Duration
	// UserIDClaim holds the user's id; user_id by default.
	UserIDClaim string
	// TokenTypes are the types that are good: access by default, or also sliding.
	TokenTypes []string
	// TokenTypeClaim and JTIClaim hold a token's type and id; token_type and jti by default.
	TokenTypeClaim, JTIClaim string
	// Header holds the token, behind one of the words of HeaderTypes; Authorization and Bearer by default.
	Header      string
	HeaderTypes []string
	// Optional lets requests without a token through, as nobody's. A bad token is refused all the same.
	Optional bool
	// Client fetches the keys; by default one that gives up after five seconds and follows no redirect.
	Client *http.Client
	// Log is told of keys that cannot be fetched; slog.Default by default.
	Log *slog.Logger
	// Now is the clock, time.Now by default.
	Now func() time.Time
}

// A Verifier checks tokens. It is made by New and safe for concurrent use.
type Verifier struct {
	cfg  Config
	jwt  tokens.JWTConfig
	keys keys
}

// New refuses a configuration by which tokens could not be checked, or not safely. It fetches nothing yet.
func New(cfg Config) (*Verifier, error) {
	given := 0
	for _, is := range []bool{cfg.Secret != "", cfg.JWKSURL != "", cfg.JWKS != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, errors.New("verify: give one of Secret, JWKSURL and JWKS")
	}
	cfg = withDefaults(cfg)
	for _, name := range cfg.Algorithms {
		if tokens.IsHMAC(name) != (cfg.Secret != "") {
			return nil, fmt.Errorf("verify: Algorithms: %s does not fit: the HS algorithms are for a Secret, all others for public keys", name)
		}
	}
	v, err := newVerifier(cfg)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.Secret != "":
		v.keys, err = v.secret()
	case cfg.JWKS != nil:
		v.keys, err = v.published(cfg.JWKS)
	default:
		v.keys, err = newRemote(v)
	}
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return v, nil
}

// Beside checks what a server of this process makes, by the server's own keys, which may change. It is for package latchkey.
func Beside(maker *tokens.JWTs, cfg Config) (*Verifier, error) {
	cfg.Algorithms = tokens.Algorithms() // the maker knows which key is for which
	v, err := newVerifier(withDefaults(cfg))
	if err != nil {
		return nil, err
	}
	v.keys = own{maker}
	return v, nil
}

// newVerifier takes a configuration with its defaults; the keys are still to come.
func newVerifier(cfg Config) (*Verifier, error) {
	for _, kind := range cfg.TokenTypes {
		if classes[kind] == "" {
			return nil, fmt.Errorf("verify: TokenTypes: %q is no type of token that signs requests in; there are access and sliding", kind)
		}
	}
	v := &Verifier{cfg: cfg, jwt: tokens.DefaultJWTConfig()}
	v.jwt.Issuer, v.jwt.Audience, v.jwt.Leeway = cfg.Issuer, tokens.Audience{Values: cfg.Audience, List: true}, cfg.Leeway
	v.jwt.UserIDClaim, v.jwt.TokenTypeClaim, v.jwt.JTIClaim = cfg.UserIDClaim, &cfg.TokenTypeClaim, &cfg.JTIClaim
	return v, nil
}

func withDefaults(cfg Config) Config {
	text := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	list := func(field *[]string, value string) {
		if len(*field) == 0 {
			*field = []string{value}
		}
	}
	algorithm := "RS256"
	if cfg.Secret != "" {
		algorithm = "HS256"
	}
	list(&cfg.Algorithms, algorithm)
	list(&cfg.TokenTypes, "access")
	list(&cfg.HeaderTypes, "Bearer")
	text(&cfg.UserIDClaim, "user_id")
	text(&cfg.TokenTypeClaim, "token_type")
	text(&cfg.JTIClaim, "jti")
	text(&cfg.Header, "Authorization")
	cfg.Header = http.CanonicalHeaderKey(cfg.Header)
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// classes are SimpleJWT's names of the types of token.
var classes = map[string]string{"access": "AccessToken", "sliding": "SlidingToken"}

// A Token is what a good token says.
type Token struct {
	// UserID is the user's id as text, whatever its type is.
	UserID string
	// Claims are all that it says, decoded as encoding/json decodes into an any, but numbers as json.Number.
	Claims map[string]any
	// Expires is when it ends.
	Expires time.Time
}

// ErrUnavailable means that a token cannot be judged, for there are no keys yet and none can be fetched now.
var ErrUnavailable = errors.New("the keys that tokens are checked with cannot be fetched")

// Token checks a token as it stands in the header behind the word Bearer, for services that get it in another way. Its error is a *Refused, or wraps
// ErrUnavailable.
func (v *Verifier) Token(ctx context.Context, raw string) (*Token, error) {
	algorithm, id, ok := tokens.Peek(raw)
	var checkers []*tokens.JWTs
	if ok && slices.Contains(v.cfg.Algorithms, algorithm) {
		var err error
		if checkers, err = v.keys.find(ctx, algorithm, id); err != nil {
			return nil, err
		}
	}
	token, err := v.judge(checkers, raw)
	if err == nil || !isInvalid(err) || len(checkers) == 0 {
		return token, err
	}
	// A token that does not name its key, and was signed by none of those that are known, may be signed by a new one.
	if id == "" {
		again, err := v.keys.refind(ctx, algorithm, checkers)
		if err != nil {
			return nil, err
		}
		if len(again) > 0 {
			return v.judge(again, raw)
		}
	}
	return nil, err
}

// judge holds a token against each key: the first that takes it, or has more to say than that it is invalid, decides.
func (v *Verifier) judge(checkers []*tokens.JWTs, raw string) (*Token, error) {
	refused := notValid(v.cfg.TokenTypes, make([]string, len(v.cfg.TokenTypes)))
	for _, checker := range checkers {
		said := make([]string, len(v.cfg.TokenTypes))
		for i, kind := range v.cfg.TokenTypes {
			token, err := checker.Decode(raw, kind, v.cfg.Now(), nil)
			if err == nil {
				return v.accept(checker, token)
			}
			said[i] = err.Error() // a *tokens.Invalid: without a blacklist nothing else can fail
		}
		if refused = notValid(v.cfg.TokenTypes, said); !isInvalid(refused) {
			break
		}
	}
	return nil, refused
}

func (v *Verifier) accept(checker *tokens.JWTs, token tokens.Token) (*Token, error) {
	id, present := checker.UserID(token)
	if !present {
		return nil, &Refused{Detail: "Token contained no recognizable user identification", Code: "token_not_valid"}
	}
	if id == "" { // null, for one: no user has that
		return nil, &Refused{Detail: "User not found", Code: "user_not_found"}
	}
	claims, err := decodeClaims(token.Claims)
	if err != nil {
		return nil, err
	}
	return &Token{UserID: id, Claims: claims, Expires: token.ExpiresAt()}, nil
}

// recognises tells whether a word before a token is one of the configured; as in HTTP, whatever its case.
func (v *Verifier) recognises(word string) bool {
	return slices.ContainsFunc(v.cfg.HeaderTypes, func(t string) bool { return strings.EqualFold(t, word) })
}
