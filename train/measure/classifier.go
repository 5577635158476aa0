package measure

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"hourglass/kernels"
)

// Classifier is a linear softmax classifier: of the classes, that with the
// greatest w·x + b.
type Classifier struct {
	features, classes int
	mean, scale       []float32 // of the features it was fitted to
	weights           []float32 // (features, classes)
	bias              []float32
}

// ClassifierOptions say how a classifier is fitted. Zero fields take the
// defaults.
type ClassifierOptions struct {
	Epochs int     // 30, or as many as take 1,000 steps if that is more
	Batch  int     // 256, or the number of rows if that is less
	Rate   float64 // 0.01, falling to 0 along a half cosine
	// Decay is the weight of ½|w|², which keeps the weights finite where few
	// rows can be told apart exactly.
	Decay float64
	Seed  uint64 // of the order of the rows
}

// shuffleStream is that of the random numbers of a classifier.
const shuffleStream = 0xC1A551F0

// FitClassifier fits a classifier to rows of so many features, whose labels
// are 0 to classes−1: the features are standardised, and the mean
// cross-entropy is minimised by Adam. The same arguments give the same
// classifier, bit for bit.
func FitClassifier(rows []float32, features int, labels []int, classes int, o ClassifierOptions) (*Classifier, error) {
	n := len(labels)
	if features < 1 || classes < 2 || n < 1 || len(rows) != n*features {
		return nil, fmt.Errorf("classifier: %d values for %d rows of %d features in %d classes, want a row a label and two classes at least", len(rows), n, features, classes)
	}
	for i, label := range labels {
		if label < 0 || label >= classes {
			return nil, fmt.Errorf("classifier: label %d is %d, want 0 to %d", i, label, classes-1)
		}
	}
	o = o.complete(n)
	c := &Classifier{features: features, classes: classes, weights: make([]float32, features*classes), bias: make([]float32, classes)}
	c.standardise(rows, n)
	c.descend(rows, labels, o)
	return c, nil
}

func (o ClassifierOptions) complete(n int) ClassifierOptions {
	if o.Batch == 0 {
		o.Batch = 256
	}
	o.Batch = min(o.Batch, n)
	if o.Epochs == 0 {
		o.Epochs = max(30, 1000/(n/o.Batch))
	}
	if o.Rate == 0 {
		o.Rate = 1e-2
	}
	return o
}

// standardise finds the mean and the inverse spread of each feature; one that
// never changes is left out.
func (c *Classifier) standardise(rows []float32, n int) {
	sums, squares := make([]float64, c.features), make([]float64, c.features)
	for i, v := range rows {
		sums[i%c.features] += float64(v)
	}
	c.mean, c.scale = make([]float32, c.features), make([]float32, c.features)
	for j := range sums {
		sums[j] /= float64(n)
		c.mean[j] = float32(sums[j])
	}
	for i, v := range rows {
		d := float64(v) - sums[i%c.features]
		squares[i%c.features] += d * d
	}
	for j, s := range squares {
		if deviation := math.Sqrt(s / float64(n)); deviation > 1e-8 {
			c.scale[j] = float32(1 / deviation)
		}
	}
}

// descend runs Adam over batches in a new random order each epoch.
func (c *Classifier) descend(rows []float32, labels []int, o ClassifierOptions) {
	n := len(labels)
	batch := make([]float32, o.Batch*c.features)
	logits := make([]float32, o.Batch*c.classes)
	gradient := make([]float32, len(c.weights)+len(c.bias))
	adam := newAdam(len(gradient))
	order := make([]int, n)
	steps := o.Epochs * (n / o.Batch)
	for step := range steps {
		at := step % (n / o.Batch)
		if at == 0 {
			shuffle(order, kernels.Clock{Seed: o.Seed, Step: uint64(step)})
		}
		chosen := order[at*o.Batch : (at+1)*o.Batch]
		for i, row := range chosen {
			c.read(batch[i*c.features:(i+1)*c.features], rows[row*c.features:(row+1)*c.features])
		}
		c.logits(logits, batch, o.Batch)
		for i, row := range chosen {
			softmaxError(logits[i*c.classes:(i+1)*c.classes], labels[row], o.Batch)
		}
		c.gradient(gradient, batch, logits, o)
		rate := o.Rate * 0.5 * (1 + math.Cos(math.Pi*float64(step)/float64(steps)))
		adam.step(rate, gradient, c.weights, c.bias)
	}
}

// read standardises a row.
func (c *Classifier) read(dst, row []float32) {
	for j, v := range row {
		dst[j] = (v - c.mean[j]) * c.scale[j]
	}
}

// logits are batch·weights + bias, (n, classes).
func (c *Classifier) logits(dst, batch []float32, n int) {
	for i := range n {
		copy(dst[i*c.classes:], c.bias)
	}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(batch, n, c.features), matrix(c.weights, c.features, c.classes), 1, matrix(dst, n, c.classes))
}

// softmaxError turns logits into their gradient: softmax minus the truth,
// divided by the batch.
func softmaxError(logits []float32, label, batch int) {
	greatest := float64(logits[0])
	for _, v := range logits {
		greatest = max(greatest, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - greatest)
	}
	for k, v := range logits {
		logits[k] = float32(math.Exp(float64(v)-greatest) / sum / float64(batch))
	}
	logits[label] -= 1 / float32(batch)
}

// gradient is by weights and bias, from the gradient by the logits.
func (c *Classifier) gradient(dst, batch, errors []float32, o ClassifierOptions) {
	weights, bias := dst[:len(c.weights)], dst[len(c.weights):]
	blas32.Gemm(blas.Trans, blas.NoTrans, 1, matrix(batch, o.Batch, c.features), matrix(errors, o.Batch, c.classes), 0, matrix(weights, c.features, c.classes))
	if o.Decay > 0 {
		for i, w := range c.weights {
			weights[i] += float32(o.Decay) * w
		}
	}
	clear(bias)
	for i, e := range errors[:o.Batch*c.classes] {
		bias[i%c.classes] += e
	}
}

func matrix(values []float32, rows, columns int) blas32.General {
	return blas32.General{Rows: rows, Cols: columns, Stride: columns, Data: values}
}

// shuffle puts the numbers below len(order) in a random order (Fisher and
// Yates), by words of 32 bits: the bias towards some orders is below 1e-4 for
// any set that fits in memory.
func shuffle(order []int, clock kernels.Clock) {
	for i := range order {
		words := clock.Draw(shuffleStream, uint32(i))
		j := int(uint64(words[0]) * uint64(i+1) >> 32)
		order[i] = order[j]
		order[j] = i
	}
}

// adam holds the moments of Adam with the constants of its paper.
type adam struct {
	first, second []float32
	step1, step2  float64 // powers of the decays
}

func newAdam(n int) *adam {
	return &adam{first: make([]float32, n), second: make([]float32, n), step1: 1, step2: 1}
}

func (a *adam) step(rate float64, gradient []float32, parameters ...[]float32) {
	const decay1, decay2, epsilon = 0.9, 0.999, 1e-8
	a.step1 *= decay1
	a.step2 *= decay2
	scale, root := rate/(1-a.step1), 1/math.Sqrt(1-a.step2)
	at := 0
	for _, values := range parameters {
		for i := range values {
			g := gradient[at]
			a.first[at] += (1 - decay1) * (g - a.first[at])
			a.second[at] += (1 - decay2) * (g*g - a.second[at])
			values[i] -= float32(scale * float64(a.first[at]) / (math.Sqrt(float64(a.second[at]))*root + epsilon))
			at++
		}
	}
}

// Classify returns the class of each row.
func (c *Classifier) Classify(rows []float32) ([]int, error) {
	if len(rows)%c.features != 0 {
		return nil, fmt.Errorf("classifier: %d values, want rows of %d", len(rows), c.features)
	}
	classes := make([]int, len(rows)/c.features)
	row, logits := make([]float32, c.features), make([]float32, c.classes)
	for i := range classes {
		c.read(row, rows[i*c.features:(i+1)*c.features])
		c.logits(logits, row, 1)
		for k, v := range logits {
			if v > logits[classes[i]] {
				classes[i] = k
			}
		}
	}
	return classes, nil
}

// Accuracy is the share of rows put into the right class.
func (c *Classifier) Accuracy(rows []float32, labels []int) (float64, error) {
	classes, err := c.Classify(rows)
	if err != nil {
		return 0, err
	}
	if len(classes) != len(labels) || len(labels) == 0 {
		return 0, fmt.Errorf("classifier: %d rows and %d labels, want as many and at least one", len(classes), len(labels))
	}
	right := 0
	for i, class := range classes {
		if class == labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(labels)), nil
}
