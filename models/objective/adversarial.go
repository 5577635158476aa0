package objective

import (
	"gorgonia.org/gorgonia"

	"hourglass/graph/ops"
)

// Adversarial is the cross-entropy, in nats, of a discriminator's logits l, (N,1), for
// inputs that are all real, or all made by the model. The case of real inputs is also
// the loss of the model for what it made: this form keeps its gradient where the
// discriminator is sure.
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
