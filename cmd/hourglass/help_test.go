package main

import (
	"strings"
	"testing"
)

// TestShortHelp wants the help of train to leave out what newcomers do not need,
// and to say where it is; and completions and commands with few flags to be spared.
func TestShortHelp(t *testing.T) {
	for command, c := range map[string]struct{ shown, left []string }{
		"train --help":     {[]string{"--encoder", "--rate", "more flags: hourglass train --help-all"}, []string{"--beta1", "--entries", "--pretrain"}},
		"train --help-all": {[]string{"--encoder", "--beta1", "--entries", "--pretrain-mask"}, []string{"more flags"}},
		"pretrain --help":  {[]string{"--pretrain=", "--pretrain-mask", "--help-all"}, []string{"--beta1"}},
		"config print -h":  {[]string{"more flags: hourglass config print --help-all"}, []string{"--beta1"}},
		"probe --help":     {[]string{"--labels"}, []string{"--help-all", "more flags"}},
		"probe --help-all": {[]string{"--labels"}, []string{"more flags"}},
		"--help":           {[]string{"pretrain", "train"}, []string{"--help-all", "more flags"}},
		"completion bash":  {[]string{"--beta1", "--help-all"}, nil},
	} {
		out := must(t, strings.Fields(command)...)
		wants(t, out, c.shown...)
		for _, text := range c.left {
			if strings.Contains(out, text) {
				t.Errorf("hourglass %s shows %q", command, text)
			}
		}
	}
}
