package data

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"

	"hourglass/kernels"
)

// Streams of random numbers of this package, far from those that models count
// up from zero.
const (
	streamShuffle = 0xDA7A0000 + iota
	streamSplit
	streamAugment
	streamGlyph
	streamNoise
	streamBinarise
)

// Permutation returns the numbers 0 to n-1 in an order that depends on seed
// and epoch alone: Fisher and Yates's shuffle over Philox words.
func Permutation(n int, seed, epoch uint64) []int {
	order := make([]int, n)
	permute(order, kernels.Clock{Seed: seed, Step: epoch}, streamShuffle)
	return order
}

// permute fills order with a random permutation of its indices.
func permute(order []int, clock kernels.Clock, stream uint32) {
	words := dice{clock: clock, stream: stream}
	for i := range order {
		j := words.below(i + 1)
		order[i] = order[j]
		order[j] = i
	}
}

// dice hands out the words of one stream one by one.
type dice struct {
	clock  kernels.Clock
	stream uint32
	block  uint32
	words  [4]uint32
	left   int
}

func (d *dice) next() uint32 {
	if d.left == 0 {
		d.words = d.clock.Draw(d.stream, d.block)
		d.block++
		d.left = 4
	}
	d.left--
	return d.words[3-d.left]
}

// below draws from 0 to n-1, each equally likely (Lemire, "Fast random integer
// generation in an interval", 2019), for n below 2^32.
func (d *dice) below(n int) int {
	bound := uint32(n)
	high, low := bits.Mul32(d.next(), bound)
	if low < bound {
		for reject := -bound % bound; low < reject; {
			high, low = bits.Mul32(d.next(), bound)
		}
	}
	return int(high)
}

// between draws uniformly from the open interval (low, high).
func (d *dice) between(low, high float32) float32 {
	return low + (high-low)*kernels.Uniform(d.next())
}

// subset is a set made of chosen images of another.
type subset struct {
	of      Dataset
	indices []int
}

// Subset returns the images of a set at the given indices, in their order.
func Subset(ds Dataset, indices []int) (Dataset, error) {
	for _, i := range indices {
		if i < 0 || i >= ds.Len() {
			return nil, fmt.Errorf("subset: image %d is outside the set of %d images", i, ds.Len())
		}
	}
	return &subset{ds, slices.Clone(indices)}, nil
}

func (s *subset) Len() int          { return len(s.indices) }
func (s *subset) Shape() Shape      { return s.of.Shape() }
func (s *subset) Label(i int) int   { return s.of.Label(s.indices[i]) }
func (s *subset) Classes() []string { return Classes(s.of) }
func (s *subset) Name(i int) string { return Name(s.of, s.indices[i]) }
func (s *subset) Corrupt() []error  { return Corrupt(s.of) }
func (s *subset) Resized() int      { return Resized(s.of) }
func (s *subset) Image(i int, dst []float32) error {
	if err := checkRequest(i, len(s.indices), s.Shape(), dst); err != nil {
		return err
	}
	return s.of.Image(s.indices[i], dst)
}

// Split puts images apart at random for validation and for test; the rest is
// for training. A size below 1 is a fraction of the set, rounded; from 1 on it
// is a count; a part of size 0 is nil. Which images go where depends on the
// seed and the length of the set alone; each part keeps the order of the set.
func Split(ds Dataset, seed uint64, validation, test float64) (train, validationSet, testSet Dataset, err error) {
	n := ds.Len()
	v, err := partSize("validation", validation, n)
	if err != nil {
		return nil, nil, nil, err
	}
	t, err := partSize("test", test, n)
	if err != nil {
		return nil, nil, nil, err
	}
	if v+t >= n {
		return nil, nil, nil, fmt.Errorf("split: %d validation and %d test images leave none of %d for training", v, t, n)
	}
	order := make([]int, n)
	permute(order, kernels.Clock{Seed: seed}, streamSplit)
	return part(ds, order[v+t:]), part(ds, order[:v]), part(ds, order[v:v+t]), nil
}

func partSize(name string, size float64, n int) (int, error) {
	switch {
	case size >= 0 && size < 1:
		return int(size*float64(n) + 0.5), nil
	case size >= 1 && size <= float64(n) && size == float64(int(size)):
		return int(size), nil
	}
	return 0, fmt.Errorf("split: the %s part is %s, want a fraction below 1 or a count up to %d", name, strconv.FormatFloat(size, 'f', -1, 64), n)
}

func part(ds Dataset, indices []int) Dataset {
	if len(indices) == 0 {
		return nil
	}
	slices.Sort(indices)
	return &subset{ds, indices}
}
