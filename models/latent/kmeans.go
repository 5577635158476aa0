package latent

import (
	"math"

	"hourglass/kernels"
)

// lloyds is how many of Lloyd's iterations follow k-means++, at most.
const lloyds = 20

// hardShares gives each code to the nearest of k centres: shares[c][i] is 1 if
// code i belongs to centre c, and 0 otherwise.
func hardShares(codes table, k int, seed uint64) [][]float64 {
	centres := spreadOut(codes, k, seed)
	shares := make([][]float64, k)
	for c := range shares {
		shares[c] = make([]float64, codes.Rows)
	}
	nearest := make([]int, codes.Rows)
	for range lloyds {
		moved := assign(nearest, codes, centres)
		for c := range shares {
			clear(shares[c])
		}
		for i, c := range nearest {
			shares[c][i] = 1
		}
		if !moved {
			break
		}
		for c, centre := range centres {
			before := append([]float64(nil), centre...)
			if codes.weightedMean(centre, shares[c]) == 0 {
				copy(centre, before)
			}
		}
	}
	for c := range shares { // one without codes, because there are too few different ones, shares in all
		if sum(shares[c]) == 0 {
			for i := range shares[c] {
				shares[c][i] = 1 / float64(codes.Rows)
			}
		}
	}
	return shares
}

// assign finds the nearest centre of each code, and says whether any is new.
func assign(nearest []int, codes table, centres [][]float64) (moved bool) {
	for i := range codes.Rows {
		best, least := 0, math.Inf(1)
		for c, centre := range centres {
			if d := distance(codes.row(i), centre); d < least {
				best, least = c, d
			}
		}
		moved = moved || nearest[i] != best
		nearest[i] = best
	}
	return moved
}

// spreadOut chooses k of the codes as centres, each in proportion to its
// squared distance from the nearest centre so far: k-means++.
func spreadOut(codes table, k int, seed uint64) [][]float64 {
	words := dice{clock: kernels.Clock{Seed: seed}, stream: streamStart}
	away := make([]float64, codes.Rows)
	for i := range away {
		away[i] = 1
	}
	var centres [][]float64
	for c := range k {
		centre := append([]float64(nil), codes.row(words.among(away))...)
		centres = append(centres, centre)
		for i := range away {
			d := distance(codes.row(i), centre)
			if c == 0 || d < away[i] {
				away[i] = d
			}
		}
	}
	return centres
}

func sum(values []float64) float64 {
	total := 0.0
	for _, x := range values {
		total += x
	}
	return total
}

// dice hands out the words of one stream one by one.
type dice struct {
	clock  kernels.Clock
	stream uint32
	drawn  int
}

// among draws the number of a weight, in proportion to the weights; the last if
// all are 0.
func (d *dice) among(weights []float64) int {
	words := d.clock.Draw(d.stream, uint32(d.drawn/4))
	rest := float64(kernels.Uniform(words[d.drawn%4])) * sum(weights)
	d.drawn++
	for i, weight := range weights {
		if rest < weight {
			return i
		}
		rest -= weight
	}
	return len(weights) - 1
}
