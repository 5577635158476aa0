package tensorboard

import (
	"math"
	"sort"
)

// limits are the upper ends of TensorFlow's buckets: powers of 1.1 from 1e-12
// to 1e20 on both sides of zero.
var limits = func() []float64 {
	var positive []float64
	for limit := 1e-12; limit < 1e20; limit *= 1.1 {
		positive = append(positive, limit)
	}
	var all []float64
	for i := len(positive) - 1; i >= 0; i-- {
		all = append(all, -positive[i])
	}
	all = append(append(all, 0), positive...)
	return append(all, math.MaxFloat64)
}()

// histogram counts values in buckets. Bucket i holds those from limits[i-1] up
// to but not limits[i].
type histogram struct {
	counts               []float64
	least, most          float64
	number, sum, squares float64
}

// count starts anew with the values. What is no finite number has no bucket.
func (h *histogram) count(values []float32) {
	if h.counts == nil {
		h.counts = make([]float64, len(limits))
	}
	clear(h.counts)
	h.least, h.most, h.number, h.sum, h.squares = math.Inf(1), math.Inf(-1), 0, 0, 0
	for _, value := range values {
		x := float64(value)
		if x-x != 0 {
			continue
		}
		h.least, h.most = min(h.least, x), max(h.most, x)
		h.number++
		h.sum += x
		h.squares += x * x
		h.counts[bucket(x)]++
	}
}

// bucket is the first whose limit is above x.
func bucket(x float64) int {
	return sort.Search(len(limits)-1, func(i int) bool { return limits[i] > x })
}

// span is the first bucket that holds a value, and the one behind the last.
func (h *histogram) span() (first, end int) {
	if h.number == 0 {
		return 0, 0
	}
	return bucket(h.least), bucket(h.most) + 1
}
