package store

// Config says where the data is and what its users look like.
type Config struct {
	// URL is sqlite:///path/to/file, sqlite://relative/path, or postgres://user:password@host:port/name?sslmode=….
	URL string
	// User is the shape of the user table.
	User UserModel
	// Installed are the apps that settings say are there; nil leaves it to the tables.
	Installed *Apps
}

// A UserModel is the shape of the user table: the user_model key.
type UserModel struct {
	// Table is the user table, Django's own when auth_user.
	Table string `yaml:"table"`
	// UsernameField is the column users sign in with, Django's USERNAME_FIELD.
	UsernameField string `yaml:"username_field"`
	// EmailField is the column with the address, Django's EMAIL_FIELD.
	EmailField string `yaml:"email_field"`
	// RequiredFields are asked for at registration and shown in a user's answers, as Django's REQUIRED_FIELDS.
	RequiredFields []string `yaml:"required_fields"`
}

// DefaultUserModel is Django's stock user.
func DefaultUserModel() UserModel {
	return UserModel{Table: "auth_user", UsernameField: "username", EmailField: "email", RequiredFields: []string{"email"}}
}
