package baseline

import "fmt"

// Rows is a set of images of equal size, each a row of values.
type Rows interface {
	Len() int  // images
	Size() int // values of each
	// Row writes image i to dst, which has Size values.
	Row(i int, dst []float32) error
}

// blockValues is how many values are handled at once: 16 MiB of float64, but
// never more than blockRows images.
const (
	blockValues = 2 << 20
	blockRows   = 512
)

// block is some images, as a matrix of n rows in float64.
type block struct {
	first, n, size int
	values         []float64
}

func (b *block) row(i int) []float64 { return b.values[i*b.size : (i+1)*b.size] }

// forEachBlock reads all images once, in order. The block given to use is
// overwritten by the next.
func forEachBlock(rows Rows, use func(*block) error) error {
	count, size := rows.Len(), rows.Size()
	if count < 1 || size < 1 {
		return fmt.Errorf("baseline: %d images of %d values, want at least one of each", count, size)
	}
	capacity := min(count, blockRows, max(1, blockValues/size))
	image := make([]float32, size)
	b := &block{size: size, values: make([]float64, capacity*size)}
	for b.first = 0; b.first < count; b.first += b.n {
		b.n = min(capacity, count-b.first)
		for i := range b.n {
			if err := rows.Row(b.first+i, image); err != nil {
				return fmt.Errorf("baseline: image %d: %w", b.first+i, err)
			}
			row := b.row(i)
			for j, value := range image {
				if value-value != 0 {
					return fmt.Errorf("baseline: image %d has the value %v, want finite values", b.first+i, value)
				}
				row[j] = float64(value)
			}
		}
		if err := use(b); err != nil {
			return err
		}
	}
	return nil
}

// checkUnit refuses values that are no probabilities.
func (b *block) checkUnit() error {
	for i := range b.n {
		for _, value := range b.row(i) {
			if value < 0 || value > 1 {
				return fmt.Errorf("baseline: image %d has the value %g, want 0 to 1 for a Bernoulli likelihood", b.first+i, value)
			}
		}
	}
	return nil
}
