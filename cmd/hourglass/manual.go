package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"hourglass/internal/runs"
)

type manualCommand struct {
	Output string `short:"o" default:"man" help:"Folder to write the pages to, hourglass.1 and one for each command."`
}

func (manualCommand) Help() string {
	return "Examples:\n\n    hourglass manual -o ~/.local/share/man/man1"
}

func (c manualCommand) Run(s *session) error {
	pages := make(map[string]string) // by the name of the file
	var add func(node *kong.Node, title string)
	add = func(node *kong.Node, title string) {
		pages[title+".1"] = manualPage(node, title)
		for _, child := range node.Children {
			if !child.Hidden {
				add(child, title+"-"+child.Name)
			}
		}
	}
	add(s.parsed.Model.Node, "hourglass")
	for name, text := range pages {
		if err := runs.Write(filepath.Join(c.Output, name), []byte(text)); err != nil {
			return err
		}
	}
	s.print("%d manual pages, written to %s", len(pages), c.Output)
	return s.give(map[string]any{"output": c.Output, "pages": len(pages)})
}

// manualPage writes one command as a page for man, in roff.
func manualPage(node *kong.Node, title string) string {
	var b strings.Builder
	help := node.Help
	if node.Parent == nil {
		help = "trains autoencoders and says how good they are"
	}
	fmt.Fprintf(&b, ".\\\" Made by hourglass manual from the commands themselves.\n.TH %s 1 \"\" \"Hourglass\" \"User Commands\"\n", strings.ToUpper(title))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", title, roff(help))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B hourglass\n%s\n", roff(strings.TrimSpace(strings.TrimPrefix(node.Summary(), "hourglass"))))
	if node.Detail != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", roffDetail(node.Detail))
	}
	if len(node.Children) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, child := range node.Children {
			if !child.Hidden {
				fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", child.Name, roff(child.Help))
			}
		}
	}
	if len(node.Positional) > 0 {
		b.WriteString(".SH ARGUMENTS\n")
		for _, argument := range node.Positional {
			fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roff(argument.Summary()), roff(argument.Help))
		}
	}
	b.WriteString(".SH OPTIONS\n")
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(flag.String()), roff(flag.Help))
		}
	}
	return b.String()
}

// roffDetail lets man fill paragraphs, and keeps the lines of those that are
// indented, which are examples.
func roffDetail(text string) string {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if strings.HasPrefix(paragraph, " ") {
			fmt.Fprintf(&b, ".PP\n.nf\n%s\n.fi\n", roff(paragraph))
		} else {
			fmt.Fprintf(&b, ".PP\n%s\n", roff(paragraph))
		}
	}
	return b.String()
}

// roff keeps a text from being taken for instructions, and is ASCII: what formats a
// page may not know in which encoding it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	var b strings.Builder
	for _, r := range strings.Join(lines, "\n") {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	return b.String()
}
