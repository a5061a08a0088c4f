package store

import "time"

// Config says where the data is and what its users look like.
type Config struct {
	// URL is sqlite:///path/to/file, sqlite://relative/path, or postgres://user:password@host:port/name?sslmode=….
	URL string
	// User is the shape of the user table.
	User UserModel
	// Zone is TIME_ZONE, whose date is a new user's today; UTC when nil.
	Zone *time.Location
	// ReadOnly refuses every change, and neither makes a file nor touches the one that is there.
	ReadOnly bool
	// Installed are the apps that settings say are there; nil leaves it to the tables.
	Installed *Apps
}

// A UserModel is the shape of the user table as settings tell it: the user_model key. Model is what it comes to with the table itself.
type UserModel struct {
	// The user table. Where it is not given, Django's name for the table of `AUTH_USER_MODEL`.
	Table string `yaml:"table"`
	// Django's `USERNAME_FIELD`: the column people sign in with, a text.
	UsernameField string `yaml:"username_field"`
	// Django's `EMAIL_FIELD`: the column with the address. An empty text where there is none; then no mail is sent to users.
	EmailField string `yaml:"email_field"`
	// Django's `REQUIRED_FIELDS`: asked for at registration and shown in a user's answers. Where it is not given, `[email]`; `[username]` where the `username_field`
	// is the address and there is a column `username`, else nothing.
	RequiredFields []string `yaml:"required_fields"`
	// The columns beyond Django's own that registration asks for and answers show: names, or mappings with what the table does not tell. See
	// [user models](user-models.md).
	Fields []FieldConfig `yaml:"fields"`

	// Class is the model's name in Django, as in User.
	Class string
	// Named are columns that other settings name.
	Named []NamedColumn
}

// A FieldConfig is an entry of user_model.fields: a column's name alone, or with what the table does not tell. docs/user-models.md lists them.
type FieldConfig struct {
	// Name is the column, or for a foreign key Django's name of it, without _id.
	Name string `yaml:"name"`
	// ReadOnly shows a column and lets nobody write it.
	ReadOnly bool `yaml:"read_only"`
	// Hidden neither shows a column nor lets anybody write it: a new user gets its default.
	Hidden bool `yaml:"hidden"`
	// Registration says whether sign-up asks for it; where not given it does for what can be written.
	Registration *bool `yaml:"registration"`
	// Required says whether it must be given; where not given, what is neither NULL nor has a default must be.
	Required *bool `yaml:"required"`
	// Blank lets a text be empty, Django's blank=True.
	Blank bool `yaml:"blank"`
	// Default is what a new user gets where nothing else is given: Django's own default, which the table does not know. A date or a moment may be
	// now, a UUID uuid4.
	Default any `yaml:"default"`
	// AutoNow writes the time of each change, Django's auto_now.
	AutoNow bool `yaml:"auto_now"`
	// MaxDigits and DecimalPlaces are those of a decimal, which SQLite does not keep.
	MaxDigits     int `yaml:"max_digits"`
	DecimalPlaces int `yaml:"decimal_places"`
	// Label and HelpText are Django's verbose_name and help_text.
	Label    string `yaml:"label"`
	HelpText string `yaml:"help_text"`
}

// A NamedColumn is a user column that the setting Key names; Text says that it must hold a text.
type NamedColumn struct {
	Key, Column string
	Text        bool
}

// DefaultUserModel is Django's stock user.
func DefaultUserModel() UserModel {
	return UserModel{Table: "auth_user", UsernameField: "username", EmailField: "email", RequiredFields: []string{"email"}, Class: "User"}
}
