package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pages brings the path into the form /account, and judges the colours. Templates and logo are read when the server starts, which tells what is wrong with them.
func (c *checker) pages() {
	path := strings.Trim(c.Pages.Path, "/")
	for s := range strings.SplitSeq(path, "/") {
		if !segment.MatchString(s) || s == "." || s == ".." {
			c.bad("pages.path", strconv.Quote(c.Pages.Path)+" is no path", "write one as in /account")
			break
		}
	}
	c.Pages.Path = "/" + path
	wrong := c.Pages.Colours.Judge()
	for _, key := range slices.Sorted(maps.Keys(wrong)) {
		c.bad("pages.colours."+key, wrong[key].Error(), "choose a colour that stands out")
	}
}
