package tune_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hourglass/graph/tune"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

const capability = launch.Warpgroups

var machine = tune.Machine{GPU: "NVIDIA Test", Driver: "1.2.3, CUDA 13.0", Kernels: "abc"}

// layer is a convolution of so many filters, which has several tiles.
func layer(filters int) kernels.Operation {
	return kernels.ConvolveForward{Convolution: kernels.Convolution{
		N: 4, C: 8, H: 8, W: 8, K: filters, R: 3, S: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1}}
}

// tilesOf lists the tiles of an operation, that of the cost model first.
func tilesOf(t *testing.T, op kernels.Operation) []string {
	t.Helper()
	usual, err := launch.LowerOn(op, kernels.TF32, capability)
	if err != nil {
		t.Fatal(err)
	}
	all, err := launch.Variants(op, kernels.TF32, capability)
	if err != nil {
		t.Fatal(err)
	}
	tiles := []string{usual.Tile}
	for _, p := range all {
		if p.Tile != usual.Tile {
			tiles = append(tiles, p.Tile)
		}
	}
	if len(tiles) < 3 {
		t.Fatalf("%+v has %d tiles, the tests need 3", op, len(tiles))
	}
	return tiles
}

// fake is a GPU on which a tile takes the time that is said, others a millisecond.
type fake struct {
	mutex sync.Mutex
	times map[string]time.Duration
	late  map[string]time.Duration // added to the first measurement of a tile
	calls atomic.Int64
	fails error
}

func (f *fake) time(_ kernels.Operation, p launch.Program) (time.Duration, error) {
	f.calls.Add(1)
	f.mutex.Lock()
	defer f.mutex.Unlock()
	took, given := f.times[p.Tile]
	if !given {
		took = time.Millisecond
	}
	took += f.late[p.Tile]
	delete(f.late, p.Tile)
	return took, f.fails
}

// never is the clock of tuners that must not time anything.
func never(t *testing.T) tune.Clock {
	return func(kernels.Operation, launch.Program) (time.Duration, error) {
		t.Error("a tile is timed")
		return 0, nil
	}
}

// taken is the tile that a tuner takes.
func taken(t *testing.T, tuner *tune.Tuner, op kernels.Operation) string {
	t.Helper()
	p, err := tuner.Lower(op, kernels.TF32, capability)
	if err != nil {
		t.Fatal(err)
	}
	return p.Tile
}

// warnings collects lines.
type warnings []string

func (w *warnings) add(line string) { *w = append(*w, line) }

func TestTheFastestIsTaken(t *testing.T) {
	op := layer(12)
	tiles := tilesOf(t, op)
	for name, c := range map[string]struct {
		times, late map[string]time.Duration
		want        string
	}{
		"the last":               {map[string]time.Duration{tiles[2]: 400 * time.Microsecond, tiles[1]: 500 * time.Microsecond}, nil, tiles[2]},
		"all equal":              {nil, nil, tiles[0]},
		"hardly faster":          {map[string]time.Duration{tiles[1]: 985 * time.Microsecond}, nil, tiles[0]},
		"faster by the margin":   {map[string]time.Duration{tiles[1]: 975 * time.Microsecond}, nil, tiles[1]},
		"disturbed once":         {map[string]time.Duration{tiles[1]: 400 * time.Microsecond}, map[string]time.Duration{tiles[1]: time.Second}, tiles[1]},
		"the model's, disturbed": {nil, map[string]time.Duration{tiles[0]: time.Second}, tiles[0]},
	} {
		gpu := &fake{times: c.times, late: c.late}
		tuner := tune.New(machine, tune.Options{Mode: tune.Measure, Folder: t.TempDir()}, gpu.time)
		for range 2 { // the second time it is known
			if got := taken(t, tuner, op); got != c.want {
				t.Errorf("%s: %s is taken, want %s", name, got, c.want)
			}
		}
		if n := gpu.calls.Load(); n != int64(3*len(tiles)) {
			t.Errorf("%s: %d measurements, want 3 of each of %d tiles", name, n, len(tiles))
		}
		if words := tuner.String(); words != "of 1 products: 1 timed" {
			t.Errorf("%s: in words %q", name, words)
		}
	}
}

// TestCacheIsKeyed times on one machine, and wants no other machine, and no other
// layer, to take what was found.
func TestCacheIsKeyed(t *testing.T) {
	op, folder := layer(12), t.TempDir()
	tiles := tilesOf(t, op)
	gpu := &fake{times: map[string]time.Duration{tiles[1]: time.Microsecond}}
	if got := taken(t, tune.New(machine, tune.Options{Mode: tune.Measure, Folder: folder}, gpu.time), op); got != tiles[1] {
		t.Fatalf("%s is taken, want %s", got, tiles[1])
	}
	other := func(change func(*tune.Machine)) tune.Machine {
		m := machine
		change(&m)
		return m
	}
	for name, c := range map[string]struct {
		machine tune.Machine
		mode    tune.Mode
		op      kernels.Operation
		want    string
	}{
		"the same":      {machine, tune.Cached, op, tiles[1]},
		"off":           {machine, tune.Off, op, tiles[0]},
		"other GPU":     {other(func(m *tune.Machine) { m.GPU += "2" }), tune.Cached, op, tiles[0]},
		"other driver":  {other(func(m *tune.Machine) { m.Driver = "1.2.4, CUDA 13.0" }), tune.Cached, op, tiles[0]},
		"other kernels": {other(func(m *tune.Machine) { m.Kernels = "abd" }), tune.Cached, op, tiles[0]},
		"other layer":   {machine, tune.Cached, layer(16), tilesOf(t, layer(16))[0]},
	} {
		var heard warnings
		tuner := tune.New(c.machine, tune.Options{Mode: c.mode, Folder: folder, Warn: heard.add}, never(t))
		if got := taken(t, tuner, c.op); got != c.want || heard != nil {
			t.Errorf("%s: %s is taken, want %s; warnings %q", name, got, c.want, heard)
		}
	}
	if exact, err := tune.New(machine, tune.Options{Mode: tune.Cached, Folder: folder}, never(t)).Lower(op, kernels.FP32, capability); err != nil || exact.Tile != "" {
		t.Errorf("in fp32 the tile is %q, %v", exact.Tile, err)
	}
	if tune.Layer(op, kernels.FP32) == tune.Layer(op, kernels.TF32) {
		t.Error("a layer has one name in both precisions")
	}
}

// damages are what may have befallen a cache.
var damages = map[string]func(text []byte) []byte{
	"empty":        func([]byte) []byte { return nil },
	"cut off":      func(text []byte) []byte { return text[:len(text)/2] },
	"no JSON":      func([]byte) []byte { return []byte("tiles") },
	"another tile": func(text []byte) []byte { return []byte(strings.Replace(string(text), "_64x64", "_32x32", 1)) },
	"another version": func(text []byte) []byte {
		return []byte(strings.Replace(string(text), `"version": 1`, `"version": 2`, 1))
	},
	"another machine": func(text []byte) []byte {
		return []byte(strings.Replace(string(text), "NVIDIA Test", "NVIDIA Rest", 1))
	},
	"too large": func(text []byte) []byte { return append(text, make([]byte, 16<<20)...) },
}

// TestDamagedCachesAreWrittenAnew: one line says so, the cost model is asked
// instead or all is timed, and the next process finds a whole file.
func TestDamagedCachesAreWrittenAnew(t *testing.T) {
	op := layer(12)
	tiles := tilesOf(t, op)
	for name, damage := range damages {
		for _, mode := range []tune.Mode{tune.Cached, tune.Measure} {
			folder := t.TempDir()
			gpu := &fake{times: map[string]time.Duration{tiles[1]: time.Microsecond}}
			for _, op := range []kernels.Operation{op, layer(16)} {
				taken(t, tune.New(machine, tune.Options{Mode: tune.Measure, Folder: folder}, gpu.time), op)
			}
			path := onlyCache(t, folder)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(text), 0o666); err != nil {
				t.Fatal(err)
			}
			var heard warnings
			tuner := tune.New(machine, tune.Options{Mode: mode, Folder: folder, Warn: heard.add}, gpu.time)
			want := tiles[0]
			if mode == tune.Measure {
				want = tiles[1]
			}
			if got := taken(t, tuner, op); got != want {
				t.Errorf("%s, %v: %s is taken, want %s", name, mode, got, want)
			}
			taken(t, tuner, layer(16))
			if len(heard) != 1 || strings.Contains(heard[0], "\n") || !strings.Contains(heard[0], path+" is not used and written anew: ") {
				t.Errorf("%s, %v: the warnings are %q, want one line that names the file", name, mode, heard)
			}
			heard = nil
			if got := taken(t, tune.New(machine, tune.Options{Mode: tune.Cached, Folder: folder, Warn: heard.add}, never(t)), op); got != want || heard != nil {
				t.Errorf("%s, %v: the next process takes %s and says %q", name, mode, got, heard)
			}
		}
	}
}

func onlyCache(t *testing.T, folder string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "tiles-*.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the caches are %v, %v, want one", found, err)
	}
	return found[0]
}

// TestProcessesLoseNothingOfOneAnother lets many tuners, as many processes would,
// time different layers into one folder at once, and one tuner be asked by many.
func TestProcessesLoseNothingOfOneAnother(t *testing.T) {
	folder, gpu := t.TempDir(), &fake{}
	const each = 4
	var all sync.WaitGroup
	for p := range 8 {
		all.Go(func() {
			tuner := tune.New(machine, tune.Options{Mode: tune.Measure, Folder: folder}, gpu.time)
			for k := range each {
				if _, err := tuner.Lower(layer(4*(each*p+k+2)), kernels.TF32, capability); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	reader := tune.New(machine, tune.Options{Mode: tune.Cached, Folder: folder, Warn: func(line string) { t.Error(line) }}, never(t))
	for k := range 8 * each {
		taken(t, reader, layer(4*(k+2)))
	}
	if words := reader.String(); words != "of 32 products: 32 from the cache" {
		t.Errorf("a reader finds %s", words)
	}

	op, alone := layer(12), &fake{}
	tuner := tune.New(machine, tune.Options{Mode: tune.Measure, Folder: t.TempDir()}, alone.time)
	for range 8 {
		all.Go(func() {
			if _, err := tuner.Lower(op, kernels.TF32, capability); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n, want := alone.calls.Load(), int64(3*len(tilesOf(t, op))); n != want {
		t.Errorf("eight callers of one tuner have %d measurements made, want %d", n, want)
	}
}

// TestRecordedTilesComeFirst: a run that goes on takes what it began with,
// whatever was timed since, and says so where it cannot.
func TestRecordedTilesComeFirst(t *testing.T) {
	op := layer(12)
	tiles := tilesOf(t, op)
	gpu := &fake{times: map[string]time.Duration{tiles[1]: time.Microsecond}}
	recorded := map[string]string{tune.Layer(op, kernels.TF32): tiles[2], "another layer": "kept"}
	tuner := tune.New(machine, tune.Options{Mode: tune.Measure, Folder: t.TempDir(), Recorded: recorded}, gpu.time)
	if got := taken(t, tuner, op); got != tiles[2] || gpu.calls.Load() != 0 {
		t.Errorf("%s is taken after %d measurements, want the recorded %s", got, gpu.calls.Load(), tiles[2])
	}
	fresh := tilesOf(t, layer(16))[0]
	if got := taken(t, tuner, layer(16)); got != fresh && got != tiles[1] {
		t.Errorf("%s is taken of a layer that is not recorded", got)
	}
	record := tuner.Record()
	if record.Machine != machine || len(record.Tiles) != 3 || record.Tiles["another layer"] != "kept" || record.Tiles[tune.Layer(op, kernels.TF32)] != tiles[2] {
		t.Errorf("the record is %+v", record)
	}

	var heard warnings
	strange := map[string]string{tune.Layer(op, kernels.TF32): "convolve_forward_of_another_gpu", tune.Layer(layer(16), kernels.TF32): "too"}
	tuner = tune.New(machine, tune.Options{Recorded: strange, Warn: heard.add}, never(t))
	if got := taken(t, tuner, op); got != tiles[0] {
		t.Errorf("%s is taken, want the cost model's", got)
	}
	taken(t, tuner, layer(16))
	if len(heard) != 1 || !strings.Contains(heard[0], "NVIDIA Test does not have") {
		t.Errorf("the warnings are %q, want one", heard)
	}
}

// TestRecordsAreRead, and what is no record is refused.
func TestRecordsAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiles.json")
	if none, err := tune.ReadRecord(path); none != nil || err != nil {
		t.Errorf("where there is no file: %v, %v", none, err)
	}
	want := tune.Record{Machine: machine, Tiles: map[string]string{"a": "b", "c": "d"}}
	text, err := want.Marshal()
	if err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tune.ReadRecord(path); err != nil || !maps.Equal(got, want.Tiles) {
		t.Errorf("read back: %v, %v", got, err)
	}
	for _, damaged := range []string{"", "{}", string(text[:20]), "[]"} {
		if err := os.WriteFile(path, []byte(damaged), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, err := tune.ReadRecord(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q is read as %v, %v", damaged, got, err)
		}
	}
}

// TestClocksAndFoldersMayFail: without room to time the cost model is asked,
// without a folder nothing is kept, and a lost GPU ends it.
func TestClocksAndFoldersMayFail(t *testing.T) {
	op := layer(12)
	tiles := tilesOf(t, op)
	var heard warnings
	full := &fake{fails: fmt.Errorf("timing: %w", cuda.OutOfMemory)}
	tuner := tune.New(machine, tune.Options{Mode: tune.Measure, Folder: t.TempDir(), Warn: heard.add}, full.time)
	if got := taken(t, tuner, op); got != tiles[0] || len(heard) != 1 || !strings.Contains(heard[0], "no room to time") {
		t.Errorf("without room %s is taken and said %q", got, heard)
	}
	lost := errors.New("the GPU is gone")
	tuner = tune.New(machine, tune.Options{Mode: tune.Measure, Folder: t.TempDir()}, (&fake{fails: lost}).time)
	if _, err := tuner.Lower(op, kernels.TF32, capability); !errors.Is(err, lost) {
		t.Errorf("of a lost GPU the error is %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	heard = nil
	gpu := &fake{times: map[string]time.Duration{tiles[1]: time.Microsecond}}
	tuner = tune.New(machine, tune.Options{Mode: tune.Measure, Folder: file, Warn: heard.add}, gpu.time)
	if got := taken(t, tuner, op); got != tiles[1] {
		t.Errorf("with a file for a folder %s is taken, want what was timed", got)
	}
	taken(t, tuner, layer(16))
	if len(heard) != 1 || !strings.Contains(heard[0], "cannot be kept") {
		t.Errorf("the warnings are %q, want one", heard)
	}
}

func TestModesAreRead(t *testing.T) {
	for _, m := range []tune.Mode{tune.Off, tune.Cached, tune.Measure} {
		if got, err := tune.ParseMode(m.String()); got != m || err != nil {
			t.Errorf("%v is read as %v, %v", m, got, err)
		}
	}
	if _, err := tune.ParseMode("always"); err == nil || !slices.Contains(strings.Fields(err.Error()), `"always"`) {
		t.Errorf("always: %v", err)
	}
}
