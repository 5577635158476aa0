package train

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"hourglass/graph"
	"hourglass/internal/safetensors"
)

// FuzzLoadCheckpoint holds LoadCheckpoint to its bound: besides 128 KiB it
// allocates, garbage included, at most 32 bytes for each byte of the file. It
// reads foreign bytes as they are, and whole checkpoints, checksum and all, of
// which one entry of the metadata is foreign.
func FuzzLoadCheckpoint(f *testing.F) {
	path := filepath.Join(f.TempDir(), "checkpoint")
	sample := &Checkpoint{State: sampleState(), tensors: []graph.Variable{{Name: "a", Shape: []int{2}, Data: []float32{1, 2}}}}
	if err := sample.Write(path); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, "step", "7")
	f.Add(whole[:len(whole)-1], "step", "-7")
	f.Add([]byte{}, "loss_sum", "0x1p-3")
	f.Add(whole[8:], "best", "NaN")
	f.Add(whole, "sha256", "00")
	f.Fuzz(func(t *testing.T, file []byte, key, value string) {
		if err := os.WriteFile(path, file, 0o666); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		LoadCheckpoint(path)
		runtime.ReadMemStats(&after)
		if spent, bound := after.TotalAlloc-before.TotalAlloc, uint64(128<<10+32*len(file)); spent > bound {
			t.Errorf("%d bytes were allocated for a file of %d, want at most %d", spent, len(file), bound)
		}
		sealed(t, path, sample, key, value)
		loaded, err := LoadCheckpoint(path)
		if err != nil {
			return
		}
		if err := loaded.Write(path); err != nil {
			t.Fatalf("a checkpoint that was read cannot be written: %v", err)
		}
		again, err := LoadCheckpoint(path)
		if err != nil || again.State != loaded.State && loaded.State.Best == loaded.State.Best {
			t.Fatalf("%+v was written and read as %+v (%v)", loaded.State, again, err)
		}
	})
}

// sealed writes a checkpoint with one more entry of metadata, or another value
// of it, and the checksum that belongs to them.
func sealed(t *testing.T, path string, c *Checkpoint, key, value string) {
	metadata := map[string]string{formatKey: format}
	for _, field := range c.State.fields() {
		metadata[ownPrefix+field.key] = field.String()
	}
	maps.Copy(metadata, map[string]string{ownPrefix + key: value})
	if key != "sha256" {
		metadata[checksumKey] = checksum(metadata, c.tensors)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := safetensors.NewWriter(file, metadata, []safetensors.Tensor{safetensors.Describe[float32]("a", 2)})
	if err != nil {
		t.Skip("the metadata are no text")
	}
	if err := safetensors.Write(w, "a", c.tensors[0].Data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
