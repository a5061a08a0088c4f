// Package tokens makes and checks everything that proves something by its own text: the reset and activation tokens of
// mailed links, values signed as django.core.signing signs them, session data, and SimpleJWT's JSON web tokens.
// It knows no database: what a check needs of a user or of the blacklist is handed in.
package tokens
