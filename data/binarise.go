package data

import "hourglass/kernels"

// Binarise returns a set whose values are 0 or 1: each is 1 with the
// probability that it has as a grey level, drawn once, so that an image is the
// same in every epoch (Salakhutdinov and Murray, "On the quantitative analysis
// of deep belief networks", 2008). What is drawn depends on seed, image and
// pixel alone. On such images a Bernoulli likelihood is a proper one.
func Binarise(ds Dataset, seed uint64) Dataset { return Cache(&binarised{ds, seed}) }

type binarised struct {
	Dataset
	seed uint64
}

func (b *binarised) Image(i int, dst []float32) error {
	if err := b.Dataset.Image(i, dst); err != nil {
		return err
	}
	random := dice{clock: kernels.Clock{Seed: b.seed, Step: uint64(i)}, stream: streamBinarise}
	for k, level := range dst {
		dst[k] = 0
		// A uniform number lies between 0 and 1, so black stays 0 and white 1.
		if kernels.Uniform(random.next()) < level {
			dst[k] = 1
		}
	}
	return nil
}

func (b *binarised) Classes() []string { return Classes(b.Dataset) }
func (b *binarised) Name(i int) string { return Name(b.Dataset, i) }
func (b *binarised) Corrupt() []error  { return Corrupt(b.Dataset) }
func (b *binarised) Resized() int      { return Resized(b.Dataset) }
