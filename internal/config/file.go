package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"hourglass/internal/nearest"
)

// largestFile bounds a configuration file, in bytes; a complete one has some
// 1,500.
const largestFile = 16 << 10

// Load reads a file over the defaults and validates the result.
func Load(path string) (Config, error) {
	text, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	return Read(path, text)
}

// Read is Load of text that does not lie in a file of its own; name says in
// errors where it comes from.
func Read(name string, text []byte) (Config, error) {
	s := New()
	if err := s.apply(name, text); err != nil {
		return Config{}, err
	}
	if err := s.Config.Validate(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	return s.Config, nil
}

// ApplyFile reads a YAML file. The error names file, line and column.
func (s *Settings) ApplyFile(path string) error {
	text, err := readFile(path)
	if err != nil {
		return err
	}
	return s.apply(path, text)
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the configuration: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largestFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return text, nil
}

// apply reads YAML text: sections of keys of single values, and nothing else
// of the language, so that no anchor, tag or nesting can do harm.
func (s *Settings) apply(path string, text []byte) error {
	if len(text) > largestFile {
		return fmt.Errorf("%s has more than %d bytes, which no configuration has", path, largestFile)
	}
	root, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s, %w", path, err)
	}
	seen := make(map[string]bool)
	for _, section := range root {
		if err := s.applySection(section, seen); err != nil {
			return fmt.Errorf("%s, %w", path, err)
		}
	}
	return nil
}

func (s *Settings) applySection(section entry, seen map[string]bool) error {
	if err := checkSection(section, seen); err != nil {
		return err
	}
	keys, err := entries(section.value, section.name)
	if err != nil {
		return err
	}
	for _, one := range keys {
		if err := s.applyEntry(section.name, one, seen); err != nil {
			return err
		}
	}
	return nil
}

// entry is a name with its value, and where it stands.
type entry struct {
	name  string
	value ast.Node
	at    *token.Token
}

// located puts line and column before a sentence.
func located(at *token.Token, err error) error {
	if at == nil || at.Position == nil {
		return err
	}
	return fmt.Errorf("line %d, column %d: %w", at.Position.Line, at.Position.Column, err)
}

// parse returns the entries of the topmost mapping.
func parse(text []byte) (root []entry, err error) {
	defer func() { // a fault of the parser is a fault of the file, to its user
		if fault := recover(); fault != nil {
			err = fmt.Errorf("which is no YAML that can be read")
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if err := refuse(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			return nil, located(syntax.GetToken(), fmt.Errorf("%s", firstLine(syntax.GetMessage())))
		}
		return nil, fmt.Errorf("which is no YAML: %s", firstLine(err.Error()))
	}
	var bodies []ast.Node
	for _, document := range file.Docs {
		if document.Body != nil {
			bodies = append(bodies, document.Body)
		}
	}
	switch {
	case len(bodies) == 0:
		return nil, nil
	case len(bodies) > 1:
		return nil, located(bodies[1].GetToken(), fmt.Errorf("a second document begins; want one"))
	}
	return entries(bodies[0], "")
}

// mostBraces is how many mappings in braces a configuration can have: one for
// each section, and one around them.
var mostBraces = reflect.TypeFor[Config]().NumField() + 1

// refuse finds what configurations do not use before the parser does: nested
// sequences take it exponential time, and nested braces quadratic memory.
func refuse(tokens token.Tokens) error {
	braces := 0
	for _, t := range tokens {
		what := ""
		switch t.Type {
		case token.SequenceStartType, token.SequenceEntryType:
			what = "a list stands here"
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			what = "an anchor, alias or merge key stands here"
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			what = fmt.Sprintf("%s stands here", shown(t.Value))
		case token.MappingStartType:
			if braces++; braces > mostBraces {
				what = "more braces than sections stand here"
			}
		}
		if what != "" {
			return located(t, fmt.Errorf("%s, and a configuration has only names and single values", what))
		}
	}
	return nil
}

func firstLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// entries lists a mapping; a section without any is null.
func entries(node ast.Node, section string) ([]entry, error) {
	if node == nil || node.Type() == ast.NullType {
		return nil, nil
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		return nil, located(node.GetToken(), fmt.Errorf("%s; want names and values, as in `%s`", misplaced(node, section), exampleOf(section)))
	}
	var all []entry
	for i := mapping.MapRange(); i.Next(); {
		key, plain := i.Key().(*ast.StringNode)
		if !plain {
			return nil, located(i.Key().GetToken(), fmt.Errorf("a name is not plain text; want one as in `%s`", exampleOf(section)))
		}
		all = append(all, entry{key.Value, i.Value(), key.GetToken()})
	}
	return all, nil
}

func exampleOf(section string) string {
	for _, k := range keys {
		if k.Section() == section {
			return k.Name[len(section)+1:] + ": " + k.Text(Default())
		}
	}
	return "train: {epochs: 5}"
}

func misplaced(node ast.Node, section string) string {
	what := "this is " + kindOf(node)
	if section != "" {
		what = section + " is " + kindOf(node)
	}
	return what
}

// kindOf names what a node is, for messages.
func kindOf(node ast.Node) string {
	switch node.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	}
	return "a single value"
}

func checkSection(section entry, seen map[string]bool) error {
	root := reflect.TypeFor[Config]()
	var names []string
	for i := range root.NumField() {
		names = append(names, root.Field(i).Tag.Get("name"))
	}
	for _, name := range names {
		if name != section.name {
			continue
		}
		if seen[name] {
			return located(section.at, fmt.Errorf("%s is there twice", name))
		}
		seen[name] = true
		return nil
	}
	if near, ok := nearest.Of(section.name, names); ok {
		return located(section.at, fmt.Errorf("there is no section %s; did you mean %s?", shown(section.name), near))
	}
	if k, err := find(section.name); err == nil {
		return located(section.at, fmt.Errorf("%s stands outside its section; write it below %s", shown(section.name), k.Section()))
	}
	return located(section.at, fmt.Errorf("there is no section %s; choose among %s", shown(section.name), strings.Join(names, ", ")))
}

// applyEntry sets one key.
func (s *Settings) applyEntry(section string, one entry, seen map[string]bool) error {
	full := section + "." + one.name
	k, err := find(full)
	if err != nil || k.Name != full {
		return located(one.at, unknownKey(section+" has no key", one.name, section))
	}
	if seen[full] {
		return located(one.at, fmt.Errorf("%s is there twice", full))
	}
	seen[full] = true
	text, quoted, ok := scalar(one.value)
	if !ok {
		what := "nothing"
		if one.value != nil && one.value.Type() != ast.NullType {
			what = kindOf(one.value)
		}
		return located(one.at, fmt.Errorf("%s is %s; want %s", full, what, k.Range))
	}
	if isText := reflect.TypeFor[Config]().Field(k.index[0]).Type.Field(k.index[1]).Type.Kind() == reflect.String; quoted && !isText {
		return located(one.value.GetToken(), fmt.Errorf("%s is text in quotes; want %s, without quotes", full, k.Range))
	}
	if err := s.set(full, text, FromFile); err != nil {
		return located(one.value.GetToken(), err)
	}
	return nil
}

// scalar is the text of a single value, and whether it stood in quotes.
func scalar(node ast.Node) (text string, quoted, ok bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		t := n.GetToken().Type
		return n.Value, t == token.SingleQuoteType || t == token.DoubleQuoteType, true
	case *ast.LiteralNode:
		return strings.TrimRight(n.Value.Value, "\n"), true, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, false, true
	}
	return "", false, false
}

// Marshal writes the complete configuration as YAML that Load reads back.
func Marshal(c Config) []byte { return write(c, nil) }

// write writes all keys, each with a remark behind it if remark is not nil.
func write(c Config, remark func(Key) string) []byte {
	var b bytes.Buffer
	lines, longest := make([]string, len(keys)), 0
	for i, k := range keys {
		value := k.Text(c)
		if reflect.ValueOf(c).Field(k.index[0]).Field(k.index[1]).Kind() == reflect.String {
			value = quote(value)
		}
		lines[i] = "  " + k.Name[len(k.Section())+1:] + ": " + value
		if len(lines[i]) <= 48 { // longer ones do not push all remarks aside
			longest = max(longest, len(lines[i]))
		}
	}
	for i, k := range keys {
		if i == 0 || keys[i-1].Section() != k.Section() {
			fmt.Fprintf(&b, "%s:\n", k.Section())
		}
		if remark == nil {
			fmt.Fprintln(&b, lines[i])
			continue
		}
		fmt.Fprintf(&b, "%-*s  %s\n", longest, lines[i], remark(k))
	}
	return b.Bytes()
}

// plainText is text that YAML reads as text without quotes. Words that it
// reads as something else are too few to list: they go into quotes with all
// else that does not begin with a letter, or is true, false, null and their
// like.
var (
	plainText = regexp.MustCompile(`^[a-z][a-zA-Z0-9_./-]*$`)
	otherwise = regexp.MustCompile(`^(true|false|null|yes|no|on|off|y|n|nan|inf)$`)
)

// quote writes text as a YAML scalar. Printable text needs no escapes but for
// quote and backslash.
func quote(text string) string {
	if plainText.MatchString(text) && !otherwise.MatchString(text) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
