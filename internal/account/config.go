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
	// EmailVerification is none, optional or mandatory.
	EmailVerification Verification `yaml:"ACCOUNT_EMAIL_VERIFICATION"`
	// LoginMethods are username, email, or both.
	LoginMethods []string `yaml:"ACCOUNT_LOGIN_METHODS"`
	// AuthenticationMethod is the older name of LoginMethods: username, email or username_email.
	AuthenticationMethod *string `yaml:"ACCOUNT_AUTHENTICATION_METHOD"`
	// SignupFields are the fields of registration; a star marks those that must be there.
	SignupFields []string `yaml:"ACCOUNT_SIGNUP_FIELDS"`
	// EmailRequired is an older name for the star behind email.
	EmailRequired *bool `yaml:"ACCOUNT_EMAIL_REQUIRED"`
	// UsernameRequired is an older name for the star behind username; in the reference false has no effect.
	UsernameRequired *bool `yaml:"ACCOUNT_USERNAME_REQUIRED"`
	// UniqueEmail lets one user only have an address verified.
	UniqueEmail bool `yaml:"ACCOUNT_UNIQUE_EMAIL"`
	// PreventEnumeration is true, false or strict. Only strict changes a row: that of an address somebody has is made at once, and primary.
	PreventEnumeration Prevention `yaml:"ACCOUNT_PREVENT_ENUMERATION"`
	// EmailConfirmationHMAC signs confirmation keys; otherwise they stand in account_emailconfirmation.
	EmailConfirmationHMAC bool `yaml:"ACCOUNT_EMAIL_CONFIRMATION_HMAC"`
	// EmailConfirmationExpireDays is how long a confirmation key is good.
	EmailConfirmationExpireDays int `yaml:"ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS"`
	// EmailConfirmationCooldown is the least time between two confirmation mails to one address, where RateLimits does not say.
	EmailConfirmationCooldown time.Duration `yaml:"ACCOUNT_EMAIL_CONFIRMATION_COOLDOWN"`
	// RateLimits is false, or holds allauth's rates by action, of which confirm_email counts here.
	RateLimits any `yaml:"ACCOUNT_RATE_LIMITS"`
	// Salt is mixed into signed confirmation keys.
	Salt string `yaml:"ACCOUNT_SALT"`
	// UsernameMinLength is for registration.
	UsernameMinLength int `yaml:"ACCOUNT_USERNAME_MIN_LENGTH"`
	// UsernameBlacklist are names that nobody may have, whatever their case.
	UsernameBlacklist []string `yaml:"ACCOUNT_USERNAME_BLACKLIST"`
	// UsernameValidators names Python code; it is refused at the start.
	UsernameValidators *string `yaml:"ACCOUNT_USERNAME_VALIDATORS"`
	// PreserveUsernameCasing keeps names as they are typed; otherwise registration stores them in lower case.
	PreserveUsernameCasing bool `yaml:"ACCOUNT_PRESERVE_USERNAME_CASING"`
	// PasswordMinLength is for registration, where there are no password validators.
	PasswordMinLength int `yaml:"ACCOUNT_PASSWORD_MIN_LENGTH"`
	// DefaultHTTPProtocol is https to have it in every link.
	DefaultHTTPProtocol string `yaml:"ACCOUNT_DEFAULT_HTTP_PROTOCOL"`
	// EmailSubjectPrefix stands before subjects; nil for the site's name in brackets.
	EmailSubjectPrefix *string `yaml:"ACCOUNT_EMAIL_SUBJECT_PREFIX"`
	// ChangeEmail makes a verified address its user's only one.
	ChangeEmail bool `yaml:"ACCOUNT_CHANGE_EMAIL"`
	// EmailMaxLength is the width of account_emailaddress.email.
	EmailMaxLength int `yaml:"ACCOUNT_EMAIL_MAX_LENGTH"`
	// LogoutOnGet lets GET log out.
	LogoutOnGet bool `yaml:"ACCOUNT_LOGOUT_ON_GET"`
	// UserModelUsernameField and UserModelEmailField must be Django's own columns.
	UserModelUsernameField string `yaml:"ACCOUNT_USER_MODEL_USERNAME_FIELD"`
	UserModelEmailField    string `yaml:"ACCOUNT_USER_MODEL_EMAIL_FIELD"`
	// Adapter and PasswordResetTokenGenerator name Python classes; only allauth's own are accepted.
	Adapter                     string `yaml:"ACCOUNT_ADAPTER"`
	PasswordResetTokenGenerator string `yaml:"ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR"`
	// EmailVerificationByCodeEnabled and LoginByCodeRequired would mail codes that no path takes; they are refused at the start.
	EmailVerificationByCodeEnabled bool `yaml:"ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED"`
	LoginByCodeRequired            bool `yaml:"ACCOUNT_LOGIN_BY_CODE_REQUIRED"`
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
		UserModelUsernameField:      "username",
		UserModelEmailField:         "email",
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
