package tune

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
)

// Mode says where the tile of a product is taken from, if no record has it.
type Mode int

const (
	Off     Mode = iota // from the cost model
	Cached              // from the cache where it has the layer, else from the cost model
	Measure             // from the fastest of all, which are timed; the cache keeps it
)

var modeNames = [...]string{"off", "cached", "measure"}

func (m Mode) String() string {
	if m < 0 || int(m) >= len(modeNames) {
		return fmt.Sprintf("Mode(%d)", int(m))
	}
	return modeNames[m]
}

// ParseMode reads "off", "cached" or "measure".
func ParseMode(name string) (Mode, error) {
	if m := slices.Index(modeNames[:], name); m >= 0 {
		return Mode(m), nil
	}
	return Off, fmt.Errorf("tuning %q does not exist; choose %s", name, strings.Join(modeNames[:], ", "))
}

// Machine is what a time depends on besides the layer.
type Machine struct {
	GPU     string `json:"gpu"`     // its name
	Driver  string `json:"driver"`  // its version
	Kernels string `json:"kernels"` // SHA-256 of the PTX that the GPU loads
}

// Options say how tiles are chosen. The zero value takes those of the cost model.
type Options struct {
	Mode Mode
	// Folder holds the caches; if empty, hourglass in the user's cache folder.
	Folder string
	// Recorded are the tiles that a run was begun with, by layer: they come before
	// all others.
	Recorded map[string]string
	// Warn hears, in one line each, of what went wrong and is done without; it may
	// be nil.
	Warn func(line string)
}

// Clock is the time that a GPU takes for a program which computes an operation.
// Where the GPU has no room for that the error wraps [cuda.OutOfMemory].
type Clock func(op kernels.Operation, p launch.Program) (time.Duration, error)

// Tuner chooses tiles, each layer's once.
type Tuner struct {
	options Options
	machine Machine
	clock   Clock
	cache   *cache // nil if it is not wanted

	mutex    sync.Mutex
	choices  map[string]choice // by layer
	warnings map[string]bool   // given
}

// choice is a tile and where it comes from.
type choice struct {
	tile   string
	source source
}

type source int

const (
	fromRecord source = iota
	fromClock
	fromCache
	fromModel
)

var sourceNames = [...]string{"as the run began", "timed", "from the cache", "by the cost model"}

// New makes a tuner for a machine.
func New(m Machine, o Options, clock Clock) *Tuner {
	t := &Tuner{options: o, machine: m, clock: clock, choices: make(map[string]choice), warnings: make(map[string]bool)}
	if o.Mode != Off {
		t.cache = &cache{machine: m, folder: o.Folder, warn: t.warn}
	}
	return t
}

// warn gives each warning once.
func (t *Tuner) warn(format string, values ...any) {
	line := fmt.Sprintf(format, values...)
	if t.options.Warn != nil && !t.warnings[line] {
		t.options.Warn(line)
	}
	t.warnings[line] = true
}

// Layer names a product in records and caches: the operation with all its sizes,
// and the precision.
func Layer(op kernels.Operation, precision kernels.Precision) string {
	return fmt.Sprintf("%s in %v: %+v", op.Kind(), precision, op)
}

// Lower returns the launches that compute op by the tile chosen for it.
func (t *Tuner) Lower(op kernels.Operation, precision kernels.Precision, capability int) (launch.Program, error) {
	usual, err := launch.LowerOn(op, precision, capability)
	if err != nil || usual.Tile == "" {
		return usual, err
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	layer := Layer(op, precision)
	taken, known := t.choices[layer]
	if !known {
		variants, err := launch.Variants(op, precision, capability)
		if err != nil {
			return usual, err
		}
		if taken, err = t.choose(layer, op, usual.Tile, variants); err != nil {
			return usual, err
		}
		t.choices[layer] = taken
	}
	if taken.tile == usual.Tile {
		return usual, nil
	}
	return launch.LowerTile(op, precision, capability, taken.tile)
}

// choose takes the tile of a layer; usual is that of the cost model.
func (t *Tuner) choose(layer string, op kernels.Operation, usual string, variants []launch.Program) (choice, error) {
	has := func(tile string) bool {
		return slices.ContainsFunc(variants, func(p launch.Program) bool { return p.Tile == tile })
	}
	if tile, recorded := t.options.Recorded[layer]; recorded {
		if has(tile) {
			return choice{tile, fromRecord}, nil
		}
		t.warn("the run was begun with tiles that %s does not have: from here on its results may differ in the last bits", t.machine.GPU)
	}
	switch t.options.Mode {
	case Measure:
		return t.measure(layer, op, usual, variants)
	case Cached:
		if tile, found := t.cache.tile(layer); found && has(tile) {
			return choice{tile, fromCache}, nil
		}
	}
	return choice{usual, fromModel}, nil
}

const (
	// rounds is how often each tile is timed; the least time counts, for whatever
	// disturbs a measurement makes it longer.
	rounds = 3
	// margin is the part of the cost model's time that another tile must save, lest
	// choices follow the noise of clocks.
	margin = 0.02
)

// measure times all tiles of a layer and keeps the fastest in the cache.
func (t *Tuner) measure(layer string, op kernels.Operation, usual string, variants []launch.Program) (choice, error) {
	best := make(map[string]time.Duration)
	for range rounds {
		for _, p := range variants {
			took, err := t.clock(op, p)
			if errors.Is(err, cuda.OutOfMemory) {
				t.warn("the GPU has no room to time all tiles; those of the cost model are taken where it has not")
				return choice{usual, fromModel}, nil
			}
			if err != nil {
				return choice{}, fmt.Errorf("timing the tile %s: %w", p.Tile, err)
			}
			if known, timed := best[p.Tile]; !timed || took < known {
				best[p.Tile] = took
			}
		}
	}
	fastest := usual
	for _, p := range variants { // in their order, so that equal times have one winner
		if limit := float64(best[usual]) * (1 - margin); float64(best[p.Tile]) < limit && best[p.Tile] < best[fastest] {
			fastest = p.Tile
		}
	}
	t.cache.keep(layer, entryOf(fastest, best))
	return choice{fastest, fromClock}, nil
}

// Record is which tiles a run takes, for its folder.
type Record struct {
	Machine
	Tiles map[string]string `json:"tiles"` // by layer
}

// Record lists the tiles taken so far, and those recorded before that nothing has
// asked for.
func (t *Tuner) Record() Record {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	r := Record{t.machine, make(map[string]string)}
	maps.Copy(r.Tiles, t.options.Recorded)
	for layer, taken := range t.choices {
		r.Tiles[layer] = taken.tile
	}
	return r
}

// String says how many layers have their tile from where; empty of none.
func (t *Tuner) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var counts [len(sourceNames)]int
	for _, taken := range t.choices {
		counts[taken.source]++
	}
	var parts []string
	for s, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, sourceNames[s]))
		}
	}
	if parts == nil {
		return ""
	}
	return fmt.Sprintf("of %d products: %s", len(t.choices), strings.Join(parts, ", "))
}
