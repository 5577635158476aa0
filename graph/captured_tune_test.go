package graph_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/graph/tune"
	"hourglass/internal/gputest"
	"hourglass/kernels"
	"hourglass/kernels/launch"
)

// tuned trains a model in tf32 on a device of its own and returns the losses and
// the tiles that were taken.
func tuned(t *testing.T, o tune.Options) (losses []float64, record tune.Record, words string) {
	t.Helper()
	o.Warn = func(line string) { t.Errorf("warned of: %s", line) }
	device, err := graph.OpenDevice(graph.CUDA, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := device.SetPrecision(kernels.TF32); err != nil {
		t.Fatal(err)
	}
	device.Tune(o)
	losses, _ = train(t, device, "conv", 4)
	record, words = device.Tiles()
	if err := device.Close(); err != nil {
		t.Errorf("closing the device: %v", err)
	}
	return losses, record, words
}

// TestTilesAreTimedOnTheDevice: what is timed is kept and taken by the next device,
// and a run that is given the record has the same bits.
func TestTilesAreTimedOnTheDevice(t *testing.T) {
	gputest.Use(t)
	folder := t.TempDir()
	timed, record, words := tuned(t, tune.Options{Mode: tune.Measure, Folder: folder})
	if len(record.Tiles) < 5 || !strings.HasSuffix(words, " timed") || strings.Contains(words, ",") {
		t.Fatalf("tiles %v, %s; want all products timed", record.Tiles, words)
	}
	if record.GPU == "" || !strings.Contains(record.Driver, "CUDA ") || len(record.Kernels) != 64 {
		t.Errorf("the record is of the machine %+v", record.Machine)
	}
	for name, o := range map[string]tune.Options{
		"from the cache":   {Mode: tune.Cached, Folder: folder},
		"as the run began": {Mode: tune.Measure, Folder: t.TempDir(), Recorded: record.Tiles},
	} {
		again, taken, words := tuned(t, o)
		if !maps.Equal(taken.Tiles, record.Tiles) || !strings.HasSuffix(words, " "+name) || strings.Contains(words, ",") {
			t.Errorf("%s: tiles %v, %s, want %v", name, taken.Tiles, words, record.Tiles)
		}
		if !slices.Equal(again, timed) {
			t.Errorf("%s: the losses are %v, want %v", name, again, timed)
		}
	}
}

// TestRecordedTilesAreLaunched gives a record of other tiles than the cost model's
// and counts the launches of their kernels.
func TestRecordedTilesAreLaunched(t *testing.T) {
	driver := gputest.Driver(t)
	_, usual, words := tuned(t, tune.Options{})
	if !strings.HasSuffix(words, " by the cost model") {
		t.Fatalf("tiles are chosen %s", words)
	}
	const slow = "_tf32_128x32_by_4"
	other, changed := make(map[string]string), 0
	for layer, tile := range usual.Tiles {
		other[layer] = tile
		if kernel, ok := map[string]string{"convolve in": "convolve_forward", "convolve_backward_input in": "convolve_backward_input"}[kindOf(layer)]; ok && strings.HasSuffix(tile, "_by_4") || ok && strings.Contains(tile, "warpgroup") {
			other[layer] = kernel + slow
			changed++
		}
	}
	if changed == 0 {
		t.Fatalf("of %v none has a tile %s", usual.Tiles, slow)
	}
	before := launchesOf(driver.Launches, slow)
	losses, record, _ := tuned(t, tune.Options{Recorded: other})
	if !maps.Equal(record.Tiles, other) {
		t.Errorf("tiles %v are taken, want %v", record.Tiles, other)
	}
	if n := launchesOf(driver.Launches, slow) - before; n < 4*changed {
		t.Errorf("in 4 steps the tiles of %d products have %d launches", changed, n)
	}
	if !(losses[3] > 0) {
		t.Errorf("the losses are %v", losses)
	}
}

// kindOf is the beginning of a layer's name.
func kindOf(layer string) string {
	kind, _, _ := strings.Cut(layer, " tf32")
	return kind
}

func launchesOf(count func(kernel string) int, tile string) int {
	return count("convolve_forward"+tile) + count("convolve_backward_input"+tile)
}

// TestTheCPUHasNoTiles.
func TestTheCPUHasNoTiles(t *testing.T) {
	device := open(t, 1)
	device.Tune(tune.Options{Mode: tune.Measure, Folder: t.TempDir()})
	if record, words := device.Tiles(); words != "" || len(record.Tiles) != 0 {
		t.Errorf("the CPU has tiles %v, %s", record.Tiles, words)
	}
	if all, err := launch.Variants(kernels.Affine{Size: 4}, kernels.TF32, 90); err != nil || len(all) != 1 || all[0].Tile != "" {
		t.Errorf("what is no product has the programs %v, %v", all, err)
	}
}
