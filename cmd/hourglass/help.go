package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// wholeHelp is the flag --help-all.
type wholeHelp bool

func isWholeHelp(flag *kong.Flag) bool { return flag.Target.Type() == reflect.TypeFor[wholeHelp]() }

// seldom reports whether a flag of a command sets a key that newcomers do not
// need. They need those that are named after the command.
func seldom(flag *kong.Flag, command string) bool {
	key := flag.Tag.Has("form") || flag.Tag.Has("range") || flag.Tag.Has("choices")
	return key && !flag.Tag.Has("often") && !strings.HasPrefix(flag.Name, command)
}

// BeforeReset shows the help of the command as kong's own --help does, before
// anything that is missing is complained of.
func (wholeHelp) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return err
	}
	ctx.Exit(exitDone)
	return nil
}

// printHelp shows the help of a command without the flags that are seldom needed,
// unless all were asked for.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	node := ctx.Selected()
	if node == nil {
		node = ctx.Model.Node
	}
	var rare []*kong.Flag
	var whole *kong.Flag
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			switch {
			case seldom(flag, node.Name):
				rare = append(rare, flag)
			case isWholeHelp(flag):
				whole = flag
			}
		}
	}
	hidden := rare
	if whole != nil && len(rare) == 0 {
		hidden = []*kong.Flag{whole}
	}
	if asked(ctx) {
		hidden = nil
	}
	for _, flag := range hidden {
		flag.Hidden = true
		defer func() { flag.Hidden = false }() // for completions and manual pages
	}
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	if len(rare) > 0 && len(hidden) > 0 {
		fmt.Fprintf(ctx.Stdout, "\n%d more flags: %s --help-all. What each means: hourglass config explain.\n", len(rare), node.FullPath())
	}
	return nil
}

// asked reports whether --help-all was given.
func asked(ctx *kong.Context) bool {
	for _, step := range ctx.Path {
		if step.Flag != nil && isWholeHelp(step.Flag) {
			return true
		}
	}
	return false
}
