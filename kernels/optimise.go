package kernels

import "fmt"

// Rule is an update rule of parameters by gradients.
type Rule int

const (
	SGD   Rule = iota // with momentum (Polyak 1964), in PyTorch's form: m ← μ·m + g; p ← p − η·m
	Adam              // Kingma and Ba 2015; weight decay is added to the gradient
	AdamW             // Loshchilov and Hutter 2019: weight decay is decoupled
)

var ruleNames = [...]string{"sgd", "adam", "adamw"}

// Rules are the names of all update rules, in order.
func Rules() []string { return ruleNames[:] }

func (r Rule) String() string { return name("Rule", int(r), ruleNames[:]) }

// Optimiser is an update rule with its constants, the same over a whole run.
type Optimiser struct {
	Rule         Rule
	Momentum     float64 // of SGD
	Beta1, Beta2 float64 // of Adam and AdamW
	Epsilon      float64 // of Adam and AdamW
	WeightDecay  float64
	ClipNorm     float64 // greatest Euclidean norm of the whole gradient; 0 does not clip
}

// Check says in one sentence what is wrong, or nil.
func (o Optimiser) Check() error {
	if err := listed("optimiser rule", int(o.Rule), ruleNames[:]); err != nil {
		return err
	}
	inside := func(name string, v float64) error {
		if !(v >= 0 && v < 1) {
			return fmt.Errorf("%v: %s is %g, want 0 up to but not 1", o.Rule, name, v)
		}
		return nil
	}
	if err := inside("momentum", o.Momentum); err != nil {
		return err
	}
	if o.Rule != SGD {
		if err := inside("beta1", o.Beta1); err != nil {
			return err
		}
		if err := inside("beta2", o.Beta2); err != nil {
			return err
		}
		if !(o.Epsilon > 0) {
			return fmt.Errorf("%v: epsilon is %g, want more than 0", o.Rule, o.Epsilon)
		}
	}
	if !(o.WeightDecay >= 0) {
		return fmt.Errorf("%v: weight decay is %g, want at least 0", o.Rule, o.WeightDecay)
	}
	if !(o.ClipNorm >= 0) {
		return fmt.Errorf("%v: clipping norm is %g, want at least 0 (0 does not clip)", o.Rule, o.ClipNorm)
	}
	return nil
}

// Moments is how many flat blocks of state the rule keeps beside parameters
// and gradients: momentum or first moment, and second moment.
func (o Optimiser) Moments() int {
	if o.Rule == SGD {
		return 1
	}
	return 2
}

// Clip is the factor by which gradients of a given Euclidean norm are
// multiplied: ClipNorm/(norm + 1e-6), at most 1, as PyTorch's clip_grad_norm_
// has it.
func (o Optimiser) Clip(norm float64) float64 {
	if o.ClipNorm == 0 {
		return 1
	}
	return min(1, o.ClipNorm/(norm+1e-6))
}
