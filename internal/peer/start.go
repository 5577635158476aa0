package peer

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
)

// Start is what both sides begin with.
type Start struct {
	Model          models.Model // its present parameters and state
	Training, Test data.Dataset
	Epochs, Batch  int
	Seed           uint64 // of the order of the images
	Threads        int    // of the CPU
	// Further entries of the manifest, beside parameters, epochs, batch, seed and
	// threads.
	Further map[string]any
}

// Parameter is one entry of the manifest's parameters, state among them, in the
// order of weights.bin.
type Parameter struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
}

// Write fills a folder, which must exist.
func (s Start) Write(folder string) error {
	var parameters []Parameter
	for _, v := range s.variables() {
		parameters = append(parameters, Parameter{v.Name, v.Shape})
	}
	manifest := map[string]any{"parameters": parameters, "epochs": s.Epochs, "batch": s.Batch, "seed": s.Seed, "threads": s.Threads}
	maps.Copy(manifest, s.Further)
	text, err := json.Marshal(manifest)
	if err != nil {
		return fmt.Errorf("peer: the manifest: %w", err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"manifest.json":    func(w io.Writer) error { _, err := w.Write(text); return err },
		"weights.bin":      s.weights,
		"order.bin":        s.order,
		"train.bin":        func(w io.Writer) error { return pixels(w, s.Training) },
		"test.bin":         func(w io.Writer) error { return pixels(w, s.Test) },
		"train-labels.bin": func(w io.Writer) error { return labels(w, s.Training) },
		"test-labels.bin":  func(w io.Writer) error { return labels(w, s.Test) },
	} {
		if err := fill(filepath.Join(folder, name), write); err != nil {
			return fmt.Errorf("peer: writing %s: %w", name, err)
		}
	}
	return nil
}

func fill(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewWriter(file)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// variables are the parameters, then the state.
func (s Start) variables() []graph.Variable {
	store := s.Model.Store()
	return slices.Concat(store.Parameters, store.State)
}

func (s Start) weights(w io.Writer) error {
	for _, v := range s.variables() {
		if err := binary.Write(w, binary.LittleEndian, v.Data); err != nil {
			return err
		}
	}
	return nil
}

// order writes the images of every batch of every epoch, as train.Fit takes
// them.
func (s Start) order(w io.Writer) error {
	batches := data.NewBatches(s.Training, data.BatchOptions{Size: s.Batch, Seed: s.Seed, Epoch: 1, Shuffle: true, DropLast: true})
	defer batches.Close()
	for epoch := 1; epoch <= s.Epochs; epoch++ {
		if epoch > 1 {
			batches.Reset(uint64(epoch), 0)
		}
		for {
			next, err := batches.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			for _, i := range next.Indices {
				if err := binary.Write(w, binary.LittleEndian, int32(i)); err != nil {
					return err
				}
			}
			batches.Release(next)
		}
	}
	return nil
}

// pixels writes images as the bytes that they were read from.
func pixels(w io.Writer, ds data.Dataset) error {
	image, row := make([]float32, ds.Shape().Size()), make([]byte, ds.Shape().Size())
	for i := range ds.Len() {
		if err := ds.Image(i, image); err != nil {
			return err
		}
		for k, v := range image {
			row[k] = byte(math.Round(float64(v) * 255))
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

func labels(w io.Writer, ds data.Dataset) error {
	all := make([]int32, ds.Len())
	for i := range all {
		all[i] = int32(ds.Label(i))
	}
	return binary.Write(w, binary.LittleEndian, all)
}
