package train

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Record is a line of a file of metrics: of a step or of an epoch. What its
// kind has not, or what was not finite, is missing from Values, whose names are
// those that [MetricsFile] lists.
type Record struct {
	Epoch, Step int
	Values      map[string]float64
}

// History is what a file of metrics says.
type History struct {
	Steps  []Record
	Epochs []Record
}

// ReadHistory reads a file of metrics. A line that is not whole, the last one
// of a killed process, ends it.
func ReadHistory(path string) (*History, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics of the run: %w", err)
	}
	defer file.Close()
	h := &History{}
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return h, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the metrics of the run: %w", err)
		}
		var fields map[string]any
		if json.Unmarshal(line, &fields) != nil {
			return h, nil
		}
		h.add(fields)
	}
}

func (h *History) add(fields map[string]any) {
	r := Record{Values: make(map[string]float64, len(fields))}
	for name, value := range fields {
		if x, ok := value.(float64); ok {
			r.Values[name] = x
		}
	}
	r.Epoch, r.Step = int(r.Values["epoch"]), int(r.Values["step"])
	delete(r.Values, "epoch")
	delete(r.Values, "step")
	switch fields["kind"] {
	case (*StepDone)(nil).Kind():
		h.Steps = append(h.Steps, r)
	case (*EpochDone)(nil).Kind():
		h.Epochs = append(h.Epochs, r)
	}
}
