package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"hourglass/bench"
	"hourglass/internal/atomicfile"
)

// result is what is known of one entry.
type result struct {
	Name    string   `json:"name"`
	Command string   `json:"command"` // that trains it
	Unit    string   `json:"unit"`    // of the losses
	Epochs  int      `json:"epochs"`
	Ours    *figures `json:"ours"`
	Theirs  *other   `json:"theirs,omitempty"`
	bench.Origin
}

// readResults reads the results by name; there may be none yet.
func readResults(path string) (map[string]result, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]result{}, nil
	}
	if err != nil {
		return nil, err
	}
	var list []result
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s is no list of results: %w", path, err)
	}
	byName := make(map[string]result)
	for _, r := range list {
		byName[r.Name] = r
	}
	return byName, nil
}

// writeResults writes them in the order of the entries.
func writeResults(path string, byName map[string]result) error {
	var list []result
	for _, e := range entries {
		if r, known := byName[e.name]; known {
			list = append(list, r)
		}
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(list)
	})
}
