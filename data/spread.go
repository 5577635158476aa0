package data

import "math"

// Spread returns at most n of the indices 0 to all − 1, in their order and spread over
// all of them: one from each of n equal pieces, from another place in each piece, for
// even steps would meet the same classes again and again in a set whose classes take
// turns. The places follow the multiples of the golden ratio, which fill a piece evenly.
func Spread(all, n int) []int {
	n = min(n, all)
	indices := make([]int, n)
	for k := range indices {
		first, next := piece(k, n, all), piece(k+1, n, all)
		_, place := math.Modf(float64(k) * (math.Phi - 1))
		indices[k] = first + int(place*float64(next-first))
	}
	return indices
}

// piece is where piece k of n begins.
func piece(k, n, all int) int { return int(int64(k) * int64(all) / int64(n)) }

// AtMost returns a set, or n of its images by [Spread].
func AtMost(ds Dataset, n int) (Dataset, error) {
	if ds.Len() <= n {
		return ds, nil
	}
	return Subset(ds, Spread(ds.Len(), n))
}
