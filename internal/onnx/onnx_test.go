package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden is the model of testdata/golden.py.
func golden() Model {
	w := make([]float32, 24)
	for i := range w {
		w[i] = float32(i)/8 - 1
	}
	return Model{
		Producer: "golden", Version: "1", Doc: "two lines\nof it", Metadata: map[string]string{"b": "two", "a": "1"},
		Graph: Graph{
			Name: "golden",
			Nodes: []Node{
				{"Flatten", []string{"image"}, []string{"row"}, []Attribute{{"axis", 1}}},
				{"Gemm", []string{"row", "w", ""}, []string{"sum"}, []Attribute{{"alpha", float32(0.5)}, {"transB", 1}}},
				{"Reshape", []string{"sum", "shape"}, []string{"y"}, nil},
				{"AveragePool", []string{"y"}, []string{"z"}, []Attribute{{"auto_pad", "VALID"}, {"kernel_shape", []int{2, 1}}}},
				{"ArgMax", []string{"z"}, []string{"best"}, []Attribute{{"axis", 3}, {"keepdims", 0}}},
			},
			Constants: []Tensor{
				{Name: "w", Shape: []int{4, 6}, Floats: w},
				{Name: "shape", Shape: []int{4}, Integers: []int64{0, 2, 2, -1}},
			},
			Inputs: []Value{{Name: "image", Doc: "pixels, größer als 0", Axes: []Axis{{Name: "N"}, {Size: 1}, {Size: 2}, {Size: 3}}}},
			Outputs: []Value{
				{Name: "z", Axes: []Axis{{Name: "N"}, {Size: 2}, {Size: 1}, {Size: 1}}},
				{Name: "best", Axes: []Axis{{Name: "N"}, {Size: 2}, {Size: 1}}, Integers: true},
			},
		},
	}
}

// The file is testdata/golden.py's, written by the Python package and approved
// by onnx.checker.
func TestWritesWhatPythonWrites(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "golden.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := golden().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the bytes are\n%q\nwant\n%q", got, want)
	}
}

func TestRefusals(t *testing.T) {
	short := golden()
	short.Graph.Constants[0].Floats = short.Graph.Constants[0].Floats[1:]
	if _, err := short.Marshal(); err == nil || !strings.Contains(err.Error(), "constant w has 23 elements, want the 24") {
		t.Errorf("a constant too short: %v", err)
	}
	odd := golden()
	odd.Graph.Nodes[0].Attributes[0].Value = int64(1)
	if _, err := odd.Marshal(); err == nil || !strings.Contains(err.Error(), "Flatten: attribute axis is a int64") {
		t.Errorf("an attribute of another type: %v", err)
	}
}
