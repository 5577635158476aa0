package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"strings"
	"text/template"
)

//go:embed models.md.tmpl
var documentTemplate string

// document is docs/models.md as the results make it.
func document(byName map[string]result) ([]byte, error) {
	t, err := template.New("models.md").Funcs(template.FuncMap{
		"table": func() string { return table(byName) },
		"entry": func(name string) (string, error) { return section(name, byName) },
	}).Parse(documentTemplate)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, nil); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

const notRun = "not yet run"

// table has a row for each entry.
func table(byName map[string]result) string {
	var b strings.Builder
	b.WriteString("| model | loss | reconstruction | MSE | active | published |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "| [%s](#%s) |", e.name, e.name)
		if r, known := byName[e.name]; known {
			for _, cell := range columns {
				fmt.Fprintf(&b, " %s |", pair(r, cell))
			}
		} else {
			b.WriteString(" " + notRun + " | | | |")
		}
		var figures []string
		for _, p := range e.published {
			figures = append(figures, p.figure)
		}
		fmt.Fprintf(&b, " %s |\n", strings.Join(figures, ", "))
	}
	return b.String()
}

// columns of the table; an empty text is a figure that a model has not.
var columns = []func(figures) string{
	func(f figures) string { return amount(f.Loss) },
	func(f figures) string {
		if f.Reconstruction == 0 {
			return ""
		}
		return amount(f.Reconstruction)
	},
	func(f figures) string { return fmt.Sprintf("%.5f", f.MSE) },
	func(f figures) string { return fmt.Sprint(f.Active) },
}

// pair is our figure and PyTorch's.
func pair(r result, text func(figures) string) string {
	ours := text(*r.Ours)
	switch {
	case ours == "":
		return ""
	case r.Theirs == nil:
		return ours + " / " + notRun
	}
	return ours + " / " + text(r.Theirs.figures)
}

// amount prints nats with two places, and errors of a pixel with enough.
func amount(x float64) string {
	if math.Abs(x) < 1 {
		return fmt.Sprintf("%.5f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// section is what the results say of one entry.
func section(name string, byName map[string]result) (string, error) {
	for _, e := range entries {
		if e.name != name {
			continue
		}
		command, err := e.command()
		if err != nil {
			return "", err
		}
		var b strings.Builder
		fmt.Fprintf(&b, "```sh\n%s\n```\n", command)
		if r, known := byName[name]; known {
			describe(&b, r)
		} else {
			fmt.Fprintf(&b, "\nIts figures: %s.\n", notRun)
		}
		for _, p := range e.published {
			fmt.Fprintf(&b, "\nPublished: %s (%s; %s).\n", p.figure, p.setting, p.source)
		}
		return b.String(), nil
	}
	return "", fmt.Errorf("there is no entry %q", name)
}

func describe(b *strings.Builder, r result) {
	fmt.Fprintf(b, "\n![images and what the model makes of them](models/%s.png)\n\n", r.Name)
	if terms := sides(r); terms != "" {
		fmt.Fprintf(b, "Loss after %d epochs, %s: %s.", r.Epochs, r.Unit, terms)
	} else {
		fmt.Fprintf(b, "Loss after %d epochs, %s: %s.", r.Epochs, r.Unit, amount(r.Ours.Loss))
	}
	if r.Ours.Damaged > 0 {
		fmt.Fprintf(b, " Damaged test images have %.2f dB, restored ones %.2f", r.Ours.Damaged, r.Ours.Restored)
		if r.Theirs != nil {
			fmt.Fprintf(b, " (PyTorch's %.2f and %.2f)", r.Theirs.Damaged, r.Theirs.Restored)
		}
		b.WriteString(".")
	}
	fmt.Fprintf(b, " Measured %s at commit %s.\n", r.Date, r.Commit)
}

// sides are the terms of a loss, in words.
func sides(r result) string {
	var all []string
	theirs := map[string]float64{}
	if r.Theirs != nil {
		for _, t := range r.Theirs.Terms {
			theirs[t.Name] = t.Value
		}
	}
	for _, t := range r.Ours.Terms {
		text := fmt.Sprintf("%s %.4g", strings.ReplaceAll(t.Name, "_", " "), t.Value)
		if other, known := theirs[t.Name]; known {
			text += fmt.Sprintf(" (PyTorch's %.4g)", other)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
