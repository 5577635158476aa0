package main

import (
	"fmt"
	"strings"

	"hourglass/internal/config"
)

// keyFlags are the flags of the configuration: one for each key, and --set.
type keyFlags struct {
	Set  []string      `sep:"none" placeholder:"KEY=VALUE" help:"Set a key of the configuration; may be repeated."`
	Keys config.Config `embed:""`
}

// apply sets the keys whose flags were given, in the order of the command line,
// then those of --set.
func (k keyFlags) apply(s *session, settings *config.Settings) error {
	for _, element := range s.parsed.Path {
		if element.Flag == nil {
			continue
		}
		key, ok := keyOfFlag(element.Flag.Name)
		if !ok {
			continue
		}
		if err := settings.Set(key, fmt.Sprint(element.Flag.Target.Interface())); err != nil {
			return usage{err}
		}
	}
	for _, assignment := range k.Set {
		key, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return usage{fmt.Errorf("--set %s has no value; write --set KEY=VALUE, as in --set train.rate=0.01", assignment)}
		}
		if err := settings.Set(strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			return usage{err}
		}
	}
	return nil
}

// keyOfFlag returns the full name of the key that a flag sets.
func keyOfFlag(flag string) (string, bool) {
	for _, k := range config.Keys() {
		if k.Flag == flag {
			return k.Name, true
		}
	}
	return "", false
}

// source are the layers of a configuration below the flags.
type source struct {
	Preset string `arg:"" optional:"" placeholder:"[SOURCE/]PRESET" help:"Model, and images: conv, mnist/conv, ./pictures/mlp, or a source alone."`
	Config string `short:"c" placeholder:"FILE" help:"Configuration file (YAML)."`
	keyFlags
}

// resolve puts the layers together: default < preset < file < flag.
func (c source) resolve(s *session) (*config.Settings, error) {
	settings := config.New()
	if c.Preset != "" {
		if err := settings.ApplyPreset(c.Preset); err != nil {
			return nil, usage{err}
		}
	}
	if c.Config != "" {
		if err := settings.ApplyFile(c.Config); err != nil {
			return nil, usage{err}
		}
	}
	if err := c.apply(s, settings); err != nil {
		return nil, err
	}
	if err := settings.Config.Validate(); err != nil {
		return nil, usage{err}
	}
	return settings, nil
}
