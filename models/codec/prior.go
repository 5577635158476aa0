package codec

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"hourglass/graph"
	"hourglass/internal/rangecoder"
	"hourglass/models"
	"hourglass/train"
)

const (
	// pieces is the number of equally probable intervals by which the
	// distribution of one number of the code is described.
	pieces = 128
	// grains divide a number's unit: quantiles are whole grains.
	grains = 2048
	// farthest a quantile may lie from 0, in grains: the integers that it
	// becomes at the smallest step stay below 2²⁹.
	farthest = 1 << 34
	// mostFitted is the number of images beyond which a prior gains nothing.
	mostFitted = 10_000
	// mostIndices bounds the indices of a codebook's entries that are kept: four
	// megabytes.
	mostIndices = 1 << 20
	// batch is the number of images that go through a model at a time.
	batch = 64
)

// Prior is what a codec knows of the codes of one model before it sees an
// image: the distribution of each number over the training images, numbers
// taken to be independent. For a variational autoencoder these are the means
// of the posteriors, whose distribution over all images is narrower than the
// standard normal one by the posteriors' own variance. Of codes that are made of a
// codebook's entries it is the distribution of these.
type Prior struct {
	model     identity
	images    int     // that were fitted
	unit      float32 // what a step of 1 is: the deviation of a number of the code taken at random
	quantiles []int64 // (Z, pieces+1) in grains of the unit, rising

	indices *indices // nil of codes that are made of numbers
}

// Images is a set of images, H,W,C each, with their classes. A data.Dataset is
// one.
type Images interface {
	Len() int
	Image(i int, dst []float32) error
	Label(i int) int
}

// Fit encodes images, evenly spaced ones if there are more than ten thousand,
// and finds the distribution of their codes. threads is as in
// [graph.OpenDevice].
func Fit(model models.Model, images Images, threads int) (*Prior, error) {
	device, err := graph.OpenDevice(graph.CPU, threads)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	runner, err := train.NewRunner(device, model, batch)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	n := min(images.Len(), mostFitted)
	q, quantised := model.(models.Quantised)
	if quantised {
		n = min(n, max(2, mostIndices/q.Positions()))
	}
	if n < 2 {
		return nil, fmt.Errorf("the distribution of codes cannot be found from %d images; give at least 2", n)
	}
	rows, err := encodeSpread(runner, model, images, n)
	if err != nil {
		return nil, err
	}
	p := &Prior{model: identify(model), images: n}
	if quantised {
		return p, p.count(rows, q.Lattice(), q.Entries())
	}
	return p, p.describe(columns(rows, model.CodeSize()))
}

// encoded is what a codec keeps of images, a row each: their codes, or the
// indices of the entries that make them.
func encoded(runner *train.Runner, model models.Model, images []float32, n int, labels []int) ([]float32, error) {
	if _, quantised := model.(models.Quantised); quantised {
		return runner.Indices(images, n, labels...)
	}
	return runner.Encode(images, n, labels...)
}

// encodeSpread encodes n images of a set, spread over it.
func encodeSpread(runner *train.Runner, model models.Model, images Images, n int) (rows []float32, err error) {
	size := model.Input().Size()
	pixels, labels := make([]float32, batch*size), make([]int, batch)
	for done := 0; done < n; {
		count := min(batch, n-done)
		for i := range count {
			at := int(int64(done+i) * int64(images.Len()) / int64(n))
			if err := images.Image(at, pixels[i*size:][:size]); err != nil {
				return nil, fmt.Errorf("reading image %d: %w", at, err)
			}
			labels[i] = images.Label(at)
		}
		some, err := encoded(runner, model, pixels[:count*size], count, runner.Conditions(labels[:count]))
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
		done += count
	}
	return rows, nil
}

// columns are the numbers at each place of the code.
func columns(rows []float32, size int) [][]float64 {
	all := make([][]float64, size)
	for i, x := range rows {
		all[i%size] = append(all[i%size], float64(x))
	}
	return all
}

// count finds how often entries stand at each position.
func (p *Prior) count(rows []float32, lattice models.Lattice, entries int) error {
	if entries > rangecoder.MostSymbols {
		return fmt.Errorf("the codebook has %d entries, and %d are the most that can be compressed; train with fewer", entries, rangecoder.MostSymbols)
	}
	prior, err := models.NewIndexPrior(rows, lattice, entries)
	if err == nil {
		p.indices = &indices{prior, lattice, lattice.Positions(), entries}
	}
	return err
}

// describe finds the quantiles of the numbers at each place of the code. All
// places have one unit, so that a place that hardly varies costs hardly
// anything.
func (p *Prior) describe(numbers [][]float64) error {
	variance := 0.0
	for d, all := range numbers {
		slices.Sort(all)
		if least, most := all[0], all[len(all)-1]; least-least != 0 || most-most != 0 {
			return fmt.Errorf("the model gives codes that are not finite (number %d of the code); use another checkpoint", d)
		}
		variance += varianceOf(all) / float64(len(numbers))
	}
	p.unit = float32(math.Sqrt(variance))
	if !(p.unit > 0) {
		return fmt.Errorf("the model gives all images the same code, from which none can be told; train another")
	}
	for d, all := range numbers {
		for j := range pieces + 1 {
			at := float64(j) * float64(len(all)-1) / pieces
			i := min(int(at), len(all)-2)
			quantile := all[i] + (at-float64(i))*(all[i+1]-all[i])
			grain := math.Round(quantile / float64(p.unit) * grains)
			if math.Abs(grain) > farthest {
				return fmt.Errorf("number %d of the code reaches %g, and its deviation is %g; codes that far from 0 cannot be compressed", d, quantile, p.unit)
			}
			p.quantiles = append(p.quantiles, int64(grain))
		}
	}
	return nil
}

func varianceOf(numbers []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range numbers {
		sum += x
	}
	mean := sum / float64(len(numbers))
	for _, x := range numbers {
		squares += (x - mean) * (x - mean)
	}
	return squares / float64(len(numbers))
}

// checksum tells priors of one model apart.
func (p *Prior) checksum() uint32 {
	content := binary.LittleEndian.AppendUint64(nil, uint64(p.images))
	content = binary.LittleEndian.AppendUint32(content, math.Float32bits(p.unit))
	for _, q := range p.quantiles {
		content = binary.LittleEndian.AppendUint64(content, uint64(q))
	}
	if p.indices != nil {
		content = append(content, p.indices.shape()...)
		for _, k := range p.indices.Seen() {
			content = binary.LittleEndian.AppendUint32(content, uint32(k))
		}
	}
	return crc32.ChecksumIEEE(content)
}

// size is the number of numbers that are kept of an image.
func (p *Prior) size() int {
	if p.indices != nil {
		return p.indices.positions
	}
	return len(p.quantiles) / (pieces + 1)
}

// fits reports whether the model's codes are of the prior's form.
func (p *Prior) fits(model models.Model) bool {
	q, quantised := model.(models.Quantised)
	if p.indices == nil || !quantised {
		return !quantised && p.indices == nil && p.size() == model.CodeSize()
	}
	return p.indices.lattice == q.Lattice() && p.indices.entries == q.Entries()
}

// coder writes and reads what is kept of images, quantised by a step.
func (p *Prior) coder(s step) (coder, error) {
	if p.indices != nil {
		return p.indices, nil
	}
	return p.alphabets(s)
}
