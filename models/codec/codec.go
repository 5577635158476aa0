package codec

import (
	"fmt"

	"hourglass/graph"
	"hourglass/internal/rangecoder"
	"hourglass/models"
	"hourglass/train"
)

// Codec compresses and decompresses images with one model, on the CPU.
type Codec struct {
	model  models.Model
	prior  *Prior
	device *graph.Device
	runner *train.Runner
}

// New makes a codec of a model and its prior. threads is as in
// [graph.OpenDevice].
func New(model models.Model, prior *Prior, threads int) (*Codec, error) {
	if err := unconditional(model); err != nil {
		return nil, err
	}
	if got := identify(model); got != prior.model || prior.size() != model.CodeSize() {
		return nil, fmt.Errorf("the distribution of codes is of model %v, and the model is %v; fit it to this one", prior.model, got)
	}
	device, err := graph.OpenDevice(graph.CPU, threads)
	if err != nil {
		return nil, err
	}
	runner, err := train.NewRunner(device, model, batch)
	if err != nil {
		device.Close()
		return nil, err
	}
	return &Codec{model, prior, device, runner}, nil
}

// unconditional refuses a model whose decoder asks for what a file does not hold.
func unconditional(model models.Model) error {
	if m, ok := model.(models.Conditional); ok {
		return fmt.Errorf("the model is conditional on %d classes, and files hold codes alone; compress with a model that is not", m.Classes())
	}
	return nil
}

// Close ends the codec's threads.
func (c *Codec) Close() error {
	err := c.runner.Close()
	if closed := c.device.Close(); err == nil {
		err = closed
	}
	return err
}

// Compressed is a file and what is known of it.
type Compressed struct {
	Bytes  []byte
	Header int       // bytes that are not codes: who made them, names, checksum
	Rate   float64   // bits of the codes by the probabilities of the prior
	Exact  []float32 // (N,Z) codes as the encoder made them
	Codes  []float32 // (N,Z) codes as the file holds them
}

// Compress makes one file of n images, (n,H,W,C). step is the distance between
// quantised numbers of the code, in deviations of the code; names are those of
// the images, or nil.
func (c *Codec) Compress(images []float32, n int, names []string, step float64) (*Compressed, error) {
	s, err := newStep(step)
	if err != nil {
		return nil, err
	}
	if err := c.fits(n); err != nil {
		return nil, err
	}
	tables, err := c.prior.alphabets(s)
	if err != nil {
		return nil, err
	}
	codes, err := c.runner.Encode(images, n)
	if err != nil {
		return nil, err
	}
	made := &Compressed{Exact: codes, Codes: make([]float32, len(codes))}
	e := rangecoder.NewEncoder()
	for i, x := range codes {
		a := &tables[i%len(tables)]
		q, err := a.quantise(x)
		if err != nil {
			return nil, fmt.Errorf("image %d cannot be compressed: %w", i/len(tables), err)
		}
		made.Codes[i] = a.number(q)
		made.Rate += a.encode(e, q)
	}
	payload, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	input := c.model.Input()
	h := header{c.prior.model, c.prior.checksum(), s, [3]int{input.C, input.H, input.W}, n, names}
	if made.Bytes, err = h.file(payload); err != nil {
		return nil, err
	}
	made.Header = len(made.Bytes) - len(payload)
	return made, nil
}

// Contents is what a file holds.
type Contents struct {
	N     int
	Names []string  // of the images, or nil
	Step  float64   // in deviations of the code
	Codes []float32 // (N,Z), quantised
}

// MadeBy returns the [Identity] of the model that a file was compressed by.
func MadeBy(file []byte) (string, error) {
	h, _, err := parse(file)
	if err != nil {
		return "", err
	}
	return h.model.String(), nil
}

// Decompress reads a file. [Codec.Decode] makes images of its codes, and so
// does the decoder of the model on any device, where the last bits of a pixel
// may differ.
func (c *Codec) Decompress(file []byte) (*Contents, error) {
	h, payload, err := parse(file)
	if err != nil {
		return nil, err
	}
	input := c.model.Input()
	switch {
	case h.model != c.prior.model:
		return nil, fmt.Errorf("it was compressed by model %v, and this one is %v; use the one that compressed it", h.model, c.prior.model)
	case h.prior != c.prior.checksum():
		return nil, fmt.Errorf("it was compressed with another distribution of codes (%08x) than the one at hand (%08x), fitted to the same model; use the one that was there", h.prior, c.prior.checksum())
	case h.shape != [3]int{input.C, input.H, input.W}:
		return nil, fmt.Errorf("%w: its images are %dx%dx%d, and those of its model %v", errDamaged, h.shape[0], h.shape[1], h.shape[2], input)
	}
	if err := c.fits(h.images); err != nil {
		return nil, err
	}
	codes, err := c.codes(h, payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return &Contents{h.images, h.names, float64(h.step) / steps, codes}, nil
}

// codes decodes the payload.
func (c *Codec) codes(h *header, payload []byte) ([]float32, error) {
	tables, err := c.prior.alphabets(h.step)
	if err != nil {
		return nil, err
	}
	least := 0.0 // bits of an image, before memory is taken for so many
	for i := range tables {
		least += tables[i].cheapest()
	}
	if most := 8*float64(len(payload)) + 64; float64(h.images)*least > 1.01*most {
		return nil, fmt.Errorf("%d images do not fit into %d bytes", h.images, len(payload))
	}
	d := rangecoder.NewDecoder(payload)
	var codes []float32 // grows with what is really there
	for range h.images {
		for i := range tables {
			q, err := tables[i].decode(d)
			if err != nil {
				return nil, err
			}
			codes = append(codes, tables[i].number(q))
		}
	}
	return codes, d.Close()
}

// Decode returns the images, (n,H,W,C), of n codes, (n,Z): the same, bit for
// bit, for any number of threads.
func (c *Codec) Decode(codes []float32, n int) ([]float32, error) { return c.runner.Decode(codes, n) }

// fits refuses a number of images that would take too much memory.
func (c *Codec) fits(n int) error {
	size := max(c.model.Input().Size(), c.model.CodeSize())
	if most := mostValues / size; n < 1 || n > most {
		return fmt.Errorf("%d images in one file; a file of this model holds 1 to %d", n, most)
	}
	return nil
}

// mostValues bounds the pixel values in a file, and the numbers in its codes:
// a gigabyte each.
const mostValues = 1 << 28
