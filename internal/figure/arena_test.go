package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"

	"hourglass/graph"
)

// TestArena checks that the map is XML and has a box for each temporary.
func TestArena(t *testing.T) {
	plan := &graph.Plan{
		Steps: make([]graph.PlanStep, 3), Arena: 1024, Sum: 2048,
		Temporaries: []graph.Temporary{{Offset: 0, Bytes: 512, First: 0, Last: 1, Op: "convolve"}, {Offset: 512, Bytes: 512, First: 1, Last: 3, Op: "multiply"}},
	}
	for want, p := range map[int]*graph.Plan{2: plan, 0: {}} {
		var text bytes.Buffer
		if err := Arena(&text, "a <model>", p); err != nil {
			t.Fatal(err)
		}
		boxes := 0
		for decoder := xml.NewDecoder(&text); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if start, ok := token.(xml.StartElement); ok && start.Name.Local == "title" {
				boxes++
			}
		}
		if boxes != want {
			t.Errorf("the map of %d temporaries has %d boxes", want, boxes)
		}
	}
}
