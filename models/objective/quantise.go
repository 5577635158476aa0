package objective

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// Commitment is what an encoder pays for codes z that lie far from the codebook's
// entries e which stand for them, so that it commits to an entry and its codes
// do not grow without bound:
//
//	‖z − sg(e)‖², sg being the stopped gradient
//
// (van den Oord, Vinyals and Kavukcuoglu, "Neural discrete representation
// learning", 2017, equation 3, third term).
func Commitment(z, e *gorgonia.Node, r Reduction) (*gorgonia.Node, error) { return MSE(z, e, r) }

// leastProbability keeps the logarithm of a probability of 0 finite; times that
// probability it is 0.
const leastProbability = 1e-10

// Perplexity is e to the power of the entropy of how often each of K entries was
// chosen, (M,K) with 1 at the choice: the number of entries that, used equally
// often, would be as hard to guess. It is 1 where one entry is used alone and K
// where all are used alike.
//
//	exp(−Σ p·log p), p the mean choice (K)
func Perplexity(chosen *gorgonia.Node) (*gorgonia.Node, error) {
	if chosen == nil {
		return nil, fmt.Errorf("perplexity: the operand is nil; an earlier operation failed")
	}
	p, err := ops.Mean(chosen, 0)
	if err != nil {
		return nil, err
	}
	log, err := ops.Affine(p, 1, leastProbability)
	if err != nil {
		return nil, err
	}
	if log, err = ops.Log(log); err != nil {
		return nil, err
	}
	if log, err = ops.Mul(p, log); err != nil {
		return nil, err
	}
	if log, err = ops.Sum(log); err != nil {
		return nil, err
	}
	return exponentialOf(log, -1)
}
