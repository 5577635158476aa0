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
	return "Examples:\n\n    source <(hourglass completion bash)\n    hourglass completion zsh > ~/.zfunc/_hourglass\n    hourglass completion fish > ~/.config/fish/completions/hourglass.fish"
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
	runs  bool // names of runs may follow
	files bool // files may follow
}

// completedWord is a command, an argument or a flag.
type completedWord struct {
	text, help string
	short      string   // of a flag that has another name of one letter
	valued     bool     // of a flag: a value follows
	choices    []string // all that the value may be, if there are not too many
	runs       bool     // the value is the name of a run
}

func (w completedWord) flag() bool { return strings.HasPrefix(w.text, "--") }

// names are those of a flag, as patterns of a shell's case.
func (w completedWord) names() string {
	if w.short == "" {
		return w.text
	}
	return "-" + w.short + "|" + w.text
}

// completionWords walks the commands as kong knows them.
func completionWords(root *kong.Node) []completed {
	var all []completed
	var visit func(node *kong.Node, path string)
	visit = func(node *kong.Node, path string) {
		here := completed{path: path}
		for _, child := range node.Children {
			if !child.Hidden {
				here.words = append(here.words, completedWord{text: child.Name, help: child.Help})
			}
		}
		for _, group := range node.AllFlags(true) {
			for _, flag := range group {
				here.words = append(here.words, completedFlag(flag))
			}
		}
		for _, argument := range node.Positional {
			switch {
			case argument.Tag.Enum != "":
				for _, choice := range strings.Split(argument.Tag.Enum, ",") {
					here.words = append(here.words, completedWord{text: choice})
				}
			case argument.Name == "preset" || argument.Name == "model":
				for _, name := range config.PresetNames() {
					here.words = append(here.words, completedWord{text: name, help: config.PresetAbout(name)})
				}
			case argument.Name == "run":
				here.words = append(here.words, completedWord{text: "last", help: "the run begun last"})
				here.runs = true
			case argument.Name == "key":
				for _, key := range config.Keys() {
					here.words = append(here.words, completedWord{text: key.Name, help: key.Meaning})
				}
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

func completedFlag(flag *kong.Flag) completedWord {
	w := completedWord{text: "--" + flag.Name, help: flag.Help, valued: !flag.IsBool(), runs: flag.PlaceHolder == "RUN"}
	if flag.Short != 0 {
		w.short = string(flag.Short)
	}
	for choice := range strings.SplitSeq(flag.Tag.Enum, ",") {
		if choice != "" {
			w.choices = append(w.choices, choice)
		}
	}
	if name, ok := keyOfFlag(flag.Name); ok {
		if key, err := config.Explain(name); err == nil {
			w.choices = key.Choices
		}
	}
	return w
}

// pattern is what of the words before the cursor belongs to a command.
func (c completed) pattern() string {
	if c.path == "" {
		return "*"
	}
	return fmt.Sprintf("%q|%q*", c.path, c.path+" ")
}

// bashCompletion matches the words before the cursor that are no flags with
// the commands, the longest first.
func bashCompletion(all []completed) string {
	var b strings.Builder
	b.WriteString("# completion of hourglass for bash\n_hourglass() {\n")
	b.WriteString("  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} typed= i runs= words=\n")
	b.WriteString("  for ((i = 1; i < COMP_CWORD; i++)); do\n    [[ ${COMP_WORDS[i]} == -* ]] || typed=\"${typed:+$typed }${COMP_WORDS[i]}\"\n  done\n")
	b.WriteString("  for i in runs/*/; do\n    if [[ -d $i ]]; then i=${i#runs/}; runs+=\" ${i%/}\"; fi\n  done\n")
	b.WriteString("  case \"$typed\" in\n")
	for _, c := range slices.Backward(all) {
		words := joinWords(c.words)
		if c.runs {
			words += "$runs"
		}
		fmt.Fprintf(&b, "    %s)\n      words=\"%s\"\n      case \"$before\" in\n", c.pattern(), words)
		for _, w := range c.words {
			switch {
			case w.runs:
				fmt.Fprintf(&b, "        %s) words=\"last$runs\" ;;\n", w.names())
			case w.valued: // of no choices it is perhaps a file
				fmt.Fprintf(&b, "        %s) words=%q ;;\n", w.names(), strings.Join(w.choices, " "))
			}
		}
		b.WriteString("      esac ;;\n")
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
	b.WriteString("  local typed= i before=${words[CURRENT-1]}\n  local -a words_here runs\n")
	b.WriteString("  runs=(runs/*(/N:t))\n")
	b.WriteString("  for ((i = 2; i < CURRENT; i++)); do\n    [[ ${words[i]} == -* ]] || typed=\"${typed:+$typed }${words[i]}\"\n  done\n")
	b.WriteString("  case \"$typed\" in\n")
	quote := strings.NewReplacer("'", `'\''`, ":", `\:`)
	for _, c := range slices.Backward(all) {
		fmt.Fprintf(&b, "    %s)\n      case \"$before\" in\n", c.pattern())
		for _, w := range c.words {
			switch {
			case w.runs:
				fmt.Fprintf(&b, "        %s) compadd -- last $runs; return ;;\n", w.names())
			case len(w.choices) > 0:
				fmt.Fprintf(&b, "        %s) compadd -- %s; return ;;\n", w.names(), strings.Join(w.choices, " "))
			case w.valued:
				fmt.Fprintf(&b, "        %s) _files; return ;;\n", w.names())
			}
		}
		b.WriteString("      esac\n      words_here=(")
		for _, w := range c.words {
			fmt.Fprintf(&b, "\n        '%s:%s'", quote.Replace(w.text), quote.Replace(w.help))
		}
		b.WriteString(")\n")
		if c.runs {
			b.WriteString("      words_here+=($runs)\n")
		}
		b.WriteString("      ;;\n")
	}
	b.WriteString("  esac\n  _describe hourglass words_here\n  _files\n}\n")
	b.WriteString("if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _hourglass \"$@\"; else compdef _hourglass hourglass; fi\n")
	return b.String()
}

// fishCompletion states for every word the commands after which it may stand.
func fishCompletion(all []completed) string {
	var b strings.Builder
	b.WriteString("# completion of hourglass for fish\ncomplete -c hourglass -e\n")
	b.WriteString("function __hourglass_runs\n  echo last\n  for run in runs/*/\n    basename $run\n  end\nend\n")
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
		add := func(words, help string) {
			fmt.Fprintf(&b, "complete -c hourglass -n '%s' %s -d '%s'\n", condition, words, quote.Replace(help))
		}
		noFiles := "-f "
		if c.files {
			noFiles = ""
		}
		if c.runs {
			add(noFiles+"-a '(__hourglass_runs)'", "run")
		}
		for _, w := range c.words {
			switch {
			case w.flag():
				add(fishFlag(w), w.help)
			case w.text != "last" || !c.runs:
				add(noFiles+"-a "+w.text, w.help)
			}
		}
	}
	return b.String()
}

// fishFlag are fish's words for a flag and its value.
func fishFlag(w completedWord) string {
	words := "-l " + strings.TrimPrefix(w.text, "--")
	if w.short != "" {
		words += " -s " + w.short
	}
	switch {
	case w.runs:
		words += " -x -a '(__hourglass_runs)'"
	case len(w.choices) > 0:
		words += " -x -a '" + strings.Join(w.choices, " ") + "'"
	case w.valued:
		words += " -r"
	}
	return words
}
