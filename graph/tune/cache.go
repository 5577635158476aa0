package tune

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hourglass/internal/atomicfile"
)

// cache is the file that keeps what was timed on a machine. It is read once; each
// new entry is added to what other processes have written meanwhile.
type cache struct {
	machine Machine
	folder  string // empty for the user's
	warn    func(format string, values ...any)

	read    bool
	entries map[string]entry // by layer
}

// entry is what was found of a layer.
type entry struct {
	Tile   string             `json:"tile"`
	Micros map[string]float64 `json:"us"` // of each tile, in microseconds
}

func entryOf(tile string, times map[string]time.Duration) entry {
	e := entry{tile, make(map[string]float64)}
	for name, took := range times {
		e.Micros[name] = float64(took) / float64(time.Microsecond)
	}
	return e
}

// cacheFile is the form of the file.
type cacheFile struct {
	Version int `json:"version"`
	Machine
	Sum    string           `json:"sum"` // SHA-256 of the layers as json.Marshal writes them
	Layers map[string]entry `json:"layers"`
}

const (
	cacheVersion = 1
	// largestCache bounds what is read: thousands of layers.
	largestCache = 16 << 20
)

// path is the file of the machine, which has a name of its own for each.
func (c *cache) path() (string, error) {
	folder := c.folder
	if folder == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("there is no cache folder (%w)", err)
		}
		folder = filepath.Join(user, "hourglass")
	}
	name := sha256.Sum256([]byte(strings.Join([]string{c.machine.GPU, c.machine.Driver, c.machine.Kernels}, "\x00")))
	return filepath.Join(folder, "tiles-"+hex.EncodeToString(name[:6])+".json"), nil
}

// tile is what the cache has of a layer.
func (c *cache) tile(layer string) (tile string, found bool) {
	if !c.read {
		c.load()
	}
	e, found := c.entries[layer]
	return e.Tile, found
}

// load reads the file. One that is damaged is told of and replaced.
func (c *cache) load() {
	c.read = true
	path, err := c.path()
	if err != nil {
		return // then there is none
	}
	if c.entries, err = c.parse(path); err != nil {
		c.tellDamage(path, err)
		c.keep("", entry{})
	}
}

func (c *cache) tellDamage(path string, damage error) {
	c.warn("the cache of tiles %s is not used and written anew: %v", path, damage)
}

// keep adds an entry to the file, if a layer is named. Where it cannot be written
// the tile is taken all the same.
func (c *cache) keep(layer string, e entry) {
	path, err := c.path()
	if err == nil {
		err = c.add(path, layer, e)
	}
	if err != nil {
		c.warn("the tiles that were timed cannot be kept: %v", err)
	}
}

// add holds the lock while it reads, merges and writes, so that two processes
// lose nothing of one another's.
func (c *cache) add(path, layer string, e entry) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := c.parse(path)
	if err != nil && layer != "" { // load has told of it otherwise
		c.tellDamage(path, err)
	}
	if entries == nil {
		entries = make(map[string]entry)
	}
	if layer != "" {
		entries[layer] = e
	}
	c.entries = entries
	text, err := c.marshal(entries)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

func (c *cache) marshal(entries map[string]entry) ([]byte, error) {
	sum, err := sumOf(entries)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(cacheFile{cacheVersion, c.machine, sum, entries}, "", "  ")
	return append(text, '\n'), err
}

func sumOf(entries map[string]entry) (string, error) {
	text, err := json.Marshal(entries)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// parse reads a file and refuses what this package has not written for the
// machine. A file that is not there has no entries.
func (c *cache) parse(path string) (map[string]entry, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largestCache+1))
	if err != nil {
		return nil, err
	}
	if len(text) > largestCache {
		return nil, fmt.Errorf("it has more than %d bytes", largestCache)
	}
	var f cacheFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("it is not whole (%w)", err)
	}
	sum, err := sumOf(f.Layers)
	switch {
	case err != nil:
		return nil, err
	case f.Version != cacheVersion:
		return nil, fmt.Errorf("it is of version %d, not %d", f.Version, cacheVersion)
	case f.Machine != c.machine:
		return nil, fmt.Errorf("it is of %s with driver %s, or of other kernels", f.GPU, f.Driver)
	case f.Sum != sum:
		return nil, errors.New("its checksum is of other layers")
	}
	return f.Layers, nil
}
