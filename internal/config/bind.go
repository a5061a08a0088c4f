package config

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"latchkey/internal/account"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// An origin is where a setting was given.
type origin struct {
	source       string // as in Problem
	line, column int
}

const fromDefault = "default"

// String is the origin for people: latchkey.yaml:12.
func (o origin) String() string {
	switch {
	case o.source == "":
		return fromDefault
	case o.line > 0:
		return fmt.Sprintf("%s:%d", o.source, o.line)
	}
	return o.source
}

// A field is one key of a struct of settings. A name that ends in * stands for all keys that begin so.
type field struct {
	name     string
	value    reflect.Value
	of       reflect.Type // the struct that declares it
	declared string       // its name there
}

// fieldsOf lists the keys of a struct, with those of its inline parts in their place.
func fieldsOf(v reflect.Value) []field {
	var fields []field
	for i := range v.NumField() {
		declared := v.Type().Field(i)
		name, options, tagged := strings.Cut(declared.Tag.Get("yaml"), ",")
		switch {
		case tagged && options == "inline":
			fields = append(fields, fieldsOf(v.Field(i))...)
		case name != "" && name != "-":
			fields = append(fields, field{name, v.Field(i), v.Type(), declared.Name})
		}
	}
	return fields
}

// A binder lays trees of YAML over a struct of settings, and notes where each came from and all that is wrong.
type binder struct {
	source   string // where the tree at hand comes from
	lined    bool   // whether lines and columns say more than source does: in files
	origins  map[string]origin
	problems Problems
	anchors  map[string]ast.Node
	nodes    int
	// alias receives SECRET_KEY, the other name of secret_key.
	alias Secret
}

// at is the place of a node.
func (b *binder) at(n ast.Node) origin {
	o := origin{source: b.source}
	if n != nil && b.lined {
		o.line, o.column = place(n.GetToken())
	}
	return o
}

// maxProblems is how many are worth telling at once.
const maxProblems = 100

// full says that enough is wrong already: a file of any size is then given up soon.
func (b *binder) full() bool { return len(b.problems) >= maxProblems }

// bad notes a problem at a place.
func (b *binder) bad(o origin, key, message, mend string) {
	b.problems = append(b.problems, Problem{Source: o.source, Line: o.line, Column: o.column, Key: key, Message: message, Mend: mend})
}

// wrong notes that a value is of the wrong type. It names types and never the value, which may be secret.
func (b *binder) wrong(n ast.Node, key, want, mend string) {
	b.bad(b.at(n), key, want+" is wanted here, not "+kind(n), mend)
}

// resolve looks through anchors and aliases and answers nil, with a problem noted, for what settings cannot hold.
func (b *binder) resolve(n ast.Node, key string) ast.Node {
	if b.nodes++; b.nodes == maxNodes {
		b.bad(b.at(n), key, "there are too many values", "write fewer aliases")
	}
	if b.nodes >= maxNodes {
		return nil
	}
	for range maxDepth {
		switch t := n.(type) {
		case *ast.AnchorNode:
			b.anchors[t.Name.GetToken().Value] = t.Value
			n = t.Value
		case *ast.AliasNode:
			target, ok := b.anchors[t.Value.GetToken().Value]
			if !ok {
				b.bad(b.at(n), key, "no such anchor above", "write the value out")
				return nil
			}
			n = target
		case *ast.TagNode:
			b.bad(b.at(n), key, "tags have no meaning here", "leave out "+t.Start.Value)
			return nil
		case nil:
			b.bad(origin{source: b.source}, key, "there is no value", "")
			return nil
		default:
			return n
		}
	}
	b.bad(b.at(n), key, "an alias leads to itself", "write the value out")
	return nil
}

// entry is one key of a mapping, resolved.
type entry struct {
	name  string
	key   ast.Node
	value ast.Node
}

// entries reads a mapping's keys, which must be plain and different.
func (b *binder) entries(m ast.MapNode, key string) []entry {
	var list []entry
	seen := map[string]bool{}
	for it := m.MapRange(); it.Next() && !b.full(); {
		name, ok := it.Key().(ast.ScalarNode)
		text := ""
		if ok && !it.Key().IsMergeKey() {
			text = name.GetToken().Value
		}
		switch {
		case text == "":
			b.bad(b.at(it.Key()), key, "a key must be a plain name", "")
		case seen[text]:
			b.bad(b.at(it.Key()), join(key, text), "given twice", "keep one of them")
		default:
			seen[text] = true
			list = append(list, entry{text, it.Key(), it.Value()})
		}
	}
	return list
}

// bind lays a node over a value of any type that a setting can have.
func (b *binder) bind(v reflect.Value, n ast.Node, key string) {
	if strings.Count(key, ".") > maxDepth {
		b.bad(b.at(n), key, "the nesting is too deep", "")
		return
	}
	if n = b.resolve(n, key); n == nil {
		return
	}
	if n.Type() == ast.NullType && b.bindNull(v, n, key) {
		return
	}
	switch target := v.Addr().Interface().(type) {
	case *time.Duration:
		b.bindDuration(target, n, key)
	case *[]netip.Prefix:
		b.bindPrefixes(target, n, key)
	case *tokens.Audience:
		target.List = n.Type() == ast.SequenceType
		b.bindTexts(&target.Values, n, key, true)
	case *SameSite:
		if flag, ok := n.(*ast.BoolNode); ok && !flag.Value {
			*target = "" // Django's way to leave the attribute out
			return
		}
		b.bindText((*string)(target), n, key)
	case *account.Verification:
		b.bindFlag((*string)(target), n, key, string(account.MandatoryVerification), string(account.OptionalVerification)) // as allauth reads them
	case *account.Prevention:
		b.bindFlag((*string)(target), n, key, "true", "false")
	case *store.FieldConfig:
		if name, ok := textOf(n); ok { // a column of which the table tells all there is to tell
			target.Name = name
			return
		}
		b.bindKind(v, n, key)
	case *Language:
		b.bindLanguage(target, n, key)
	case *[]string:
		// SimpleJWT alone takes one text for a list of one.
		b.bindTexts(target, n, key, strings.HasSuffix(key, ".AUTH_HEADER_TYPES"))
	default:
		b.bindKind(v, n, key)
	}
}

// bindKind is bind for what is told by its kind alone.
func (b *binder) bindKind(v reflect.Value, n ast.Node, key string) {
	switch v.Kind() {
	case reflect.Struct:
		b.bindStruct(v, n, key)
	case reflect.Map:
		b.bindMap(v, n, key)
	case reflect.Slice:
		items, ok := n.(*ast.SequenceNode)
		if !ok {
			b.wrong(n, key, "a list", "")
			return
		}
		list := reflect.MakeSlice(v.Type(), len(items.Values), len(items.Values))
		for i, item := range items.Values {
			b.bind(list.Index(i), item, fmt.Sprintf("%s.%d", key, i))
		}
		v.Set(list)
	case reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		b.bind(target.Elem(), n, key)
		v.Set(target)
	case reflect.Interface:
		if value := b.plain(n, key, 0); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	case reflect.String:
		var text string
		b.bindText(&text, n, key)
		v.SetString(text)
	case reflect.Bool:
		if flag, ok := n.(*ast.BoolNode); ok {
			v.SetBool(flag.Value)
			return
		}
		b.wrong(n, key, "true or false", "")
	case reflect.Int:
		if whole, ok := number(n); ok && whole == math.Trunc(whole) && math.Abs(whole) < 1<<53 {
			v.SetInt(int64(whole))
			return
		}
		b.wrong(n, key, "a whole number", "")
	}
}

// bindNull takes null where a setting may be absent: it is Python's None. It says whether that settled the matter.
func (b *binder) bindNull(v reflect.Value, n ast.Node, key string) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		v.SetZero()
		return true
	}
	if _, ok := v.Addr().Interface().(*SameSite); ok || v.IsZero() && v.Kind() != reflect.Bool && v.Kind() != reflect.Int {
		v.SetZero() // as the default: nothing given
		return true
	}
	b.bad(b.at(n), key, "there is no value", "write "+article(v.Type())+", or leave the setting out for its default")
	return true
}

// bindStruct lays a mapping over a struct, and says which known key an unknown one may stand for.
func (b *binder) bindStruct(v reflect.Value, n ast.Node, key string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		b.wrong(n, key, "a mapping of keys and values", "")
		return
	}
	for _, e := range b.entries(m, key) {
		if b.full() {
			return
		}
		b.bindKey(v, e, key)
	}
}

// bindKey finds the field of one entry and binds it.
func (b *binder) bindKey(v reflect.Value, e entry, section string) {
	key := join(section, e.name)
	if section == "" && e.name == "SECRET_KEY" {
		b.origins[key] = b.at(e.key)
		b.bind(reflect.ValueOf(&b.alias).Elem(), e.value, key)
		return
	}
	fields := fieldsOf(v)
	for _, f := range fields {
		if prefix, ok := strings.CutSuffix(f.name, "*"); ok {
			if strings.HasPrefix(e.name, prefix) {
				b.bindEntry(f.value, e, section, familyOf(f.name))
				return
			}
		} else if f.name == e.name {
			b.origins[key] = b.at(e.key)
			b.bind(f.value, e.value, key)
			return
		}
	}
	b.bad(b.at(e.key), key, "no such setting", hint(section, e.name, fields))
}

// bindMap lays a mapping over a map, entry by entry: what is not named stays as it was.
func (b *binder) bindMap(v reflect.Value, n ast.Node, key string) {
	m, ok := n.(ast.MapNode)
	if !ok {
		b.wrong(n, key, "a mapping of keys and values", "")
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, e := range b.entries(m, key) {
		if b.full() {
			return
		}
		b.bindEntry(v, e, key, familyOf(key))
	}
}

// bindEntry puts one entry into a map; family, if any, holds the names it may have.
func (b *binder) bindEntry(v reflect.Value, e entry, section string, family []string) {
	key := join(section, e.name)
	if family != nil && !slices.Contains(family, e.name) {
		b.bad(b.at(e.key), key, "no such setting", familyHint(section, e.name, family))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	b.origins[key] = b.at(e.key)
	value := reflect.New(v.Type().Elem()).Elem()
	b.bind(value, e.value, key)
	v.SetMapIndex(reflect.ValueOf(e.name), value)
}

// bindText takes a text, and nothing that only looks like one.
func (b *binder) bindText(target *string, n ast.Node, key string) {
	text, ok := textOf(n)
	switch {
	case ok && text == "None" && !strings.HasSuffix(key, "SAMESITE"):
		b.bad(b.at(n), key, "None is Python's word", "write null, or leave the setting out")
	case ok:
		*target = text
	default:
		mend := ""
		if _, scalar := n.(ast.ScalarNode); scalar {
			mend = "put it in quotes"
		}
		b.wrong(n, key, "a text", mend)
	}
}

// bindFlag takes a text, or true and false for two of them.
func (b *binder) bindFlag(target *string, n ast.Node, key, yes, no string) {
	flag, ok := n.(*ast.BoolNode)
	switch {
	case !ok:
		b.bindText(target, n, key)
	case flag.Value:
		*target = yes
	default:
		*target = no
	}
}

// bindTexts takes a list of texts, or one text where that is allowed.
func (b *binder) bindTexts(target *[]string, n ast.Node, key string, single bool) {
	if text, ok := textOf(n); ok {
		if single {
			*target = []string{text}
			return
		}
		b.wrong(n, key, "a list of texts", "write it between [ and ]")
		return
	}
	items, ok := n.(*ast.SequenceNode)
	if !ok {
		b.wrong(n, key, "a list of texts", "")
		return
	}
	list := make([]string, len(items.Values))
	for i, item := range items.Values {
		if item = b.resolve(item, key); item != nil {
			b.bindText(&list[i], item, key)
		}
	}
	*target = list
}

// bindDuration takes a text such as 7d or a number of seconds.
func (b *binder) bindDuration(target *time.Duration, n ast.Node, key string) {
	const mend = "write 5m, 24h, 7d, 1d12h or a number of seconds"
	var d time.Duration
	var err error
	text, ok := textOf(n)
	if ok {
		d, err = ParseDuration(text)
	} else if seconds, isNumber := number(n); isNumber {
		d, err = secondsToDuration(seconds)
	} else {
		b.wrong(n, key, "a duration", mend)
		return
	}
	switch {
	case err == nil:
		*target = d
	case strings.Contains(text, "timedelta"):
		b.bad(b.at(n), key, "a timedelta of Python cannot be read here", mend)
	case strings.HasPrefix(n.GetToken().Value, "-"):
		b.bad(b.at(n), key, "a duration cannot be negative", mend)
	default:
		b.bad(b.at(n), key, "this is no duration between 0 and 100 years", mend)
	}
}

// bindPrefixes takes a list of networks or single addresses.
func (b *binder) bindPrefixes(target *[]netip.Prefix, n ast.Node, key string) {
	var texts []string
	before := len(b.problems)
	b.bindTexts(&texts, n, key, true)
	if len(b.problems) > before {
		return
	}
	list := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil && addr.Zone() == "" {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			b.bad(b.at(n), key, fmt.Sprintf("%q is neither an address nor a network", text), "write 10.0.0.1 or 10.0.0.0/8")
			continue
		}
		list = append(list, prefix.Masked())
	}
	*target = list
}

// bindLanguage takes a code, or a pair of code and name as Django has them.
func (b *binder) bindLanguage(target *Language, n ast.Node, key string) {
	var pair []string
	before := len(b.problems)
	b.bindTexts(&pair, n, key, true)
	switch {
	case len(b.problems) > before:
	case len(pair) == 1:
		*target = Language{Code: pair[0]}
	case len(pair) == 2:
		*target = Language{Code: pair[0], Name: pair[1]}
	default:
		b.bad(b.at(n), key, "a language is a code, or a list of code and name", "write [de, German]")
	}
}

// plain turns a tree into the types that Given holds.
func (b *binder) plain(n ast.Node, key string, depth int) any {
	if n = b.resolve(n, key); n == nil {
		return nil
	}
	if depth > maxDepth {
		b.bad(b.at(n), key, "the nesting is too deep", "")
		return nil
	}
	if text, ok := textOf(n); ok {
		return text
	}
	switch t := n.(type) {
	case *ast.BoolNode:
		return t.Value
	case *ast.IntegerNode:
		switch whole := t.Value.(type) {
		case int64:
			return whole
		case uint64:
			if whole <= math.MaxInt64 {
				return int64(whole)
			}
			return float64(whole)
		}
	case *ast.FloatNode:
		return t.Value
	case *ast.SequenceNode:
		list := make([]any, len(t.Values))
		for i, item := range t.Values {
			list[i] = b.plain(item, key, depth+1)
		}
		return list
	case ast.MapNode:
		m := map[string]any{}
		for _, e := range b.entries(t, key) {
			m[e.name] = b.plain(e.value, join(key, e.name), depth+1)
		}
		return m
	}
	return nil
}

// textOf is the text of a quoted, plain or block scalar.
func textOf(n ast.Node) (string, bool) {
	switch t := n.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		return t.Value.Value, true
	}
	return "", false
}

// number is the value of a whole number or a fraction.
func number(n ast.Node) (float64, bool) {
	switch t := n.(type) {
	case *ast.IntegerNode:
		switch whole := t.Value.(type) {
		case int64:
			return float64(whole), true
		case uint64:
			return float64(whole), true
		}
	case *ast.FloatNode:
		return t.Value, true
	}
	return 0, false
}

// kind names what a node is, for people.
func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	}
	return "this"
}

// article names the type of a setting, for people: the documentation's second column.
func article(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration"
	case reflect.TypeFor[[]netip.Prefix]():
		return "a list of networks"
	case reflect.TypeFor[tokens.Audience]():
		return "a text or a list of texts"
	case reflect.TypeFor[account.Verification]():
		return "none, optional, mandatory, true or false"
	case reflect.TypeFor[account.Prevention]():
		return "true, false or strict"
	case reflect.TypeFor[SameSite]():
		return "Lax, Strict, None or false"
	case reflect.TypeFor[[]string]():
		return "a list of texts"
	case reflect.TypeFor[[]Language]():
		return "a list of languages"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Pointer:
		return article(t.Elem()) + " or null"
	case reflect.Slice:
		return "a list of mappings"
	}
	return "a mapping"
}

// join puts a name into its section.
func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}
