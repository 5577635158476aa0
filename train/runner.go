package train

import (
	"errors"
	"fmt"
	"sync"

	"hourglass/graph"
	"hourglass/models"
)

// Runner runs a model that is not being trained, on any number of images. It
// keeps the programs that it compiles, one for each batch size that it needs.
// Its methods may be called from several goroutines; they take turns.
type Runner struct {
	device *graph.Device
	model  models.Model
	batch  int

	mutex    sync.Mutex
	programs map[purpose]*graph.Program
}

// purpose is what a program is for: which of the model's graphs, and for how
// many images.
type purpose struct {
	graph graphKind
	batch int
}

// graphKind is one of the graphs that a model builds outside training.
type graphKind int

const (
	evaluating graphKind = iota
	encoding
	decoding
	likelihood // of models.Variational only
	weighing   // of models.Hierarchical only
	drawing
)

// NewRunner makes a runner that processes batch images at a time.
func NewRunner(device *graph.Device, model models.Model, batch int) (*Runner, error) {
	if batch < 1 {
		return nil, fmt.Errorf("the batch size is %d, want at least 1", batch)
	}
	return &Runner{device: device, model: model, batch: batch, programs: make(map[purpose]*graph.Program)}, nil
}

// Close frees the programs.
func (r *Runner) Close() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var first error
	for p, program := range r.programs {
		if err := program.Close(); first == nil {
			first = err
		}
		delete(r.programs, p)
	}
	return first
}

func (r *Runner) program(p purpose) (*graph.Program, error) {
	if program := r.programs[p]; program != nil {
		return program, nil
	}
	b := graph.NewBuilder(r.model.Store(), false)
	switch p.graph {
	case encoding:
		r.model.Encode(b, p.batch)
	case decoding:
		r.model.Decode(b, p.batch)
	case likelihood:
		r.model.(models.Variational).Likelihood(b, p.batch)
	case weighing:
		r.model.(models.Hierarchical).Weigh(b, p.batch)
	case drawing:
		r.model.(models.Prior).Draw(b, p.batch)
	default:
		r.model.Evaluate(b, p.batch)
	}
	program, err := graph.Compile(r.device, b, nil)
	if err != nil {
		return nil, fmt.Errorf("compiling the model for %d images: %w", p.batch, err)
	}
	r.programs[p] = program
	return program, nil
}

// Encode returns the codes, (n,Z), of n images, (n,H,W,C). Labels are the
// images' classes where the model is conditional; other models take none.
func (r *Runner) Encode(images []float32, n int, labels ...int) ([]float32, error) {
	return first(r.each(encoding, n, labels, []string{models.Code}, rowsOf{models.Image, images}))
}

// Reconstruct returns what the model makes of n images, (n,H,W,C); see
// [Runner.Encode] for labels.
func (r *Runner) Reconstruct(images []float32, n int, labels ...int) ([]float32, error) {
	return first(r.each(evaluating, n, labels, []string{models.Reconstruction}, rowsOf{models.Image, images}))
}

// Decode returns the images, (n,H,W,C), of n codes, (n,Z); see [Runner.Encode]
// for labels.
func (r *Runner) Decode(codes []float32, n int, labels ...int) ([]float32, error) {
	return first(r.each(decoding, n, labels, []string{models.Reconstruction}, rowsOf{models.Code, codes}))
}

// Posterior returns mean and log variance, (n,Z) each, of the codes of n
// images, (n,H,W,C), for models that draw codes from a normal distribution; see
// [Runner.Encode] for labels.
func (r *Runner) Posterior(images []float32, n int, labels ...int) (means, logVariances []float32, err error) {
	made, err := r.each(evaluating, n, labels, []string{models.Code, models.LogVariance}, rowsOf{models.Image, images})
	if err != nil {
		return nil, nil, err
	}
	return made[0], made[1], nil
}

// LogLikelihood returns log p(x|z), in nats, of n images and as many codes
// under a [models.Variational] model; see [Runner.Encode] for labels.
func (r *Runner) LogLikelihood(images, codes []float32, n int, labels ...int) ([]float32, error) {
	likelihoods, _, err := r.densities(images, codes, n, labels)
	return likelihoods, err
}

// densities are log p(x|z) of n images and codes, and log p(z) of the codes where
// the prior is learned; nil where it is standard normal.
func (r *Runner) densities(images, codes []float32, n int, labels []int) (likelihoods, priors []float32, err error) {
	v, ok := r.model.(models.Variational)
	if !ok {
		return nil, nil, errNotVariational
	}
	outputs := []string{models.LogLikelihood}
	if !v.StandardPrior() {
		outputs = append(outputs, models.LogPrior)
	}
	made, err := r.each(likelihood, n, labels, outputs, rowsOf{models.Image, images}, rowsOf{models.Code, codes})
	if err != nil {
		return nil, nil, err
	}
	return made[0], append(made, nil)[1], nil
}

// Conditions returns the labels if the model is conditional, and none otherwise: what
// its methods take.
func (r *Runner) Conditions(labels []int) []int {
	if _, conditional := r.model.(models.Conditional); !conditional {
		return nil
	}
	return labels
}

var errNotVariational = errors.New("the model gives its codes no distribution; it takes a variational autoencoder")

// Inspection is what a model makes of some images.
type Inspection struct {
	Codes           []float32 // (n,Z)
	Reconstructions []float32 // (n,H,W,C)
	// LogVariances, (n,Z), are nil unless codes have a normal distribution and a
	// standard normal prior.
	LogVariances []float32
}

// Inspect returns all of it in one pass over n images, (n,H,W,C); see
// [Runner.Encode] for labels.
func (r *Runner) Inspect(images []float32, n int, labels ...int) (Inspection, error) {
	outputs := []string{models.Code, models.Reconstruction}
	if v, ok := r.model.(models.Variational); ok && v.StandardPrior() {
		outputs = append(outputs, models.LogVariance)
	}
	results, err := r.each(evaluating, n, labels, outputs, rowsOf{models.Image, images})
	if err != nil {
		return Inspection{}, err
	}
	i := Inspection{Codes: results[0], Reconstructions: results[1]}
	if len(results) > 2 {
		i.LogVariances = results[2]
	}
	return i, nil
}

// first is the only output of a program that was asked for.
func first(made [][]float32, err error) ([]float32, error) {
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

// drawnAtOnce codes share a step of the clock, whatever the runner's batch, on
// which what is drawn must not depend.
const drawnAtOnce = 64

// Draw returns n codes, (n,Z), drawn from the model's own distribution. One seed
// gives the same codes on every device, and more of them begin with the same.
func (r *Runner) Draw(n int, seed uint64) ([]float32, error) {
	if _, ok := r.model.(models.Prior); !ok {
		return nil, fmt.Errorf("the model's codes have no distribution of their own to draw from; train a variational autoencoder, or fit a distribution to the codes of images")
	}
	if n < 0 {
		return nil, fmt.Errorf("%d codes are to be drawn; want at least 0", n)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	program, err := r.program(purpose{drawing, drawnAtOnce})
	if err != nil {
		return nil, err
	}
	width := r.model.CodeSize()
	codes := make([]float32, 0, n*width)
	for program.Clock().Seed, program.Clock().Step = seed, 0; len(codes) < n*width; program.Clock().Step++ {
		if err := program.Run(); err != nil {
			return nil, err
		}
		codes = append(codes, program.Output(models.Code)[:min(drawnAtOnce*width, n*width-len(codes))]...)
	}
	return codes, nil
}

// Indices returns which entries of the codebook make the codes of n images,
// (n,Positions); see [Runner.Encode] for labels.
func (r *Runner) Indices(images []float32, n int, labels ...int) ([]float32, error) {
	if _, ok := r.model.(models.Quantised); !ok {
		return nil, fmt.Errorf("the model has no codebook, and its codes no indices; train a vector-quantised autoencoder")
	}
	return first(r.each(encoding, n, labels, []string{models.Indices}, rowsOf{models.Image, images}))
}

// rowsOf are the rows of an input.
type rowsOf struct {
	input string
	rows  []float32
}

// each runs a program over n rows of its inputs, chunk by chunk, and collects
// outputs. A chunk smaller than the batch is padded to a power of two, so that
// few programs serve every n.
func (r *Runner) each(kind graphKind, n int, labels []int, outputs []string, inputs ...rowsOf) ([][]float32, error) {
	image, code := r.model.Input().Size(), r.model.CodeSize()
	size := map[string]int{models.Image: image, models.Reconstruction: image, models.Code: code, models.LogVariance: code, models.Noise: code, models.LogLikelihood: 1, models.LogPrior: 1, models.LogRatio: 1}
	if q, ok := r.model.(models.Quantised); ok {
		size[models.Indices] = q.Positions()
	}
	made := make([][]float32, len(outputs))
	for i, output := range outputs {
		made[i] = make([]float32, 0, max(0, n)*size[output])
	}
	for _, in := range inputs {
		if n < 0 || len(in.rows) != n*size[in.input] {
			return nil, fmt.Errorf("%d rows of input %s have %d values, want %d of each", n, in.input, len(in.rows), size[in.input])
		}
	}
	if err := labelled(r.model, labels, n); err != nil {
		return nil, err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for done := 0; done < n; {
		count := min(r.batch, n-done)
		program, err := r.program(purpose{kind, paddedBatch(count, r.batch)})
		if err != nil {
			return nil, err
		}
		for _, in := range inputs { // before whatever an earlier run left
			copy(program.Input(in.input), in.rows[done*size[in.input]:(done+count)*size[in.input]])
		}
		if len(labels) > 0 {
			if err := condition(r.model, program, labels[done:done+count]); err != nil {
				return nil, err
			}
		}
		program.Clock().Step = uint64(done / r.batch)
		if err := program.Run(); err != nil {
			return nil, err
		}
		for i, output := range outputs {
			values := program.Output(output)
			if values == nil {
				return nil, fmt.Errorf("the model has no output %s; its codes are not drawn from a distribution", output)
			}
			made[i] = append(made[i], values[:count*size[output]]...)
		}
		done += count
	}
	return made, nil
}

// paddedBatch is the least power of two that holds count, or the limit if that
// is less.
func paddedBatch(count, limit int) int {
	size := 1
	for size < count {
		size *= 2
	}
	return min(size, limit)
}
