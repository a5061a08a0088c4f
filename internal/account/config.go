package account

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/throttle"
)

// Verification says whether an address must be verified: none, optional or mandatory. allauth takes true and false for the last two.
type Verification string

// The three ways to verify addresses.
const (
	NoVerification        Verification = "none"
	OptionalVerification  Verification = "optional"
	MandatoryVerification Verification = "mandatory"
)

// Prevention says how far the existence of accounts is hidden: true, false or strict.
type Prevention string

// Config is allauth's ACCOUNT_* settings as far as they bear on the answers, under allauth's own names.
type Config struct {
	// `mandatory`, or `true`: nobody logs in through dj-rest-auth before their address is verified. `none`: no mail. `false` is `optional`.
	EmailVerification Verification `yaml:"ACCOUNT_EMAIL_VERIFICATION"`
	// What dj-rest-auth's login asks for: `username`, `email`, or either. The address needs allauth's backend.
	LoginMethods []string `yaml:"ACCOUNT_LOGIN_METHODS"`
	// Its older name: `username`, `email` or `username_email`.
	AuthenticationMethod *string `yaml:"ACCOUNT_AUTHENTICATION_METHOD"`
	// A star marks what registration asks for. `email` and `username` count; what is not listed is required.
	SignupFields []string `yaml:"ACCOUNT_SIGNUP_FIELDS"`
	// An older name for the star behind `email`.
	EmailRequired *bool `yaml:"ACCOUNT_EMAIL_REQUIRED"`
	// An older name for that behind `username`; `false` has no effect, as in the original.
	UsernameRequired *bool `yaml:"ACCOUNT_USERNAME_REQUIRED"`
	// Only one user has an address verified.
	UniqueEmail bool `yaml:"ACCOUNT_UNIQUE_EMAIL"`
	// Only `strict` matters: a second account's row of an address is made at once, and primary.
	PreventEnumeration Prevention `yaml:"ACCOUNT_PREVENT_ENUMERATION"`
	// Confirmation keys are signed; otherwise they are kept in `account_emailconfirmation`.
	EmailConfirmationHMAC bool `yaml:"ACCOUNT_EMAIL_CONFIRMATION_HMAC"`
	// How long a key is good.
	EmailConfirmationExpireDays int `yaml:"ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS"`
	// The least time between two confirmation mails to an address.
	EmailConfirmationCooldown time.Duration `yaml:"ACCOUNT_EMAIL_CONFIRMATION_COOLDOWN"`
	// `{confirm_email: 1/3m/key}` goes before the cooldown, `false` is no limit; other actions are accepted without effect.
	RateLimits any `yaml:"ACCOUNT_RATE_LIMITS"`
	// Mixed into signed keys.
	Salt string `yaml:"ACCOUNT_SALT"`
	// For registration.
	UsernameMinLength int `yaml:"ACCOUNT_USERNAME_MIN_LENGTH"`
	// Names that nobody may have, whatever their case.
	UsernameBlacklist []string `yaml:"ACCOUNT_USERNAME_BLACKLIST"`
	// Refused: Python code.
	UsernameValidators *string `yaml:"ACCOUNT_USERNAME_VALIDATORS"`
	// Off, registration stores names in lower case.
	PreserveUsernameCasing bool `yaml:"ACCOUNT_PRESERVE_USERNAME_CASING"`
	// For registration, where `AUTH_PASSWORD_VALIDATORS` is empty.
	PasswordMinLength int `yaml:"ACCOUNT_PASSWORD_MIN_LENGTH"`
	// `https` is for every link, whatever the request came by.
	DefaultHTTPProtocol string `yaml:"ACCOUNT_DEFAULT_HTTP_PROTOCOL"`
	// Stands before subjects; the site's name in brackets where it is not given.
	EmailSubjectPrefix *string `yaml:"ACCOUNT_EMAIL_SUBJECT_PREFIX"`
	// A verified address becomes its user's only one.
	ChangeEmail bool `yaml:"ACCOUNT_CHANGE_EMAIL"`
	// The width of the column of addresses.
	EmailMaxLength int `yaml:"ACCOUNT_EMAIL_MAX_LENGTH"`
	// GET logs out too.
	LogoutOnGet bool `yaml:"ACCOUNT_LOGOUT_ON_GET"`
	// The user model's own columns of names and of addresses, and no others; `null` where there is none.
	UserModelUsernameField *string `yaml:"ACCOUNT_USER_MODEL_USERNAME_FIELD"`
	UserModelEmailField    *string `yaml:"ACCOUNT_USER_MODEL_EMAIL_FIELD"`
	// Only this.
	Adapter                     string `yaml:"ACCOUNT_ADAPTER"`
	PasswordResetTokenGenerator string `yaml:"ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR"`
	// Refused: codes would be mailed that no path takes.
	EmailVerificationByCodeEnabled bool `yaml:"ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED"`
	// Refused for the same reason.
	LoginByCodeRequired bool `yaml:"ACCOUNT_LOGIN_BY_CODE_REQUIRED"`
}

// DefaultConfig holds allauth's defaults.
func DefaultConfig() Config {
	return Config{
		EmailVerification:           OptionalVerification,
		LoginMethods:                []string{"username"},
		SignupFields:                []string{"email", "username*", "password1*", "password2*"},
		UniqueEmail:                 true,
		PreventEnumeration:          "true",
		EmailConfirmationHMAC:       true,
		EmailConfirmationExpireDays: 3,
		EmailConfirmationCooldown:   3 * time.Minute,
		Salt:                        "account",
		UsernameMinLength:           1,
		PreserveUsernameCasing:      true,
		PasswordMinLength:           6,
		DefaultHTTPProtocol:         "http",
		EmailMaxLength:              254,
		UserModelUsernameField:      new("username"),
		UserModelEmailField:         new("email"),
		Adapter:                     "allauth.account.adapter.DefaultAccountAdapter",
		PasswordResetTokenGenerator: "allauth.account.forms.EmailAwarePasswordResetTokenGenerator",
	}
}

// LoginBy tells whether people log in by this method.
func (c *Config) LoginBy(method string) bool { return slices.Contains(c.LoginMethods, method) }

// Required tells whether registration asks for a field. One that SIGNUP_FIELDS does not list is required, as in dj-rest-auth.
func (c *Config) Required(field string) bool { return !slices.Contains(c.SignupFields, field) }

// confirmationExpiry is how long a confirmation key is good.
func (c *Config) confirmationExpiry() time.Duration {
	return time.Duration(c.EmailConfirmationExpireDays) * 24 * time.Hour
}

// Cooldown reads how often one address may be sent a confirmation mail; none for as often as it is asked for.
func (c *Config) Cooldown() ([]throttle.Rate, error) {
	var given map[string]any
	switch limits := c.RateLimits.(type) {
	case nil:
	case bool:
		if !limits {
			return nil, nil
		}
		return nil, errors.New("it is false for no limits, or a mapping of rates")
	case map[string]any:
		given = limits
	default:
		return nil, errors.New("it is false for no limits, or a mapping of rates")
	}
	value, ok := given["confirm_email"]
	if !ok {
		if c.EmailConfirmationCooldown <= 0 {
			return nil, nil
		}
		return []throttle.Rate{{Count: 1, Period: c.EmailConfirmationCooldown}}, nil
	}
	text, ok := value.(string)
	if value != nil && value != false && !ok {
		return nil, errors.New("confirm_email is no rate such as 1/3m/key")
	}
	var rates []throttle.Rate
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		rate, err := parseRate(part)
		if err != nil {
			return nil, err
		}
		rates = append(rates, rate)
	}
	return rates, nil
}

// parseRate reads allauth's form of a rate, 1/180s/key, which is counted for each key.
func parseRate(text string) (throttle.Rate, error) {
	wrong := fmt.Errorf("confirm_email: %q is no rate such as 1/3m/key, which counts each address", text)
	parts := strings.Split(text, "/")
	if len(parts) != 3 || parts[2] != "key" || parts[1] == "" {
		return throttle.Rate{}, wrong
	}
	count, err := strconv.Atoi(parts[0])
	number, unit := parts[1][:len(parts[1])-1], parts[1][len(parts[1])-1]
	length, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[unit]
	if err != nil || count < 0 || !ok {
		return throttle.Rate{}, wrong
	}
	times := 1.0
	if number != "" {
		if times, err = strconv.ParseFloat(number, 64); err != nil || !(times > 0 && times < 1e6) {
			return throttle.Rate{}, wrong
		}
	}
	return throttle.Rate{Count: count, Period: time.Duration(times * float64(length))}, nil
}
