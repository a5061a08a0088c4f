package config

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Known says what can be set here under Django's names, for the script that reads a Django project's settings.
type Known struct {
	// Settings are the names by section: the empty one, DJOSER, DJOSER.PERMISSIONS and so on.
	Settings map[string][]string `json:"settings"`
	// Nullable are the settings, by dotted key, that take null.
	Nullable []string `json:"nullable"`
	// Classes are the Python names that a setting takes; one that is not listed takes any text.
	Classes map[string][]string `json:"classes"`
	// Instead says what to use in place of settings that mean nothing here.
	Instead map[string]string `json:"instead"`
}

// pythonName is a class or a function by its whole path.
var pythonName = regexp.MustCompile(`^[a-z]\w*(\.\w+)+$`)

// Describe lists what can be set under Django's names.
func Describe() Known {
	const hashers, validation = "django.contrib.auth.hashers.", "django.contrib.auth.password_validation."
	defaults := Default()
	k := Known{Settings: map[string][]string{}, Instead: retired, Classes: map[string][]string{
		"AUTHENTICATION_BACKENDS":                       backends,
		"EMAIL_BACKEND":                                 mailBackends,
		"PASSWORD_HASHERS":                              append([]string{hashers + "BCryptPasswordHasher", hashers + "MD5PasswordHasher"}, defaults.Passwords.Hashers...),
		"AUTH_PASSWORD_VALIDATORS":                      {validation + "NumericPasswordValidator"},
		"SIMPLE_JWT.AUTH_TOKEN_CLASSES":                 tokenClasses,
		"SIMPLE_JWT.JWK_URL":                            {},
		"SIMPLE_JWT.JSON_ENCODER":                       {},
		"SIMPLE_JWT.ON_LOGIN_SUCCESS":                   {},
		"SIMPLE_JWT.ON_LOGIN_FAILED":                    {},
		"ACCOUNT_USERNAME_VALIDATORS":                   {},
		"REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES": authenticationClasses,
		"REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES":     permissionClasses,
		"REST_FRAMEWORK.DEFAULT_PARSER_CLASSES":         parserClasses,
		"REST_FRAMEWORK.DEFAULT_RENDERER_CLASSES":       {jsonRenderer, browsableRenderer},
		"REST_AUTH.REGISTER_PERMISSION_CLASSES":         permissionClasses,
	}}
	for _, validator := range defaults.Passwords.Validators[:3] {
		k.Classes["AUTH_PASSWORD_VALIDATORS"] = append(k.Classes["AUTH_PASSWORD_VALIDATORS"], validator.Name)
	}
	for class := range throttleScopes {
		k.Classes["REST_FRAMEWORK.DEFAULT_THROTTLE_CLASSES"] = append(k.Classes["REST_FRAMEWORK.DEFAULT_THROTTLE_CLASSES"], class)
	}
	slices.Sort(k.Classes["REST_FRAMEWORK.DEFAULT_THROTTLE_CLASSES"])
	k.add("", fieldsOf(reflect.ValueOf(defaults).Elem()))
	return k
}

// add describes the settings of a section.
func (k *Known) add(section string, fields []field) {
	for _, f := range fields {
		key := join(section, f.name)
		classes, isClasses := djoserClasses[f.name]
		switch {
		case section == "" && f.name != strings.ToUpper(f.name):
			continue // Latchkey's own
		case familyOf(f.name) != nil:
			k.Settings[section] = append(k.Settings[section], familyOf(f.name)...)
			continue
		case isClasses && section == "DJOSER":
			for name, class := range classes {
				k.Settings[key] = append(k.Settings[key], name)
				k.Classes[join(key, name)] = []string{class}
			}
			slices.Sort(k.Settings[key])
		case f.value.Kind() == reflect.Struct && f.name == strings.ToUpper(f.name) && fieldsOf(f.value) != nil:
			k.add(key, fieldsOf(f.value))
		case section == "DJOSER.PERMISSIONS":
			k.Classes[key] = permissionClasses
		}
		k.Settings[section] = append(k.Settings[section], f.name)
		if f.value.Kind() == reflect.Pointer {
			k.Nullable = append(k.Nullable, key)
		}
		if v := reflect.Indirect(f.value); v.Kind() == reflect.String && k.Classes[key] == nil && key != "AUTH_USER_MODEL" && pythonName.MatchString(v.String()) {
			k.Classes[key] = []string{v.String()} // where the default is a class, it is the only one
		}
	}
}
