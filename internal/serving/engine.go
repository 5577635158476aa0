package serving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hourglass/graph"
	"hourglass/models"
	"hourglass/train"
)

// Batching says how an [Engine] joins requests.
type Batching struct {
	Rows  int           // images at most in one run of the model
	Wait  time.Duration // that the first of a batch waits for others; 0 takes those that are there
	Queue int           // images at most that wait for one graph
}

// Check says in one sentence what is wrong, or nil.
func (b Batching) Check() error {
	switch {
	case b.Rows < 1 || b.Rows > 4096:
		return fmt.Errorf("a batch of at most %d images; give 1 to 4096", b.Rows)
	case b.Wait < 0 || b.Wait > time.Second:
		return fmt.Errorf("a wait of %v for others; give 0s to 1s", b.Wait)
	case b.Queue < b.Rows || b.Queue > 1<<20:
		return fmt.Errorf("a queue of %d images; give at least a batch, %d, and at most %d", b.Queue, b.Rows, 1<<20)
	}
	return nil
}

// Engine runs a model for several callers at a time. Those that wait for the
// same graph are served by one run of it.
type Engine struct {
	device                   *graph.Device
	model                    models.Model
	runner                   *train.Runner
	rows                     int
	classes                  int // of which each row ends in one; 0 for a model that is told none
	encode, decode, evaluate *queue
	batches                  *family
}

// NewEngine compiles the model for every size of batch that it will run, so that
// no request waits for that. The engine has the model to itself until it is closed.
func NewEngine(device *graph.Device, model models.Model, b Batching) (*Engine, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	runner, err := train.NewRunner(device, model, b.Rows)
	if err != nil {
		return nil, err
	}
	e := &Engine{device: device, model: model, runner: runner, rows: b.Rows,
		batches: newFamily("hourglass_batch_images", "Images in one run of the model.", "graph", powersOfTwo(b.Rows))}
	if conditional, ok := model.(models.Conditional); ok {
		e.classes = conditional.Classes()
	}
	image, code := model.Input().Size(), model.CodeSize()
	sizes := answerSizes{codes: code, images: image}
	one, err := runner.Inspect(make([]float32, image), 1, runner.Conditions([]int{0})...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the model ready: %w", err), runner.Close(), device.Release(model.Store()))
	}
	sizes.logVariances = len(one.LogVariances)
	e.encode = e.newQueue("encode", b, image, answerSizes{codes: code}, func(rows []float32, n int, labels []int) (a answer, err error) {
		a.codes, err = runner.Encode(rows, n, labels...)
		return a, err
	})
	e.decode = e.newQueue("decode", b, code, answerSizes{images: image}, func(rows []float32, n int, labels []int) (a answer, err error) {
		a.images, err = runner.Decode(rows, n, labels...)
		return a, err
	})
	e.evaluate = e.newQueue("evaluate", b, image, sizes, func(rows []float32, n int, labels []int) (answer, error) {
		i, err := runner.Inspect(rows, n, labels...)
		return answer{i.Codes, i.Reconstructions, i.LogVariances}, err
	})
	if err := e.compile(); err != nil {
		return nil, errors.Join(err, runner.Close(), device.Release(model.Store()))
	}
	for _, q := range e.queues() {
		go q.loop()
	}
	return e, nil
}

// newQueue makes a queue of rows of so many values, each with its class behind it
// where the model is told one.
func (e *Engine) newQueue(name string, b Batching, in int, sizes answerSizes, run func([]float32, int, []int) (answer, error)) *queue {
	alone := func(rows []float32, n int) (answer, error) { return run(rows, n, nil) }
	if e.classes > 0 {
		in++
		alone = func(rows []float32, n int) (answer, error) {
			values, labels := make([]float32, 0, n*(in-1)), make([]int, n)
			for i, row := range split(rows, in) {
				values, labels[i] = append(values, row[:in-1]...), int(row[in-1])
			}
			return run(values, n, labels)
		}
	}
	return &queue{run: alone, in: in, sizes: sizes, batch: b.Rows, wait: b.Wait, limit: b.Queue,
		jobs: make(chan *job, b.Queue), quit: make(chan struct{}), stopped: make(chan struct{}),
		observed: func(rows int) { e.batches.observe(name, float64(rows)) }}
}

func (e *Engine) queues() []*queue { return []*queue{e.encode, e.decode, e.evaluate} }

// compile runs every graph once for each size to which batches are padded.
func (e *Engine) compile() error {
	for _, n := range powersOfTwo(e.rows) {
		for _, q := range e.queues() {
			if _, err := q.guarded(make([]float32, int(n)*q.in), int(n)); err != nil {
				return fmt.Errorf("making the model ready for batches of %g: %w", n, err)
			}
		}
	}
	return nil
}

// powersOfTwo are 1, 2, 4 … and the last itself.
func powersOfTwo(last int) []float64 {
	var all []float64
	for n := 1; n < last; n *= 2 {
		all = append(all, float64(n))
	}
	return append(all, float64(last))
}

// Close answers what is being computed, and the rest with [ErrClosed], and frees what
// the model takes on the device.
func (e *Engine) Close() error {
	for _, q := range e.queues() {
		close(q.quit)
		<-q.stopped
	}
	return errors.Join(e.runner.Close(), e.device.Release(e.model.Store()))
}

// Classes are what a conditional model is told of; 0 for other models.
func (e *Engine) Classes() int { return e.classes }

// CheckLabels says what is wrong with the classes of n images or codes, or nil:
// a conditional model takes one of each, and other models take none.
func (e *Engine) CheckLabels(n int, labels []int) error {
	switch {
	case e.classes == 0 && len(labels) > 0:
		return errors.New("the model is told no class; leave out the labels")
	case e.classes > 0 && len(labels) == 0:
		return fmt.Errorf("the model is told the class of each image; give a label from 0 to %d, or labels, one each", e.classes-1)
	case e.classes > 0 && len(labels) != n:
		return fmt.Errorf("there are %d labels, want %d, one each", len(labels), n)
	}
	for i, label := range labels {
		if label < 0 || label >= e.classes {
			return fmt.Errorf("the label of row %d is %d, want 0 to %d", i, label, e.classes-1)
		}
	}
	return nil
}

// ask waits for what a queue answers to n rows, each with its class behind it
// where the model is told one.
func (e *Engine) ask(ctx context.Context, q *queue, rows []float32, n int, labels []int) (answer, error) {
	if err := e.CheckLabels(n, labels); err != nil {
		return answer{}, err
	}
	if len(labels) > 0 && len(rows) == n*(q.in-1) {
		joined := make([]float32, 0, n*q.in)
		for i, row := range split(rows, q.in-1) {
			joined = append(append(joined, row...), float32(labels[i]))
		}
		rows = joined
	}
	return q.do(ctx, rows, n)
}

// Encode returns the codes, (n,Z), of n images, (n,H,W,C). Labels are the images'
// classes where the model is conditional; other models take none.
func (e *Engine) Encode(ctx context.Context, images []float32, n int, labels ...int) ([]float32, error) {
	a, err := e.ask(ctx, e.encode, images, n, labels)
	return a.codes, err
}

// Decode returns the images, (n,H,W,C), of n codes, (n,Z); see [Engine.Encode]
// for labels.
func (e *Engine) Decode(ctx context.Context, codes []float32, n int, labels ...int) ([]float32, error) {
	a, err := e.ask(ctx, e.decode, codes, n, labels)
	return a.images, err
}

// Draw returns n codes of the model's own distribution; ok is false if it has
// none.
func (e *Engine) Draw(n int, seed uint64) (codes []float32, ok bool, err error) {
	if _, ok = e.model.(models.Prior); ok {
		codes, err = e.runner.Draw(n, seed)
	}
	return codes, ok, err
}

// Quantised is the model where its codes are entries of a codebook.
func (e *Engine) Quantised() (q models.Quantised, ok bool) {
	q, ok = e.model.(models.Quantised)
	return q, ok
}

// Indices are those of the entries that stand for an image, (H,W,C).
func (e *Engine) Indices(image []float32) ([]float32, error) { return e.runner.Indices(image, 1) }

// Inspect returns what the model makes of n images, (n,H,W,C); see
// [Engine.Encode] for labels.
func (e *Engine) Inspect(ctx context.Context, images []float32, n int, labels ...int) (train.Inspection, error) {
	a, err := e.ask(ctx, e.evaluate, images, n, labels)
	i := train.Inspection{Codes: a.codes, Reconstructions: a.images}
	if e.evaluate.sizes.logVariances > 0 {
		i.LogVariances = a.logVariances
	}
	return i, err
}
