package server

import (
	"context"
	"fmt"
	"strings"

	"latchkey/internal/config"
	"latchkey/internal/store"
)

// OpenStore opens the database, and says of settings that do not fit its user table where they stand.
func OpenStore(ctx context.Context, cfg *config.Config) (*store.Store, error) {
	db, err := store.Open(ctx, cfg.Store())
	return db, cfg.Explain(err)
}

// checkModel refuses settings that cannot be honoured with the user table as it is.
func checkModel(cfg *config.Config, m *store.Model) error {
	wrong := &store.ModelError{}
	refuse := func(is bool, key, message, mend string) {
		if is {
			wrong.Problems = append(wrong.Problems, store.ModelProblem{Key: key, Message: message, Mend: mend})
		}
	}
	registers := cfg.Mounted(config.Djoser, config.DjRestAuth, config.DjRestAuthRegistration, config.RegisterLoginRefresh)
	for _, column := range m.Unfilled() {
		refuse(registers, "user_model.fields", fmt.Sprintf("a new row of %s needs a value of %s, which has no default and which sign-up does not ask for", m.Table, column),
			fmt.Sprintf("list %s, or give it a default, as in {name: %s, hidden: true, default: …}", column, column))
	}
	refuse(!m.HasActive() && cfg.IsGiven("DJOSER.SEND_ACTIVATION_EMAIL") && cfg.Djoser.SendActivationEmail, "DJOSER.SEND_ACTIVATION_EMAIL",
		"the table "+m.Table+" has no column is_active, so nobody waits for an activation", "turn it off")
	refuse(m.EmailField == "" && cfg.Mounted(config.RegisterLoginRefresh), "mounts", "people sign in to register-login-refresh by their address, and the table "+m.Table+" has none",
		"mount another dialect")
	for _, allauth := range []struct{ key, given, is string }{
		{"ACCOUNT_USER_MODEL_USERNAME_FIELD", nameOf(cfg.Account.UserModelUsernameField), m.NameField},
		{"ACCOUNT_USER_MODEL_EMAIL_FIELD", nameOf(cfg.Account.UserModelEmailField), m.EmailField},
	} {
		is := allauth.is
		if is == "" {
			is = "null"
		}
		refuse(cfg.IsGiven(allauth.key) && allauth.given != allauth.is, allauth.key, "the user table's is "+strings.ToLower(is), "remove it, or write "+is)
	}
	if len(wrong.Problems) == 0 {
		return nil
	}
	return cfg.Explain(wrong)
}

func nameOf(column *string) string {
	if column == nil {
		return ""
	}
	return *column
}
