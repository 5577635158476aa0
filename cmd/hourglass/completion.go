package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"hourglass/internal/config"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (completionCommand) Help() string {
	return "    source <(hourglass completion bash)\n    hourglass completion zsh > ~/.zfunc/_hourglass\n    hourglass completion fish > ~/.config/fish/completions/hourglass.fish"
}

func (c completionCommand) Run(s *session) error {
	words := completionWords(s.parsed.Model.Node)
	script := map[string]func([]completed) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell](words)
	if s.json {
		return s.give(map[string]string{"script": script})
	}
	_, err := s.out.Write([]byte(script))
	return err
}

// completed is one command, or one of a group, with what may follow it.
type completed struct {
	path  string // words after hourglass, joined by a space; empty for none
	words []completedWord
	files bool // files may follow
}

type completedWord struct {
	text, help string
	flag       bool
}

// completionWords walks the commands as kong knows them.
func completionWords(root *kong.Node) []completed {
	var all []completed
	var visit func(node *kong.Node, path string)
	visit = func(node *kong.Node, path string) {
		here := completed{path: path}
		for _, child := range node.Children {
			if !child.Hidden {
				here.words = append(here.words, completedWord{child.Name, child.Help, false})
			}
		}
		for _, group := range node.AllFlags(true) {
			for _, flag := range group {
				here.words = append(here.words, completedWord{"--" + flag.Name, flag.Help, true})
			}
		}
		for _, argument := range node.Positional {
			switch {
			case argument.Tag.Enum != "":
				for _, choice := range strings.Split(argument.Tag.Enum, ",") {
					here.words = append(here.words, completedWord{choice, "", false})
				}
			case argument.Name == "preset" || argument.Name == "model":
				for _, name := range config.PresetNames() {
					here.words = append(here.words, completedWord{name, config.PresetAbout(name), false})
				}
			case argument.Name == "run":
				here.words = append(here.words, completedWord{"last", "the run begun last", false})
			}
			here.files = here.files || argument.Tag.Enum == ""
		}
		all = append(all, here)
		for _, child := range node.Children {
			visit(child, strings.TrimSpace(path+" "+child.Name))
		}
	}
	visit(root, "")
	slices.SortStableFunc(all, func(a, b completed) int { return strings.Compare(a.path, b.path) })
	return all
}

// bashCompletion matches the words before the cursor that are no flags with
// the commands, the longest first.
func bashCompletion(all []completed) string {
	var b strings.Builder
	b.WriteString("# completion of hourglass for bash\n_hourglass() {\n")
	b.WriteString("  local word=${COMP_WORDS[COMP_CWORD]} typed= i\n")
	b.WriteString("  for ((i = 1; i < COMP_CWORD; i++)); do\n    [[ ${COMP_WORDS[i]} == -* ]] || typed=\"${typed:+$typed }${COMP_WORDS[i]}\"\n  done\n")
	b.WriteString("  local words=\n  case \"$typed\" in\n")
	for _, c := range slices.Backward(all) {
		pattern := fmt.Sprintf("%q|%q*", c.path, c.path+" ")
		if c.path == "" {
			pattern = "*"
		}
		fmt.Fprintf(&b, "    %s) words=%q ;;\n", pattern, joinWords(c.words))
	}
	b.WriteString("  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n")
	b.WriteString("complete -o default -F _hourglass hourglass\n")
	return b.String()
}

func joinWords(words []completedWord) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	return strings.Join(texts, " ")
}

func zshCompletion(all []completed) string {
	var b strings.Builder
	b.WriteString("#compdef hourglass\n# completion of hourglass for zsh\n_hourglass() {\n")
	b.WriteString("  local typed= i\n  local -a words_here\n")
	b.WriteString("  for ((i = 2; i < CURRENT; i++)); do\n    [[ ${words[i]} == -* ]] || typed=\"${typed:+$typed }${words[i]}\"\n  done\n")
	b.WriteString("  case \"$typed\" in\n")
	quote := strings.NewReplacer("'", `'\''`, ":", `\:`)
	for _, c := range slices.Backward(all) {
		pattern := fmt.Sprintf("%q|%q*", c.path, c.path+" ")
		if c.path == "" {
			pattern = "*"
		}
		fmt.Fprintf(&b, "    %s) words_here=(", pattern)
		for _, w := range c.words {
			fmt.Fprintf(&b, "\n      '%s:%s'", quote.Replace(w.text), quote.Replace(w.help))
		}
		b.WriteString(") ;;\n")
	}
	b.WriteString("  esac\n  _describe hourglass words_here\n  _files\n}\n")
	b.WriteString("if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _hourglass \"$@\"; else compdef _hourglass hourglass; fi\n")
	return b.String()
}

// fishCompletion states for every word the commands after which it may stand.
func fishCompletion(all []completed) string {
	var b strings.Builder
	b.WriteString("# completion of hourglass for fish\ncomplete -c hourglass -e\n")
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	for _, c := range all {
		condition := "__fish_use_subcommand"
		if c.path != "" {
			var seen []string
			for word := range strings.FieldsSeq(c.path) {
				seen = append(seen, "__fish_seen_subcommand_from "+word)
			}
			condition = strings.Join(seen, "; and ")
		}
		for _, w := range c.words {
			if w.flag {
				fmt.Fprintf(&b, "complete -c hourglass -n '%s' -l %s -d '%s'\n", condition, strings.TrimPrefix(w.text, "--"), quote.Replace(w.help))
				continue
			}
			noFiles := "-f "
			if c.files {
				noFiles = ""
			}
			fmt.Fprintf(&b, "complete -c hourglass -n '%s' %s-a %s -d '%s'\n", condition, noFiles, w.text, quote.Replace(w.help))
		}
	}
	return b.String()
}
