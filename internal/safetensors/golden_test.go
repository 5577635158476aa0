package safetensors

import (
	"bytes"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"hourglass/kernels"
)

func check[T Element](t *testing.T, f *File, name string, shape kernels.Shape, want ...T) {
	t.Helper()
	description, found := f.Tensor(name)
	if !found || !description.Shape.Equal(shape) {
		t.Errorf("tensor %q: found %t, shape %v, want %v", name, found, description.Shape, shape)
	}
	got := make([]T, len(want))
	if err := Read(f, name, got); err != nil {
		t.Errorf("tensor %q: %v", name, err)
	} else if !slices.Equal(got, want) {
		t.Errorf("tensor %q holds %v, want %v", name, got, want)
	}
}

// The file is testdata/golden.py's, written by the Python package.
func TestReadsWhatPythonWrote(t *testing.T) {
	f, err := Open(filepath.Join("testdata", "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	weight := make([]float32, 24)
	for i := range weight {
		weight[i] = float32(i)/8 - 1
	}
	check(t, f, "encoder.0.weight", kernels.Shape{2, 3, 2, 2}, weight...)
	check(t, f, "encoder.0.bias", kernels.Shape{2}, 1e-38, float32(math.Inf(-1)))
	check(t, f, "norm.num_batches_tracked", kernels.Shape{}, int64(-1<<62-1))
	check(t, f, "variance", kernels.Shape{2}, 1.0/3, 1e300)
	check(t, f, "palette", kernels.Shape{1, 3}, uint8(0), 1, 255)
	check[float32](t, f, "empty", kernels.Shape{0, 4})
	check(t, f, `a "quoted" name, größer`, kernels.Shape{1}, float32(7))
	if half, found := f.Tensor("half"); !found || half.DType != "F16" {
		t.Errorf("tensor half is listed as %v, %t, want F16", half, found)
	}
	want := map[string]string{"format": "pt", "note": "line\nbreak, ü, \U0001F600"}
	if !maps.Equal(f.Metadata(), want) {
		t.Errorf("metadata is %q, want %q", f.Metadata(), want)
	}
}

func TestArrangePutsTheWidestFirstAsPythonDoes(t *testing.T) {
	f, err := Open(filepath.Join("testdata", "golden.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := f.Tensors()
	got := slices.Clone(want)
	slices.Reverse(got)
	Arrange(got)
	for i := range want {
		// Types of equal width come in an order of Python's own.
		if widths[got[i].DType] != widths[want[i].DType] {
			t.Errorf("tensor %d is %v, want the width of %v", i, got[i], want[i])
		}
	}
	if got[2].Name >= got[3].Name || got[3].Name >= got[4].Name {
		t.Errorf("tensors of one type are not sorted by name: %v", got)
	}
}

func TestPythonReadsWhatIsWritten(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not at hand")
	}
	if exec.Command(python, "-c", "import numpy, safetensors").Run() != nil {
		t.Skip("python3 has no package safetensors, or no numpy")
	}
	path := filepath.Join(t.TempDir(), "ours.safetensors")
	if err := os.WriteFile(path, sample(t).Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command(python, filepath.Join("testdata", "verify.py"), path).CombinedOutput(); err != nil {
		t.Errorf("Python refuses the file: %v\n%s", err, output)
	}
}

// sample writes the tensors that testdata/verify.py expects.
func sample(t *testing.T) *bytes.Buffer {
	t.Helper()
	weight := make([]float32, 100_000)
	for i := range weight {
		weight[i] = float32(i) / 4
	}
	tensors := []Tensor{
		Describe[uint8]("bytes", 3),
		Describe[float32]("weight", 10, 10_000),
		Describe[float32]("bias", 2),
		Describe[int64]("steps"),
		Describe[float64]("variance", 2),
		Describe[float32]("empty", 0, 4),
		Describe[float32]("größe <&>", 1),
	}
	Arrange(tensors)
	var file bytes.Buffer
	w, err := NewWriter(&file, map[string]string{"note": "line\nbreak, ü", "model": "a < b"}, tensors)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range tensors {
		switch tensor.Name {
		case "bytes":
			err = Write(w, tensor.Name, []uint8{1, 2, 3})
		case "weight": // in parts that fit no piece
			for part := range slices.Chunk(weight, 33_333) {
				if err == nil {
					err = Write(w, tensor.Name, part)
				}
			}
		case "bias":
			err = Write(w, tensor.Name, []float32{0.5, -1.5})
		case "steps":
			err = Write(w, tensor.Name, []int64{-7})
		case "variance":
			err = Write(w, tensor.Name, []float64{1.0 / 3, 1e300})
		case "größe <&>":
			err = Write(w, tensor.Name, []float32{2})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &file
}
