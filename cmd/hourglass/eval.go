package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hourglass/internal/verdict"
	"hourglass/train"
)

type evalCommand struct {
	chosenRun
	machine
	Source string `placeholder:"SOURCE" help:"Measure on other images than those of the run."`
	Gate   string `placeholder:"TERM" help:"Exit with 3 unless a term holds, such as 'mse<0.0056' or 'pca_ratio<0.8'; terms: mse, psnr, loss, pca_ratio."`
}

func (evalCommand) Help() string {
	return `Examples:

    hourglass eval last
    hourglass eval 2026-11-23_mnist --gate 'mse<0.0056'
    hourglass eval last --source folder:./others --json`
}

func (c evalCommand) Run(s *session) error {
	gate, err := parseGate(c.Gate)
	if err != nil {
		return usage{err}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	if c.Source != "" {
		t.config.Data.Source = c.Source
	}
	all, err := t.openSets()
	if err != nil {
		return err
	}
	device, err := c.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	v, judged, err := s.judge(device, t.model, all, t.config.Train.Batch)
	if err != nil {
		return err
	}
	s.show(v, judged)
	result := struct {
		Run        string           `json:"run"`
		Checkpoint string           `json:"checkpoint"`
		Judged     string           `json:"judged_on"`
		Verdict    *verdict.Verdict `json:"result"`
		Gate       string           `json:"gate,omitempty"`
		Met        *bool            `json:"gate_met,omitempty"`
	}{run.Path, t.path, judged, v, c.Gate, nil}
	missed := gate.check(v)
	if c.Gate != "" {
		met := missed == nil
		result.Met = &met
	}
	if err := s.give(result); err != nil {
		return err
	}
	return missed
}

// gate is a bound on one number of a verdict.
type gate struct {
	term, comparison string
	bound            float64
}

// terms are the numbers that a gate may bound.
var terms = map[string]func(*verdict.Verdict) float64{
	"mse":       func(v *verdict.Verdict) float64 { return *v.Rows[0].MSE },
	"loss":      func(v *verdict.Verdict) float64 { return *v.Rows[0].Loss },
	"psnr":      func(v *verdict.Verdict) float64 { return train.Metrics{MSE: *v.Rows[0].MSE}.PSNR() },
	"pca_ratio": func(v *verdict.Verdict) float64 { return *v.Rows[0].MSE / *v.Rows[1].MSE },
}

// parseGate reads a term such as mse<0.0056; an empty text is no gate.
func parseGate(text string) (gate, error) {
	if text == "" {
		return gate{}, nil
	}
	for _, comparison := range []string{"<=", ">=", "<", ">"} {
		term, number, found := strings.Cut(text, comparison)
		if !found {
			continue
		}
		g := gate{term: strings.TrimSpace(term), comparison: comparison}
		if terms[g.term] == nil {
			names := slices.Sorted(maps.Keys(terms))
			return gate{}, fmt.Errorf("the gate %q has no term %q%s", text, g.term, suggestion(g.term, names, "; choose among "+strings.Join(names, ", ")))
		}
		var err error
		if g.bound, err = strconv.ParseFloat(strings.TrimSpace(number), 64); err != nil {
			return gate{}, fmt.Errorf("the gate %q has no number behind %s", text, comparison)
		}
		return g, nil
	}
	return gate{}, fmt.Errorf("the gate %q compares nothing; write one such as 'mse<0.0056'", text)
}

// check returns a gateMissed, or nil.
func (g gate) check(v *verdict.Verdict) error {
	if g.term == "" {
		return nil
	}
	x, met := terms[g.term](v), false
	switch g.comparison {
	case "<":
		met = x < g.bound
	case "<=":
		met = x <= g.bound
	case ">":
		met = x > g.bound
	case ">=":
		met = x >= g.bound
	}
	if met {
		return nil
	}
	return gateMissed{fmt.Sprintf("the gate %s%s%g is not met: %s is %.6g", g.term, g.comparison, g.bound, g.term, x)}
}
