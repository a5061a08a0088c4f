package passwords

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"latchkey/internal/message"
)

// Attributes are what a password should not resemble: the user's fields that validators may name.
type Attributes struct{ Username, FirstName, LastName, Email string }

// Weaknesses is the message of every validator that password fails, in the configured order; nil when it fails none.
func (p *Passwords) Weaknesses(password string, user Attributes) []*message.Text {
	var messages []*message.Text
	for _, rule := range p.rules {
		if weakness := rule(password, user); weakness != nil {
			messages = append(messages, weakness)
		}
	}
	return messages
}

// A rule is one configured validator: Django's message, or nothing when the password is fine.
type rule func(password string, user Attributes) *message.Text

// djangoValidation is the module that the validators' names begin with.
const djangoValidation = "django.contrib.auth.password_validation."

// rules are the validators that AUTH_PASSWORD_VALIDATORS may name. build takes the options it knows and reports bad ones.
var rules = []struct {
	class string
	build func(o *options, cfg Config) rule
}{
	{djangoValidation + "UserAttributeSimilarityValidator", similarityRule},
	{djangoValidation + "MinimumLengthValidator", minimumLengthRule},
	{djangoValidation + "CommonPasswordValidator", commonRule},
	{djangoValidation + "NumericPasswordValidator", numericRule},
}

func buildRule(validator Validator, cfg Config) (rule, error) {
	known := make([]string, len(rules))
	for i, r := range rules {
		if r.class == validator.Name {
			o := &options{class: r.class, left: maps.Clone(validator.Options)}
			built := r.build(o, cfg)
			return built, o.err()
		}
		known[i] = strings.TrimPrefix(r.class, djangoValidation)
	}
	return nil, fmt.Errorf("AUTH_PASSWORD_VALIDATORS: there is no validator %q; remove it, or write %s and one of %s",
		validator.Name, djangoValidation, strings.Join(known, ", "))
}

// similarityRule refuses passwords that are made of much the same letters as one of the user's attributes or a word of it.
func similarityRule(o *options, _ Config) rule {
	all := []attribute{
		{"username", message.T("username"), func(a Attributes) string { return a.Username }},
		{"first_name", message.T("first name"), func(a Attributes) string { return a.FirstName }},
		{"last_name", message.T("last name"), func(a Attributes) string { return a.LastName }},
		{"email", message.T("email address"), func(a Attributes) string { return a.Email }},
	}
	compared := all
	if names, given := o.texts("user_attributes"); given {
		compared = nil
		for _, name := range names {
			i := slices.IndexFunc(all, func(a attribute) bool { return a.name == name })
			if i < 0 {
				o.bad("user_attributes names %q; write names among username, first_name, last_name and email", name)
				continue
			}
			compared = append(compared, all[i])
		}
	}
	limit := o.number("max_similarity", 0.7)
	if !(limit >= 0.1) { // Django refuses less; the ! takes NaN along
		o.bad("max_similarity is %v; write a number from 0.1 to 1", limit)
	}
	return func(password string, user Attributes) *message.Text {
		letters := count(lower(password))
		for _, a := range compared {
			if similar(letters, lower(a.of(user)), limit) {
				return message.T("The password is too similar to the %(verbose_name)s.", "verbose_name", a.label)
			}
		}
		return nil
	}
}

// An attribute is a field of the user by the name of its column and by its name in messages.
type attribute struct {
	name  string
	label *message.Text
	of    func(Attributes) string
}

// similar compares a password with a value and with each word of it, both in lower case. The similarity of two texts is
// twice the number of characters that they share, in whatever order, by the sum of their lengths (difflib's quick_ratio).
func similar(password *letters, value string, limit float64) bool {
	if value == "" {
		return false
	}
	for word := range words(value) {
		length := utf8.RuneCountInString(word)
		// A word that is far shorter than the password is no reason, and Django saves itself the comparison.
		if password.total >= 10*length && float64(length) < limit/2*float64(password.total) {
			continue
		}
		similarity := 1.0 // of two empty texts
		if sum := password.total + length; sum > 0 {
			similarity = 2 * float64(password.shared(count(word))) / float64(sum)
		}
		if similarity >= limit {
			return true
		}
	}
	return false
}

// words yields the pieces of text between characters that no word is made of, also the empty ones at its ends, and then
// the whole text: re.split(r"\W+") of Python.
func words(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		rest := text
		for {
			end := strings.IndexFunc(rest, isNoWord)
			if end < 0 {
				break
			}
			if !yield(rest[:end]) {
				return
			}
			rest = strings.TrimLeftFunc(rest[end:], isNoWord)
		}
		if yield(rest) {
			yield(text)
		}
	}
}

// isNoWord is Python's \W for text.
func isNoWord(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_'
}

// letters is how often each character occurs in a text.
type letters struct {
	ascii  [utf8.RuneSelf]int
	beyond map[rune]int // nil while all are ASCII
	total  int
}

func count(text string) *letters {
	l := new(letters)
	for _, r := range text {
		l.total++
		if r < utf8.RuneSelf {
			l.ascii[r]++
			continue
		}
		if l.beyond == nil {
			l.beyond = make(map[rune]int)
		}
		l.beyond[r]++
	}
	return l
}

// shared is how many characters two texts have in common, each as often as it occurs in both.
func (l *letters) shared(other *letters) int {
	n := 0
	for r, times := range other.ascii {
		n += min(times, l.ascii[r])
	}
	for r, times := range other.beyond {
		n += min(times, l.beyond[r])
	}
	return n
}

// lower is Python's str.lower: Unicode's full mapping, with its two letters for İ and its own sigma at the end of a word.
func lower(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return cases.Lower(language.Und).String(text) // a Caser has state: one for each text
		}
	}
	return strings.ToLower(text)
}

// minimumLengthRule counts characters, not bytes.
func minimumLengthRule(o *options, _ Config) rule {
	number := o.number("min_length", 8)
	if number < 0 || number > math.MaxInt32 || number != math.Trunc(number) {
		o.bad("min_length is %v; write a whole number from 0", number)
		return nil
	}
	least := int(number)
	short := TooShort(least)
	return func(password string, _ Attributes) *message.Text {
		if utf8.RuneCountInString(password) < least {
			return short
		}
		return nil
	}
}

// TooShort is said of a password with fewer characters than least.
func TooShort(least int) *message.Text {
	return message.N("This password is too short. It must contain at least %(min_length)d character.",
		"This password is too short. It must contain at least %(min_length)d characters.", least, "min_length", least)
}

// commonRule looks the password up, in lower case and stripped, in the built-in lists or in the file that is named.
func commonRule(o *options, cfg Config) rule {
	list := commonList
	if cfg.ExactCommonList {
		list = djangoList
	}
	if path, given := o.text("password_list_path"); given {
		own, err := readList(path)
		if err != nil {
			o.bad("password_list_path cannot be read: %w; write the path of a text file with one password a line, gzipped or not", err)
			return nil
		}
		list = func() map[string]struct{} { return own }
	}
	return func(password string, _ Attributes) *message.Text {
		if _, found := list()[strings.TrimFunc(lower(password), isPythonSpace)]; found {
			return message.T("This password is too common.")
		}
		return nil
	}
}

// isPythonSpace is what str.strip takes: Go's spaces and the four separators of ASCII.
func isPythonSpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}

func numericRule(*options, Config) rule {
	return func(password string, _ Attributes) *message.Text {
		if password == "" || strings.IndexFunc(password, isNoDigit) >= 0 {
			return nil
		}
		return message.T("This password is entirely numeric.")
	}
}

func isNoDigit(r rune) bool {
	return !unicode.IsDigit(r) && !unicode.Is(otherDigits, r)
}

// otherDigits are what Python's isdigit takes beside category Nd: characters that stand for one digit without being part
// of a place value notation, superscripts and circled digits (Unicode's numeric type Digit).
var otherDigits = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00b2, 0x00b3, 1}, {0x00b9, 0x00b9, 1}, {0x1369, 0x1371, 1}, {0x19da, 0x19da, 1}, {0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1}, {0x2080, 0x2089, 1}, {0x2460, 0x2468, 1}, {0x2474, 0x247c, 1}, {0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1}, {0x24f5, 0x24fd, 1}, {0x24ff, 0x24ff, 1}, {0x2776, 0x277e, 1}, {0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32: []unicode.Range32{
		{0x10a40, 0x10a43, 1}, {0x10e60, 0x10e68, 1}, {0x11052, 0x1105a, 1}, {0x1f100, 0x1f10a, 1},
	},
	LatinOffset: 2,
}

// options are the OPTIONS of one validator. Each is taken once; what is left at the end was misspelled.
type options struct {
	class    string
	left     map[string]any
	known    []string
	mistakes []error
}

func (o *options) bad(format string, args ...any) {
	o.mistakes = append(o.mistakes, fmt.Errorf("AUTH_PASSWORD_VALIDATORS: "+o.class+": "+format, args...))
}

func (o *options) err() error {
	for _, name := range slices.Sorted(maps.Keys(o.left)) {
		if len(o.known) == 0 {
			o.bad("there is no option %q; remove it, this validator has none", name)
			continue
		}
		o.bad("there is no option %q; remove it, or write one of %s", name, strings.Join(o.known, ", "))
	}
	return errors.Join(o.mistakes...)
}

func (o *options) take(name string) (value any, given bool) {
	o.known = append(o.known, name)
	value, given = o.left[name]
	delete(o.left, name)
	return value, given
}

// number is an option of any of the number types that YAML readers make.
func (o *options) number(name string, absent float64) float64 {
	value, given := o.take(name)
	if !given {
		return absent
	}
	switch n := value.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case uint64:
		return float64(n)
	case float64:
		return n
	}
	o.bad("%s is %v; write a number", name, value)
	return absent
}

func (o *options) text(name string) (text string, given bool) {
	value, given := o.take(name)
	if text, ok := value.(string); ok || !given {
		return text, given
	}
	o.bad("%s is %v; write a text", name, value)
	return "", false
}

func (o *options) texts(name string) (texts []string, given bool) {
	value, given := o.take(name)
	if list, ok := value.([]string); ok || !given {
		return list, given
	}
	list, ok := value.([]any)
	for _, item := range list {
		text, isText := item.(string)
		ok = ok && isText
		texts = append(texts, text)
	}
	if !ok {
		o.bad("%s is %v; write a list of texts", name, value)
		return nil, false
	}
	return texts, true
}
