package data

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
)

// unit maps a byte to [0,1].
var unit = func() (table [256]float32) {
	for i := range table {
		table[i] = float32(i) / 255
	}
	return table
}()

// toUnit writes bytes as values in [0,1].
func toUnit(dst []float32, src []byte) {
	for i, b := range src {
		dst[i] = unit[b]
	}
}

// toBytes rounds values in [0,1] to bytes; it undoes toUnit exactly.
func toBytes(dst []byte, src []float32) {
	for i, v := range src {
		dst[i] = byte(min(max(v, 0), 1)*255 + 0.5)
	}
}

// ToBytes writes values of [0,1] as the bytes that they were read from, and
// reports whether all were: a value of dst read as a byte would be that of src,
// bit for bit.
func ToBytes(dst []byte, src []float32) (exact bool) {
	toBytes(dst, src)
	exact = true
	for i, v := range src {
		exact = exact && math.Float32bits(unit[dst[i]]) == math.Float32bits(v)
	}
	return exact
}

// caption is what a set in memory knows beside its pixels.
type caption struct {
	source  string // what Name begins with
	labels  []int  // nil: no labels
	classes []string
}

func (c *caption) Classes() []string { return c.classes }
func (c *caption) Name(i int) string { return c.source + " " + strconv.Itoa(i) }
func (c *caption) Label(i int) int {
	if c.labels == nil || i < 0 || i >= len(c.labels) {
		return -1
	}
	return c.labels[i]
}

// Memory is a set held in memory as bytes, image after image, H,W,C.
type Memory struct {
	caption
	shape  Shape
	pixels []byte
}

// NewMemory makes a set of the pixels of n images, H,W,C, and of n labels or
// none. The names of the classes may be nil.
func NewMemory(name string, shape Shape, pixels []byte, labels []int, classes []string) (*Memory, error) {
	if err := shape.Check(); err != nil {
		return nil, err
	}
	if len(pixels)%shape.Size() != 0 {
		return nil, fmt.Errorf("%s: %d bytes are not a whole number of %v images", name, len(pixels), shape)
	}
	if n := len(pixels) / shape.Size(); labels != nil && len(labels) != n {
		return nil, fmt.Errorf("%s: %d images have %d labels, want one for each", name, n, len(labels))
	}
	if classes == nil && labels != nil {
		classes = numbered(labels)
	}
	return &Memory{caption{name, labels, classes}, shape, pixels}, nil
}

// numbered names the classes 0 to the largest label.
func numbered(labels []int) []string {
	most := -1
	for _, label := range labels {
		most = max(most, label)
	}
	classes := make([]string, most+1)
	for i := range classes {
		classes[i] = strconv.Itoa(i)
	}
	return classes
}

// Len implements [Dataset].
func (m *Memory) Len() int { return len(m.pixels) / m.shape.Size() }

// Shape implements [Dataset].
func (m *Memory) Shape() Shape { return m.shape }

// Image implements [Dataset].
func (m *Memory) Image(i int, dst []float32) error {
	if err := checkRequest(i, m.Len(), m.shape, dst); err != nil {
		return err
	}
	toUnit(dst, m.pixels[i*len(dst):][:len(dst)])
	return nil
}

// CacheBytes is the size, a byte for each value, up to which Open keeps a
// decoded or drawn set in memory. Larger sets are decoded anew every epoch.
const CacheBytes = 1 << 30

// lockCount is how many locks a cache spreads its images over.
const lockCount = 64

// cached keeps each image as bytes once it has been asked for.
type cached struct {
	Dataset
	pixels []byte
	kept   []atomic.Bool
	locks  [lockCount]sync.Mutex
}

// Cache returns a set that keeps each image, rounded to eight bits, once it has
// been asked for. It takes a byte for each value of the set, so a set larger
// than CacheBytes is returned as it is, as is one that is in memory already.
func Cache(ds Dataset) Dataset {
	switch ds.(type) {
	case *Memory, *floats, *cached:
		return ds
	}
	if n := ds.Len(); n > CacheBytes/ds.Shape().Size() {
		return ds
	}
	return &cached{
		Dataset: ds,
		pixels:  make([]byte, ds.Len()*ds.Shape().Size()),
		kept:    make([]atomic.Bool, ds.Len()),
	}
}

func (c *cached) Image(i int, dst []float32) error {
	if err := checkRequest(i, len(c.kept), c.Shape(), dst); err != nil {
		return err
	}
	pixels := c.pixels[i*len(dst):][:len(dst)]
	if !c.kept[i].Load() {
		if err := c.keep(i, pixels, dst); err != nil {
			return err
		}
	}
	toUnit(dst, pixels)
	return nil
}

// keep fills pixels with image i, using scratch, unless another caller has.
func (c *cached) keep(i int, pixels []byte, scratch []float32) error {
	lock := &c.locks[i%lockCount]
	lock.Lock()
	defer lock.Unlock()
	if c.kept[i].Load() {
		return nil
	}
	if err := c.Dataset.Image(i, scratch); err != nil {
		return err
	}
	toBytes(pixels, scratch)
	c.kept[i].Store(true)
	return nil
}

func (c *cached) Classes() []string { return Classes(c.Dataset) }
func (c *cached) Name(i int) string { return Name(c.Dataset, i) }
func (c *cached) Corrupt() []error  { return Corrupt(c.Dataset) }
func (c *cached) Resized() int      { return Resized(c.Dataset) }

// floats is a set of floating-point pixels held in memory, H,W,C.
type floats struct {
	caption
	shape  Shape
	pixels []float32
}

func (f *floats) Len() int     { return len(f.pixels) / f.shape.Size() }
func (f *floats) Shape() Shape { return f.shape }
func (f *floats) Image(i int, dst []float32) error {
	if err := checkRequest(i, f.Len(), f.shape, dst); err != nil {
		return err
	}
	copy(dst, f.pixels[i*len(dst):][:len(dst)])
	return nil
}
