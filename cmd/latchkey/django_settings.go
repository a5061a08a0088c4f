package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"latchkey/internal/config"
)

// djangoSettings is the script that a Django project's own Python runs. KNOWN and WITH_SECRETS are filled in before it is printed.
//
//go:embed django_settings.py
var djangoSettings string

type djangoCommand struct {
	WithSecrets bool `help:"Have the script print SECRET_KEY and the passwords of the database and the mail server too."`
}

// Run prints the script.
func (c *djangoCommand) Run() error {
	known, err := json.Marshal(config.Describe())
	if err != nil {
		return err
	}
	secrets := "False"
	if c.WithSecrets {
		secrets = "True"
	}
	_, err = fmt.Fprint(os.Stdout, strings.NewReplacer(`"{{KNOWN}}"`, "r'''"+string(known)+"'''", `"{{WITH_SECRETS}}"`, secrets).Replace(djangoSettings))
	return err
}
