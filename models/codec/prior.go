package codec

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"hourglass/graph"
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
	// batch is the number of images that go through a model at a time.
	batch = 64
)

// Prior is what a codec knows of the codes of one model before it sees an
// image: the distribution of each number over the training images, numbers
// taken to be independent. For a variational autoencoder these are the means
// of the posteriors, whose distribution over all images is narrower than the
// standard normal one by the posteriors' own variance.
type Prior struct {
	model     identity
	images    int     // that were fitted
	unit      float32 // what a step of 1 is: the deviation of a number of the code taken at random
	quantiles []int64 // (Z, pieces+1) in grains of the unit, rising
}

// Images is a set of images, H,W,C each. A data.Dataset is one.
type Images interface {
	Len() int
	Image(i int, dst []float32) error
}

// Fit encodes images, evenly spaced ones if there are more than ten thousand,
// and finds the distribution of their codes. threads is as in
// [graph.OpenDevice].
func Fit(model models.Model, images Images, threads int) (*Prior, error) {
	if err := unconditional(model); err != nil {
		return nil, err
	}
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
	if n < 2 {
		return nil, fmt.Errorf("the distribution of codes cannot be found from %d images; give at least 2", n)
	}
	z := model.CodeSize()
	numbers := make([][]float64, z) // of each place of the code, over the images
	pixels := make([]float32, batch*model.Input().Size())
	for done := 0; done < n; {
		count := min(batch, n-done)
		for i := range count {
			at := int(int64(done+i) * int64(images.Len()) / int64(n))
			if err := images.Image(at, pixels[i*model.Input().Size():][:model.Input().Size()]); err != nil {
				return nil, fmt.Errorf("reading image %d: %w", at, err)
			}
		}
		codes, err := runner.Encode(pixels[:count*model.Input().Size()], count)
		if err != nil {
			return nil, err
		}
		for i, x := range codes {
			numbers[i%z] = append(numbers[i%z], float64(x))
		}
		done += count
	}
	p := &Prior{model: identify(model), images: n}
	return p, p.describe(numbers)
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
	return crc32.ChecksumIEEE(content)
}

// size is the number of numbers in a code.
func (p *Prior) size() int { return len(p.quantiles) / (pieces + 1) }
