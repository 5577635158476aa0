package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/verdict"
	"hourglass/train"
)

type evalCommand struct {
	chosenRun
	machine
	Source     string `placeholder:"SOURCE" help:"Measure on other images than those of the run."`
	Closely    int    `default:"512" placeholder:"N" help:"How many images are looked at closely, for likeness, codes and known failures; 0 for all."`
	Importance int    `placeholder:"K" help:"Draw K codes for each of these images of a vae, for the importance-weighted log-likelihood."`
	Gate       string `placeholder:"TERM" help:"Exit with 3 unless a term holds, such as 'mse<0.0056' or 'pca_ratio<0.8'; terms: mse, psnr (of the mean error), mean_psnr (mean of the images', of those looked at closely), loss, pca_ratio, ssim, ms_ssim, elbo, log_likelihood, active."`
}

func (evalCommand) Help() string {
	return `Examples:

    hourglass eval last
    hourglass eval 2026-11-23_mnist --gate 'mse<0.0056'
    hourglass eval last --source folder:./others --json
    hourglass eval last --importance 500 --closely 2000`
}

func (c evalCommand) Run(s *session) error {
	gate, err := parseGate(c.Gate)
	if err != nil {
		return usage{err}
	}
	if c.Closely < 0 || c.Closely == 1 || c.Importance < 0 {
		return usage{fmt.Errorf("--closely is %d and --importance %d; give two images at least, or 0 for all, and a number of draws", c.Closely, c.Importance)}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	if c.Importance > 0 {
		if err := t.evidence(run); err != nil {
			return usage{fmt.Errorf("%w; leave out --importance", err)}
		}
	}
	if c.Source != "" {
		t.config.Data.Source = c.Source
	}
	all, err := t.openSets()
	if err != nil {
		return err
	}
	if c.Source != "" {
		if err := s.tellScaled(c.Source, t.shape); err != nil {
			return err
		}
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
	detail, err := c.look(device, t, all)
	if err != nil {
		return err
	}
	s.show(v, judged)
	s.detail(detail)
	result := evaluation{run.Path, t.path, judged, v, detail, c.Gate, nil}
	missed := gate.check(result)
	if c.Gate != "" {
		met := missed == nil
		result.Met = &met
	}
	if err := s.give(result); err != nil {
		return err
	}
	return missed
}

// evaluation is what the command gives, in JSON.
type evaluation struct {
	Run        string           `json:"run"`
	Checkpoint string           `json:"checkpoint"`
	Judged     string           `json:"judged_on"`
	Verdict    *verdict.Verdict `json:"result"`
	Detail     *verdict.Detail  `json:"closely"`
	Gate       string           `json:"gate,omitempty"`
	Met        *bool            `json:"gate_met,omitempty"`
}

// look examines some of the images more closely; nil if there is but one.
func (c evalCommand) look(device *graph.Device, t *trained, all sets) (*verdict.Detail, error) {
	held, _ := all.held()
	n := held.Len()
	if c.Closely > 0 {
		n = min(n, c.Closely)
	}
	if n < 2 {
		return nil, nil
	}
	images, labels, err := train.Spread(held, n)
	if err != nil {
		return nil, err
	}
	runner, err := train.NewRunner(device, t.model, t.config.Train.Batch)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	return verdict.Look(runner, t.model, images, labels, c.Importance)
}

// gate is a bound on one number of an evaluation.
type gate struct {
	term, comparison string
	bound            float64
}

// terms are the numbers that a gate may bound; nil where there is none.
var terms = map[string]func(evaluation) *float64{
	"mse":       func(e evaluation) *float64 { return e.Verdict.Rows[0].MSE },
	"loss":      func(e evaluation) *float64 { return e.Verdict.Rows[0].Loss },
	"psnr":      func(e evaluation) *float64 { return e.Verdict.Rows[0].PSNR },
	"mean_psnr": ofDetail(func(d *verdict.Detail) *float64 { return d.MeanPSNR }),
	"pca_ratio": func(e evaluation) *float64 {
		ratio := *e.Verdict.Rows[0].MSE / *e.Verdict.Rows[1].MSE
		return &ratio
	},
	"ssim":           ofDetail(func(d *verdict.Detail) *float64 { return &d.SSIM }),
	"ms_ssim":        ofDetail(func(d *verdict.Detail) *float64 { return &d.MultiScale }),
	"elbo":           ofCodes(func(c *verdict.Codes) *float64 { return &c.ELBO }),
	"log_likelihood": ofCodes(func(c *verdict.Codes) *float64 { return c.LogLikelihood }),
	"active": ofDetail(func(d *verdict.Detail) *float64 {
		active := float64(d.Diagnosis.Active)
		return &active
	}),
}

func ofDetail(read func(*verdict.Detail) *float64) func(evaluation) *float64 {
	return func(e evaluation) *float64 {
		if e.Detail == nil {
			return nil
		}
		return read(e.Detail)
	}
}

func ofCodes(read func(*verdict.Codes) *float64) func(evaluation) *float64 {
	return ofDetail(func(d *verdict.Detail) *float64 {
		if d.Codes == nil {
			return nil
		}
		return read(d.Codes)
	})
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
func (g gate) check(e evaluation) error {
	if g.term == "" {
		return nil
	}
	number, met := terms[g.term](e), false
	if number == nil {
		return gateMissed{fmt.Sprintf("the gate %s%s%g is not met: this model or this evaluation has no %s", g.term, g.comparison, g.bound, g.term)}
	}
	x := *number
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

// tellScaled says that images of another shape than the model's are scaled.
func (s *session) tellScaled(source string, shape data.Shape) error {
	ds, _, err := data.Open(source, data.Options{})
	if err != nil {
		return err
	}
	if own := ds.Shape(); own != shape {
		s.say("the images of %s are %v: they are scaled and cut to the model's %v", source, own, shape)
	}
	return nil
}
