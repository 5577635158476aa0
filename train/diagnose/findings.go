package diagnose

import "fmt"

// Failure is a known way to fail.
type Failure string

const (
	MeanImage         Failure = "mean image"
	PosteriorCollapse Failure = "posterior collapse"
	DeadCodebook      Failure = "dead codebook"
	IgnoredCode       Failure = "ignored code"
	IdleNumbers       Failure = "idle numbers"
	Identity          Failure = "identity"
	LosesToPCA        Failure = "loses to PCA"
	Overcomplete      Failure = "overcomplete"
)

// Collapse says that the output has ceased to follow the image, or nearly, which
// further training seldom mends.
func (f Failure) Collapse() bool {
	switch f {
	case MeanImage, PosteriorCollapse, DeadCodebook, IgnoredCode:
		return true
	}
	return false
}

// Finding is a failure in plain words.
type Finding struct {
	Failure Failure `json:"failure"`
	// Notice says that the model may do for all that.
	Notice  bool   `json:"notice,omitempty"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

func (f Finding) String() string { return f.Message + "; " + f.Remedy }

// Capacity warns, before any training, of a code that can hold the image as it
// is. A variational model pays for what its code holds, and entries of a codebook
// hold little.
func (s Subject) Capacity() (Finding, bool) {
	return Finding{
		Failure: Overcomplete,
		Message: fmt.Sprintf("the code has %d numbers for the %d values of an image, so that the model can copy its input without learning anything", s.Code, s.Image),
		Remedy:  fmt.Sprintf("set model.latent below %d", s.Image),
	}, !s.Variational && s.Usage == nil && s.Code >= s.Image
}

// find turns the numbers into words, the most particular first; what follows
// from a finding is no finding.
func (r *Report) find(s Subject) {
	collapsed := s.Variational && r.Active == 0
	dead := r.Codebook != nil && r.Codebook.dead()
	mean := r.ExplainedVariance < leastExplained || r.Diversity < leastDiversity
	switch {
	case collapsed:
		r.add(PosteriorCollapse, false,
			fmt.Sprintf("the posterior has collapsed: none of the %d numbers of the code changes with the image", r.Code),
			s.uncollapse())
	case dead:
		r.add(DeadCodebook, false,
			fmt.Sprintf("most of the codebook is dead: the %d vectors of the images use %d of its %d entries", r.Codebook.Vectors, r.Codebook.Used, r.Codebook.Entries),
			r.Codebook.revive())
	case mean:
		r.add(MeanImage, false,
			fmt.Sprintf("the output is nearly the same image whatever the input: %.1f%% of the variance of the images is explained", 100*max(0, r.ExplainedVariance)),
			"if the loss jumps about, lower train.rate to a third or less and put leakyrelu for relu, whose units die; if it hardly moves, raise train.rate or train longer")
	case r.CodeUse < leastUse:
		r.add(IgnoredCode, false,
			fmt.Sprintf("the decoder hardly looks at the code: with another image's code the error is only %.2f times as large", r.CodeUse),
			s.lighten("shrink the decoder"))
	case r.Active*fewActive < r.Code:
		r.add(IdleNumbers, true,
			fmt.Sprintf("only %d of the %d numbers of the code change with the image", r.Active, r.Code),
			s.lighten("a smaller model.latent does the same"))
	}
	if r.copies() {
		r.add(Identity, false,
			fmt.Sprintf("the model copies its input, whatever it is: of noise it leaves %.1f%% of the variance unexplained, of images %.1f%%", 100*r.noise, 100*(1-r.ExplainedVariance)),
			fmt.Sprintf("set model.latent well below %d, a quarter of an image's values, or corrupt the input in training", s.Image/largeCode))
	}
	if r.BesidePCA != nil && *r.BesidePCA > 1 && !mean && !collapsed && !dead {
		r.add(LosesToPCA, true,
			fmt.Sprintf("the squared error is %.2f times that of PCA with as many numbers, which needs no training", *r.BesidePCA),
			"train longer, with a higher train.rate or wider layers")
	}
}

// uncollapse is what helps codes whose divergence costs more than they are worth.
func (s Subject) uncollapse() string {
	switch {
	case s.Beta > 1:
		return "lower model.beta, the weight of the divergence, to 1 or below"
	case s.Beta > 0:
		return fmt.Sprintf("let the divergence in over a part of the steps by model.warm_up, 0.3 say, or lower model.beta, its weight, below %g", s.Beta)
	}
	return "take model.kind vae, which can let the divergence in by and by (model.warm_up), or a smaller decoder"
}

// lighten adds a lower weight to a remedy, where there is one.
func (s Subject) lighten(remedy string) string {
	if s.Beta > 0 {
		remedy += ", or lower model.beta, which lets the codes say more"
	}
	return remedy
}

// revive is what helps a codebook most of whose entries stand for nothing.
func (c Codebook) revive() string {
	if c.Revives {
		return "take fewer model.entries, or raise model.revive, the part of its fair share below which training replaces an entry"
	}
	return "set model.revive to 0.03, so that training replaces entries that stand for nothing, or take fewer model.entries"
}

// copies reports whether noise comes back about as well as images, or well
// beyond doubt.
func (r *Report) copies() bool {
	return r.Copying != nil && (*r.Copying < leastCopying && r.noise < badlyCopied || r.noise < wellCopied)
}

func (r *Report) add(failure Failure, notice bool, message, remedy string) {
	r.Findings = append(r.Findings, Finding{failure, notice, message, remedy})
}
