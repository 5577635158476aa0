package peer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"hourglass/data"
	"hourglass/models"
)

// What is written reads back as the model, the images, and the batches of two
// epochs.
func TestWrite(t *testing.T) {
	digits, _, err := data.Open("glyphs", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	few := func(n int) data.Dataset {
		indices := make([]int, n)
		for i := range indices {
			indices[i] = 3 * i
		}
		ds, err := data.Subset(digits, indices)
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	shape := digits.Shape()
	model, err := models.New(models.MLP(models.Shape{C: shape.C, H: shape.H, W: shape.W}, []int{5}, 2, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	s := Start{Model: model, Training: few(50), Test: few(7), Epochs: 2, Batch: 20, Seed: 3, Threads: 1, Further: map[string]any{"kind": "ae"}}
	folder := t.TempDir()
	if err := s.Write(folder); err != nil {
		t.Fatal(err)
	}

	var manifest struct {
		Parameters    []Parameter
		Epochs, Batch int
		Kind          string
	}
	text, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Epochs != 2 || manifest.Batch != 20 || manifest.Kind != "ae" || len(manifest.Parameters) != len(model.Store().Parameters) {
		t.Errorf("manifest %+v", manifest)
	}
	at, weights := 0, read[float32](t, folder, "weights.bin")
	for i, v := range model.Store().Parameters {
		if manifest.Parameters[i].Name != v.Name || weights[at] != v.Data[0] {
			t.Errorf("parameter %d is %s beginning with %g, want %s with %g", i, manifest.Parameters[i].Name, weights[at], v.Name, v.Data[0])
		}
		at += len(v.Data)
	}
	if at != len(weights) {
		t.Errorf("%d weights, want %d", len(weights), at)
	}
	if order, want := read[int32](t, folder, "order.bin"), batchesOf(t, s); !equal(order, want) {
		t.Errorf("order %v, want that of training, %v", order, want)
	}
	pixels, labels := read[uint8](t, folder, "test.bin"), read[int32](t, folder, "test-labels.bin")
	image := make([]float32, shape.Size())
	for i := range s.Test.Len() {
		if err := s.Test.Image(i, image); err != nil {
			t.Fatal(err)
		}
		for k, v := range image {
			if got := float64(pixels[i*shape.Size()+k]) / 255; math.Abs(got-float64(v)) > 0.5/255+1e-6 {
				t.Fatalf("image %d, value %d is %g, want %g", i, k, got, v)
			}
		}
		if labels[i] != int32(s.Test.Label(i)) {
			t.Errorf("label %d is %d, want %d", i, labels[i], s.Test.Label(i))
		}
	}
}

func read[T any](t *testing.T, folder, name string) []T {
	t.Helper()
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	var one T
	values := make([]T, int(info.Size())/binary.Size(one))
	if err := binary.Read(file, binary.LittleEndian, values); err != nil {
		t.Fatal(err)
	}
	return values
}

// batchesOf are the images of the batches that training makes, each epoch by
// batches of its own.
func batchesOf(t *testing.T, s Start) []int32 {
	t.Helper()
	var all []int32
	for epoch := 1; epoch <= s.Epochs; epoch++ {
		batches := data.NewBatches(s.Training, data.BatchOptions{Size: s.Batch, Seed: s.Seed, Epoch: uint64(epoch), Shuffle: true, DropLast: true})
		defer batches.Close()
		for {
			next, err := batches.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range next.Indices {
				all = append(all, int32(i))
			}
			batches.Release(next)
		}
	}
	return all
}

func equal(a, b []int32) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestMissingPython(t *testing.T) {
	err := Run(context.Background(), filepath.Join(t.TempDir(), "python3"), "script.py", t.TempDir(), func(*json.Decoder) error { return nil })
	var missing Missing
	if !errors.As(err, &missing) {
		t.Errorf("error %v, want that there is no Python", err)
	}
}
