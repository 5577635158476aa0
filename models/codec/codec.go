package codec

import (
	"fmt"
	"slices"

	"hourglass/graph"
	"hourglass/internal/rangecoder"
	"hourglass/models"
	"hourglass/train"
)

// Codec compresses and decompresses images with one model, on the CPU.
type Codec struct {
	model  models.Model
	prior  *Prior
	told   classes
	device *graph.Device
	runner *train.Runner
}

// New makes a codec of a model and its prior. threads is as in
// [graph.OpenDevice].
func New(model models.Model, prior *Prior, threads int) (*Codec, error) {
	if got := identify(model); got != prior.model || !prior.fits(model) {
		return nil, fmt.Errorf("the distribution of codes is of model %v, and the model is %v; fit it to this one", prior.model, got)
	}
	told, err := classesOf(model)
	if err != nil {
		return nil, err
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
	return &Codec{model, prior, told, device, runner}, nil
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
// quantised numbers of the code, in deviations of the code, and 0 where codes are
// made of a codebook's entries; names are those of the images, or nil; labels are
// their classes where the model is conditional.
func (c *Codec) Compress(images []float32, n int, names []string, step float64, labels ...int) (*Compressed, error) {
	s, err := c.step(step)
	if err != nil {
		return nil, err
	}
	if err := c.fits(n); err != nil {
		return nil, err
	}
	rows, err := c.prior.coder(s)
	if err != nil {
		return nil, err
	}
	exact, err := encoded(c.runner, c.model, images, n, labels)
	if err != nil {
		return nil, err
	}
	kept, size := slices.Clone(exact), c.prior.size()
	made := &Compressed{}
	e := rangecoder.NewEncoder()
	for i := range n {
		class := c.told.encode(e, labels, i)
		bits, err := rows.encode(e, kept[i*size:][:size])
		if err != nil {
			return nil, fmt.Errorf("image %d cannot be compressed: %w", i, err)
		}
		made.Rate += class + bits
	}
	payload, err := e.Bytes()
	if err != nil {
		return nil, err
	}
	if made.Exact, err = c.codesOf(exact); err != nil {
		return nil, err
	}
	if made.Codes, err = c.codesOf(kept); err != nil {
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

// step is the one that a file names. Entries of a codebook are whole already.
func (c *Codec) step(x float64) (step, error) {
	if c.prior.indices == nil {
		return newStep(x)
	}
	if x != 0 {
		return 0, fmt.Errorf("a step of %g; the codes are entries of a codebook, which are not rounded: leave it out", x)
	}
	return steps, nil
}

// codesOf are the codes, (n,Z), of rows as they are kept.
func (c *Codec) codesOf(rows []float32) ([]float32, error) {
	if c.prior.indices == nil {
		return rows, nil
	}
	return c.model.(models.Quantised).Lookup(rows)
}

// Contents is what a file holds.
type Contents struct {
	N     int
	Names []string  // of the images, or nil
	Step  float64   // in deviations of the code; 0 if codes are made of a codebook's entries
	Codes []float32 // (N,Z), quantised
	// Labels are the classes of the images, where the model is told them.
	Labels []int
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
	contents := &Contents{N: h.images, Names: h.names}
	if c.prior.indices == nil {
		contents.Step = float64(h.step) / steps
	}
	if err := c.read(contents, h.step, payload); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return contents, nil
}

// read decodes the payload.
func (c *Codec) read(into *Contents, s step, payload []byte) error {
	rows, err := c.prior.coder(s)
	if err != nil {
		return err
	}
	// Before memory is taken for so many images.
	if most := 8*float64(len(payload)) + 64; float64(into.N)*rows.cheapest() > 1.01*most {
		return fmt.Errorf("%d images do not fit into %d bytes", into.N, len(payload))
	}
	d := rangecoder.NewDecoder(payload)
	var all []float32 // grows with what is really there
	row := make([]float32, c.prior.size())
	for range into.N {
		into.Labels = c.told.decode(d, into.Labels)
		if err := rows.decode(d, row); err != nil {
			return err
		}
		all = append(all, row...)
	}
	if into.Codes, err = c.codesOf(all); err != nil {
		return err
	}
	return d.Close()
}

// Decode returns the images, (n,H,W,C), of n codes, (n,Z): the same, bit for
// bit, for any number of threads. Labels are as in [Codec.Compress].
func (c *Codec) Decode(codes []float32, n int, labels ...int) ([]float32, error) {
	return c.runner.Decode(codes, n, labels...)
}

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
