package objective

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// Adversarial is the cross-entropy, in nats, of a discriminator's logits (N,1) where
// all of them are asked to say the same: that what they judged is real, or that
// it is made. With real it is also what the maker of made things descends, the
// form that keeps its gradient where the discriminator is sure.
//
//	real: mean of softplus(−l) = −log σ(l)    made: mean of softplus(l) = −log(1 − σ(l))
//
// (Goodfellow et al., "Generative adversarial nets", 2014, section 3.)
func Adversarial(logits *gorgonia.Node, real bool) (*gorgonia.Node, error) {
	sign := 1.0
	if real {
		sign = -1
	}
	logits, err := ops.Scale(logits, sign)
	if err != nil {
		return nil, err
	}
	if logits, err = ops.Softplus(logits); err != nil {
		return nil, err
	}
	return ops.Mean(logits)
}
