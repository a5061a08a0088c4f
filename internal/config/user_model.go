package config

import (
	"errors"
	"strings"

	"latchkey/internal/store"
)

// ownUserModel tells whether the user table is the project's own, or has columns beyond Django's: what it has shows when it is opened.
func (c *Config) ownUserModel() bool {
	return c.UserModel.Table != store.DefaultUserModel().Table || len(c.UserModel.Fields) > 0
}

// fillUserModel finds the table of AUTH_USER_MODEL by Django's rule.
func (c *Config) fillUserModel() {
	app, class, ok := strings.Cut(c.AuthUserModel, ".")
	if !ok {
		return
	}
	c.UserModel.Class = class
	if c.IsGiven("AUTH_USER_MODEL") && !c.IsGiven("user_model.table") {
		c.UserModel.Table = app + "_" + strings.ToLower(class)
	}
}

// storeModel is what settings say of the user table, with the columns that they name elsewhere.
func (c *Config) storeModel() store.UserModel {
	m := c.UserModel
	if !c.IsGiven("user_model.required_fields") && c.ownUserModel() {
		m.RequiredFields = nil
	}
	name := func(key, column string, text bool) {
		if column != "" {
			m.Named = append(m.Named, store.NamedColumn{Key: key, Column: column, Text: text})
		}
	}
	for _, column := range c.LoginFields {
		name("login_fields", column, false)
	}
	name("DJOSER.LOGIN_FIELD", c.Djoser.LoginField, true)
	name("DJOSER.USER_ID_FIELD", c.Djoser.UserIDField, false)
	if c.IsGiven("SIMPLE_JWT.USER_ID_FIELD") {
		name("SIMPLE_JWT.USER_ID_FIELD", c.SimpleJWT.UserIDField, false)
	}
	return m
}

// Explain tells where the settings stand that do not fit the user table, and what they may have meant; any other error is returned as it is.
func (c *Config) Explain(err error) error {
	var misfit *store.ModelError
	if !errors.As(err, &misfit) {
		return err
	}
	found := &checker{Config: c}
	for _, p := range misfit.Problems {
		mend := p.Mend
		if near := nearest(p.Unknown, p.Known); near != "" && p.Unknown != "" {
			mend = "did you mean " + near + "?"
		} else if p.Unknown != "" {
			mend = "its columns are " + strings.Join(p.Known, ", ")
		}
		found.bad(p.Key, p.Message, mend)
	}
	found.problems.sort()
	return found.problems
}
