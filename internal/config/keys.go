package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"hourglass/internal/nearest"
	"hourglass/kernels"
	"hourglass/models"
)

// Key is one entry of the tree.
type Key struct {
	Name    string // train.rate
	Flag    string // rate
	Meaning string
	Default string
	Range   string // what it may be, in words
	Choices []string
	Abouts  []string // of each of the choices; nil where they need none
	tag     reflect.StructTag
	index   [2]int // of the section and the field
}

// choices are the lists that the tag of that name refers to.
var choices = map[string][]string{
	"corrupt":  {"skip", "fail"},
	"collapse": {Warn, Stop, Fix},
	"kinds":    kindNames(),
	"resident": {Auto, Off},
	"losses":   models.Likelihoods(),
	"inits":    models.Initialisations(),
	"rules":    kernels.Rules(),
}

// abouts say what the choices of a list are.
var abouts = map[string][]string{
	"kinds": kindAbouts(),
	"collapse": {
		"say so, with the remedy, and go on",
		"end the run, with the remedy",
		"begin once again with the remedy: a lighter divergence, a lower rate and leakyrelu, entries revived, or noise in the input",
	},
}

// Section is the part of a key's name before the dot.
func (k Key) Section() string { return k.Name[:strings.IndexByte(k.Name, '.')] }

// keys lists all keys in the order of the file.
var keys = func() []Key {
	var all []Key
	root := reflect.TypeFor[Config]()
	for s := range root.NumField() {
		section := root.Field(s)
		for f := range section.Type.NumField() {
			tag := section.Type.Field(f).Tag
			flag := tag.Get("name")
			all = append(all, Key{
				Name: section.Tag.Get("name") + "." + strings.ReplaceAll(flag, "-", "_"), Flag: flag,
				Meaning: tag.Get("help"), Range: describe(tag), Choices: choices[tag.Get("choices")], Abouts: abouts[tag.Get("choices")], tag: tag, index: [2]int{s, f},
			})
		}
	}
	return all
}()

// Keys lists all keys, in the order in which Marshal writes them.
func Keys() []Key {
	all, usual := append([]Key(nil), keys...), Default()
	for i, k := range all {
		all[i].Default = k.Text(usual)
	}
	return all
}

// Explain describes one key, named in full or, as a flag is, by its last part.
func Explain(name string) (Key, error) {
	k, err := find(name)
	k.Default = k.Text(Default())
	return k, err
}

// find returns the key of a full name or of a flag's name.
func find(name string) (Key, error) {
	for _, k := range keys {
		if name == k.Name || name == k.Flag || name == strings.ReplaceAll(k.Flag, "-", "_") {
			return k, nil
		}
	}
	return Key{}, unknownKey("the configuration has no key", name, "")
}

// unknownKey says that a name is no key, and which key may have been meant:
// one of the section given, or of all.
func unknownKey(sentence, name, section string) error {
	var full, last []string
	for _, k := range keys {
		full = append(full, k.Name)
		if section == "" || k.Section() == section {
			last = append(last, k.Name[len(k.Section())+1:])
		}
	}
	if near, ok := nearest.Of(name, last); ok {
		if section == "" {
			if k, err := find(near); err == nil {
				near = k.Name
			}
		}
		return fmt.Errorf("%s %q; did you mean %s?", sentence, name, near)
	}
	if section != "" {
		if k, err := find(name); err == nil { // right name, wrong section
			return fmt.Errorf("%s %q; did you mean %s?", sentence, name, k.Name)
		}
		return fmt.Errorf("%s %q; choose among %s", sentence, name, strings.Join(last, ", "))
	}
	if near, ok := nearest.Of(name, full); ok {
		return fmt.Errorf("%s %q; did you mean %s?", sentence, name, near)
	}
	return fmt.Errorf("%s %q; `hourglass config explain` lists all", sentence, name)
}

// describe puts what a key may be into words.
func describe(tag reflect.StructTag) string {
	if interval := tag.Get("range"); interval != "" {
		return parseInterval(interval).String()
	}
	if list := tag.Get("choices"); list != "" {
		return strings.Join(choices[list], ", ")
	}
	return tag.Get("form")
}

// interval is a range of numbers; an end may be open.
type interval struct {
	low, high         float64
	openLow, openHigh bool
}

// parseInterval reads the mathematical notation: [0,1) for 0 ≤ x < 1; an end
// left out is infinite.
func parseInterval(text string) interval {
	low, high, _ := strings.Cut(text[1:len(text)-1], ",")
	i := interval{low: math.Inf(-1), high: math.Inf(1), openLow: text[0] == '(', openHigh: text[len(text)-1] == ')'}
	if low != "" {
		i.low, _ = strconv.ParseFloat(low, 64)
	}
	if high != "" {
		i.high, _ = strconv.ParseFloat(high, 64)
	}
	return i
}

func (i interval) holds(x float64) bool {
	return (x > i.low || x == i.low && !i.openLow) && (x < i.high || x == i.high && !i.openHigh)
}

func (i interval) String() string {
	text := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	switch {
	case i.openLow && math.IsInf(i.high, 1):
		return "more than " + text(i.low)
	case math.IsInf(i.high, 1):
		return "at least " + text(i.low)
	case i.openLow && i.openHigh:
		return "more than " + text(i.low) + " and less than " + text(i.high)
	case i.openLow:
		return "more than " + text(i.low) + " and at most " + text(i.high)
	case i.openHigh:
		return "from " + text(i.low) + " up to but not " + text(i.high)
	}
	return "from " + text(i.low) + " to " + text(i.high)
}

// Text prints a key's value as Set reads it.
func (k Key) Text(c Config) string {
	v := reflect.ValueOf(c).Field(k.index[0]).Field(k.index[1])
	if v.Kind() == reflect.Float64 {
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}

// set reads a key's value from text.
func (k Key) set(c *Config, text string) error {
	v := reflect.ValueOf(c).Elem().Field(k.index[0]).Field(k.index[1])
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
		return checkText(k, text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%s is %s; want true or false", k.Name, shown(text))
		}
		v.SetBool(text == "true")
		return nil
	case reflect.Int:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		v.SetInt(n)
	case reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		v.SetUint(n)
	case reflect.Float64:
		var x float64
		x, err = strconv.ParseFloat(text, 64)
		v.SetFloat(x)
	}
	if err != nil {
		what := "a number"
		if v.Kind() != reflect.Float64 {
			what = "a whole number"
		}
		return fmt.Errorf("%s is %s; want %s, %s", k.Name, shown(text), what, strings.TrimPrefix(k.Range, "a whole number "))
	}
	return nil
}

// longestText bounds every text of the configuration.
const longestText = 4096

// checkText refuses what cannot stand in one line of a file.
func checkText(k Key, text string) error {
	if len(text) > longestText {
		return fmt.Errorf("%s has %d characters; want at most %d", k.Name, len(text), longestText)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%s holds the character %+q; want one line of printable text", k.Name, r)
		}
	}
	return nil
}

// shown quotes a value for a message, shortened if it is long.
func shown(text string) string {
	if len(text) > 40 {
		text = text[:37] + "..."
	}
	return strconv.Quote(text)
}
