package main

import (
	"fmt"
	"strings"

	"hourglass/internal/config"
	"hourglass/internal/terminal"
)

type configCommands struct {
	Print    configPrint    `cmd:"" help:"Print the complete configuration, with the origin of each value."`
	Validate configValidate `cmd:"" help:"Check a configuration file."`
	Explain  configExplain  `cmd:"" help:"Explain a key, or all."`
}

type configPrint struct{ source }

func (configPrint) Help() string {
	return "Examples:\n\n    hourglass config print mnist/conv --rate 0.01 > my.yaml\n    hourglass train -c my.yaml"
}

func (c configPrint) Run(s *session) error {
	settings, err := c.resolve(s)
	if err != nil {
		return err
	}
	s.print("%s", strings.TrimRight(string(settings.Marshal()), "\n"))
	type value struct {
		Value  string        `json:"value"`
		Origin config.Origin `json:"origin"`
	}
	values := make(map[string]value)
	for _, k := range config.Keys() {
		values[k.Name] = value{k.Text(settings.Config), settings.Origin(k.Name)}
	}
	return s.give(values)
}

type configValidate struct {
	File string `arg:"" help:"Configuration file (YAML)."`
}

func (c configValidate) Run(s *session) error {
	if _, err := config.Load(c.File); err != nil {
		return usage{err}
	}
	s.print("%s is valid", c.File)
	return s.give(map[string]any{"file": c.File, "valid": true})
}

type configExplain struct {
	Key string `arg:"" optional:"" help:"Key, such as train.rate; without one, all are listed."`
}

func (c configExplain) Run(s *session) error {
	if c.Key == "" {
		return explainAll(s)
	}
	k, err := config.Explain(c.Key)
	if err != nil {
		return usage{err}
	}
	s.print("%s  (flag --%s)", k.Name, k.Flag)
	s.print("  %s", k.Meaning)
	s.print("  default: %s", orEmpty(k.Default))
	s.print("  may be:  %s", k.Range)
	if k.Abouts != nil {
		table := terminal.Table{Head: []string{k.Name, ""}}
		for i, choice := range k.Choices {
			table.Rows = append(table.Rows, []string{choice, k.Abouts[i]})
		}
		s.print("")
		s.table(table)
	}
	return s.give(explained(k))
}

func explainAll(s *session) error {
	table := terminal.Table{Head: []string{"key", "default", "meaning"}}
	var all []map[string]any
	for _, k := range config.Keys() {
		table.Rows = append(table.Rows, []string{k.Name, orEmpty(k.Default), k.Meaning})
		all = append(all, explained(k))
	}
	s.table(table)
	presets := terminal.Table{Head: []string{"preset", "model"}}
	for _, name := range config.PresetNames() {
		presets.Rows = append(presets.Rows, []string{name, config.PresetAbout(name)})
	}
	s.print("")
	s.table(presets)
	return s.give(map[string]any{"keys": all})
}

func explained(k config.Key) map[string]any {
	value := map[string]any{"key": k.Name, "flag": "--" + k.Flag, "meaning": k.Meaning, "default": k.Default, "range": k.Range}
	if k.Abouts != nil {
		choices := make(map[string]string)
		for i, choice := range k.Choices {
			choices[choice] = k.Abouts[i]
		}
		value["choices"] = choices
	}
	return value
}

func orEmpty(text string) string {
	if text == "" {
		return fmt.Sprintf("%q", text)
	}
	return text
}
