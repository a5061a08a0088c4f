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
	// The user table.
	Table string `yaml:"table"`
	// Django's `USERNAME_FIELD`: `username` or `email`.
	UsernameField string `yaml:"username_field"`
	// Django's `EMAIL_FIELD`.
	EmailField string `yaml:"email_field"`
	// Django's `REQUIRED_FIELDS`: asked for at registration and shown in a user's answers. `[username]` where the `username_field` is `email`.
	RequiredFields []string `yaml:"required_fields"`
}

// DefaultUserModel is Django's stock user.
func DefaultUserModel() UserModel {
	return UserModel{Table: "auth_user", UsernameField: "username", EmailField: "email", RequiredFields: []string{"email"}}
}
