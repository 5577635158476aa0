package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hourglass/internal/runs"
)

// threshold is from which squared error of a reconstruction on an image is an
// anomaly, as a run keeps it.
type threshold struct {
	Model     string  `json:"model"` // Identity of the weights by which it was found
	Threshold float64 `json:"threshold"`
	Quantile  float64 `json:"quantile"`
	Fitted    string  `json:"threshold_from"` // validation or training images
}

func (t threshold) write(run runs.Run) error {
	text, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the threshold: %w", err)
	}
	return runs.Write(run.Threshold(), append(text, '\n'))
}

// readThreshold returns the threshold that a run keeps; nil if it keeps none.
func readThreshold(run runs.Run) (*threshold, error) {
	text, err := os.ReadFile(run.Threshold())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the threshold: %w", err)
	}
	var t threshold
	if err := json.Unmarshal(text, &t); err != nil || !(t.Threshold >= 0) {
		return nil, fmt.Errorf("%s is damaged; remove it, and `hourglass score` finds the threshold again", run.Threshold())
	}
	return &t, nil
}
