package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// knownCommand refuses a first word that is no command. The tour takes no
// words, so that kong would take it for a surplus argument of the tour.
func knownCommand(root *kong.Node, args []string) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return nil
	}
	var names []string
	for _, child := range root.Children {
		if child.Name == args[0] {
			return nil
		}
		names = append(names, child.Name)
	}
	return fmt.Errorf("there is no command %q%s", args[0], suggestion(args[0], names, "; `hourglass --help` lists the commands"))
}

var (
	aFlag          = regexp.MustCompile(`^(-[a-zA-Z]|--[^=]+)$`)
	negativeNumber = regexp.MustCompile(`^-\.?[0-9]`)
)

// joinNumbers joins flags with the negative numbers behind them, which kong would
// take for flags.
func joinNumbers(args []string) []string {
	var joined []string
	for _, arg := range args {
		last := len(joined) - 1
		switch {
		case last < 0 || !negativeNumber.MatchString(arg) || !aFlag.MatchString(joined[last]):
			joined = append(joined, arg)
		case strings.HasPrefix(joined[last], "--"):
			joined[last] += "=" + arg
		default:
			joined[last] += arg
		}
	}
	return joined
}

var (
	otherType   = regexp.MustCompile(`^(\S+): expected (?:an? )?(?:valid \d+ bit )?(int|uint|float|duration) but got ("(?:[^"\\]|\\.)*")`)
	otherChoice = regexp.MustCompile(`^(\S+) must be one of (\S+) but got (".*")$`)
)

// types says what kong calls otherwise.
var types = map[string]string{
	"int":      "a whole number",
	"uint":     "a whole number from 0",
	"float":    "a number",
	"duration": "a time, as in 30s or 2m",
}

// parseError makes a sentence of what kong says. Named tells that a command was
// named, and not the tour for want of one.
func parseError(err error, named bool) error {
	text := firstLine(err.Error())
	if found := otherType.FindStringSubmatch(text); found != nil {
		return fmt.Errorf("%s is %s; want %s", found[1], found[3], types[found[2]])
	}
	if found := otherChoice.FindStringSubmatch(text); found != nil {
		choices := strings.TrimPrefix(found[2], `"",`) // what the flag is when it is left out
		return fmt.Errorf("%s is %s; choose among %s", found[1], found[3], strings.NewReplacer(`"`, "", ",", ", ").Replace(choices))
	}
	if missing, ok := strings.CutPrefix(text, "expected "); ok {
		text = "the command lacks " + strings.ReplaceAll(missing, `"`, "")
	}
	if missing, ok := strings.CutPrefix(text, "missing flags: "); ok {
		text = "the command lacks " + missing
	}
	if flag, _, ok := strings.Cut(text, ": expected "); ok && strings.Contains(text, "<EOL>") {
		text = flag + " lacks its value"
	}
	text = strings.Replace(text, ", did you mean", "; did you mean", 1)
	if !strings.Contains(text, "did you mean") {
		command := "hourglass"
		var parsed *kong.ParseError
		if errors.As(err, &parsed) && named && parsed.Context.Selected() != nil {
			command = parsed.Context.Selected().FullPath()
		}
		text += "; see `" + command + " --help`"
	}
	return errors.New(text)
}
