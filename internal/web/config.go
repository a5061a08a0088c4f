package web

import (
	"fmt"
	"math"
	"strconv"
)

// Config is the pages key, Latchkey's own.
type Config struct {
	// Whether the pages are served. Where it is not given: those that mailed links lead to, and in development also those for signing up, signing in and one's own
	// account. `true` serves all of them, `false` none.
	Enabled *bool `yaml:"enabled"`
	// Where the pages for signing up, signing in and one's own account are, and the style sheet of all.
	Path string `yaml:"path"`
	// What the site is called on its pages. Where it is not given, as in mails.
	Name string `yaml:"name"`
	// A file with the site's logo: SVG, PNG, JPEG, WebP or GIF.
	Logo string `yaml:"logo"`
	// A folder whose files replace the built-in templates, or the style sheet, of the same name.
	Templates string `yaml:"templates"`
	// The colours of links and buttons.
	Colours Colours `yaml:"colours"`
}

// Colours are written as in #1a56c4.
type Colours struct {
	// The colour of links and buttons.
	Accent string `yaml:"accent"`
	// The same for readers who prefer a dark page.
	AccentDark string `yaml:"accent_dark"`
}

// DefaultConfig holds the defaults.
func DefaultConfig() Config {
	return Config{Path: "/account", Colours: Colours{Accent: "#1a56c4", AccentDark: "#8fb5ff"}}
}

// The sheets that links stand on, and the two colours that may stand on a button: those of style.css.
const (
	lightSheet, darkSheet = "#ffffff", "#1e2127"
	lightText, darkText   = "#ffffff", "#0d1526"
	// leastContrast is what WCAG 2 asks of text at level AA.
	leastContrast = 4.5
)

// Judge says what is wrong with the colours, by key.
func (c Colours) Judge() map[string]error {
	wrong := map[string]error{}
	for _, colour := range []struct{ key, value, sheet string }{{"accent", c.Accent, lightSheet}, {"accent_dark", c.AccentDark, darkSheet}} {
		light, ok := luminance(colour.value)
		sheet, _ := luminance(colour.sheet)
		if !ok {
			wrong[colour.key] = fmt.Errorf("%q is no colour such as #1a56c4", colour.value)
		} else if ratio := contrast(light, sheet); ratio < leastContrast {
			wrong[colour.key] = fmt.Errorf("its contrast with the page, %s, is %.1f to 1, and links can be read from %.1f to 1 on", colour.sheet, ratio, leastContrast)
		}
	}
	return wrong
}

// on is the colour of text on a button of a colour: white or nearly black, whichever is read better.
func on(colour string) string {
	button, _ := luminance(colour)
	light, _ := luminance(lightText)
	dark, _ := luminance(darkText)
	if contrast(button, light) >= contrast(button, dark) {
		return lightText
	}
	return darkText
}

// luminance is WCAG's relative luminance of a colour in six hexadecimal digits.
func luminance(colour string) (float64, bool) {
	if len(colour) != 7 || colour[0] != '#' {
		return 0, false
	}
	rgb, err := strconv.ParseUint(colour[1:], 16, 32)
	if err != nil {
		return 0, false
	}
	linear := func(shift int) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0), true
}

// contrast is WCAG's ratio of two luminances.
func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
