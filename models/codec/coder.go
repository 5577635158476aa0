package codec

import (
	"fmt"
	"slices"

	"hourglass/internal/rangecoder"
	"hourglass/models"
)

// coder writes rows, what is kept of an image each, to a stream and reads them
// back, by what it knows of them beforehand.
type coder interface {
	// encode writes a row and returns its cost in bits. The row becomes what decode
	// will read.
	encode(e *rangecoder.Encoder, row []float32) (bits float64, err error)
	// decode reads a row.
	decode(d *rangecoder.Decoder, row []float32) error
	// cheapest is the least that a row can cost, in bits.
	cheapest() float64
}

// numbers are rows of numbers of a code, quantised and coded each by itself.
type numbers []alphabet

func (c numbers) encode(e *rangecoder.Encoder, row []float32) (bits float64, err error) {
	for d := range c {
		q, err := c[d].quantise(row[d])
		if err != nil {
			return 0, err
		}
		row[d] = c[d].number(q)
		bits += c[d].encode(e, q)
	}
	return bits, nil
}

func (c numbers) decode(d *rangecoder.Decoder, row []float32) error {
	for i := range c {
		q, err := c[i].decode(d)
		if err != nil {
			return err
		}
		row[i] = c[i].number(q)
	}
	return nil
}

func (c numbers) cheapest() float64 {
	least := 0.0
	for i := range c {
		least += c[i].cheapest()
	}
	return least
}

// indices are rows of indices of a codebook's entries, whole numbers already,
// coded one after the other.
type indices struct {
	*models.IndexPrior
	lattice            models.Lattice
	positions, entries int
}

func (c indices) encode(e *rangecoder.Encoder, row []float32) (bits float64, err error) {
	for at := range c.positions {
		table, err := rangecoder.NewTable(c.Weights(row, at))
		if err != nil {
			return 0, err
		}
		e.Encode(table, int(row[at]))
		bits += table.Cost(int(row[at]))
	}
	return bits, nil
}

func (c indices) decode(d *rangecoder.Decoder, row []float32) error {
	for at := range c.positions {
		table, err := rangecoder.NewTable(c.Weights(row, at))
		if err != nil {
			return err
		}
		row[at] = float32(d.Decode(table))
	}
	return d.Err()
}

// shape is how the prior's file says what it is of.
func (c indices) shape() string {
	return fmt.Sprintf("%dx%dx%d of %d", c.lattice.Rows, c.lattice.Columns, c.lattice.Parts, c.entries)
}

// cheapest is by the most that one entry can have of a table, where all others
// have the least.
func (c indices) cheapest() float64 {
	weights := make([]uint64, c.entries)
	weights[0] = 1
	table, err := rangecoder.NewTable(weights)
	if err != nil { // as encode and decode will say
		return 0
	}
	return float64(c.positions) * table.Cost(0)
}

// classes are the classes of images, all equally probable; none for a model that
// is not told them.
type classes struct{ table *rangecoder.Table }

func classesOf(model models.Model) (classes, error) {
	told, ok := model.(models.Conditional)
	if !ok {
		return classes{}, nil
	}
	table, err := rangecoder.NewTable(slices.Repeat([]uint64{1}, told.Classes()))
	if err != nil {
		return classes{}, fmt.Errorf("the classes of images: %w", err)
	}
	return classes{table}, nil
}

// encode writes the class of image i and returns its cost in bits.
func (c classes) encode(e *rangecoder.Encoder, labels []int, i int) float64 {
	if c.table == nil {
		return 0
	}
	e.Encode(c.table, labels[i])
	return c.table.Cost(labels[i])
}

// decode reads the class of one more image.
func (c classes) decode(d *rangecoder.Decoder, labels []int) []int {
	if c.table == nil {
		return nil
	}
	return append(labels, d.Decode(c.table))
}
