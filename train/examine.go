package train

import (
	"fmt"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/models"
	"hourglass/train/diagnose"
)

// warmUp is how many steps a model may take before it is called a failure.
const warmUp = 50

// examination looks for known failures at the end of epochs. It costs less than
// a hundredth of an epoch: of as many images as are trained in that part of it,
// it takes one forward pass, and a second one of noise where the code is large.
type examination struct {
	subject diagnose.Subject
	held    data.Dataset
	images  []float32 // of held, once they are needed
	n       int
	ranked  bool                      // subject.PCA is known, or not worth its while
	found   map[diagnose.Failure]bool // in the last examination
}

// newExamination takes its images from a set held back: a hundredth as many as
// are trained in an epoch, within 64 and 512.
func newExamination(r *Runner, held data.Dataset, training int) *examination {
	return &examination{subject: SubjectOf(r.model, r, nil), held: held, n: min(held.Len(), max(64, min(training/100, diagnose.MostImages)))}
}

// conditioned runs a model with the labels of the images that are examined, if it is
// conditional.
type conditioned struct {
	*Runner
	labels []int
}

func (c conditioned) Encode(images []float32, n int) ([]float32, error) {
	return c.Runner.Encode(images, n, c.labels[:min(n, len(c.labels))]...)
}

func (c conditioned) Decode(codes []float32, n int) ([]float32, error) {
	return c.Runner.Decode(codes, n, c.labels[:min(n, len(c.labels))]...)
}

// SubjectOf is a model as [diagnose.Examine] takes it, to be examined with
// images of the given labels.
func SubjectOf(m models.Model, runner *Runner, labels []int) diagnose.Subject {
	s := diagnose.Subject{Model: conditioned{runner, runner.Conditions(labels)}, Code: m.CodeSize(), Image: m.Input().Size()}
	if v, ok := m.(interface{ Beta() float64 }); ok {
		s.Variational = true
		if len(m.Terms()) > 0 { // a bound that is no sum has nothing to weigh
			s.Beta = v.Beta()
		}
	}
	if q, ok := m.(models.Quantised); ok {
		s.Usage = func(images []float32, n int) (diagnose.Codebook, error) { return runner.codebook(q, images, n) }
	}
	return s
}

// codebook counts how n images use the entries of a codebook.
func (r *Runner) codebook(q models.Quantised, images []float32, n int) (diagnose.Codebook, error) {
	indices, err := r.Indices(images, n)
	if err != nil {
		return diagnose.Codebook{}, err
	}
	usage := make(models.Usage, q.Entries())
	if err := usage.Add(indices); err != nil {
		return diagnose.Codebook{}, err
	}
	return diagnose.Codebook{Entries: len(usage), Used: len(usage) - usage.Dead(), Vectors: len(indices), Perplexity: usage.Perplexity(), Revives: q.Revives()}, nil
}

// Spread reads n images of a set, (n,H,W,C), spread over it evenly, with their
// labels.
func Spread(ds data.Dataset, n int) (images []float32, labels []int, err error) {
	size := ds.Shape().Size()
	images, labels = make([]float32, n*size), make([]int, n)
	for i := range n {
		place := int(int64(i) * int64(ds.Len()) / int64(n))
		if err := ds.Image(place, images[i*size:(i+1)*size]); err != nil {
			return nil, nil, fmt.Errorf("reading images: %w", err)
		}
		labels[i] = ds.Label(place)
	}
	return images, labels, nil
}

// examine looks at the model at the end of an epoch. What was found before is
// no news.
func (f *fit) examine(epoch int) error {
	if f.examination == nil || f.examination.n < 2 || f.state.Step < warmUp {
		return nil
	}
	e := f.examination
	if e.images == nil {
		images, labels, err := Spread(e.held, e.n)
		if err != nil {
			return f.abandoned(err)
		}
		e.images, e.subject = images, SubjectOf(f.model, f.runner, labels)
	}
	if !e.ranked && 5*f.state.Step >= f.total { // a model may be worse than PCA for a fifth of its training
		e.ranked = true
		if err := f.rank(e); err != nil {
			return f.abandoned(err)
		}
	}
	report, err := diagnose.Examine(e.subject, e.images, e.n)
	if err != nil {
		return f.abandoned(err)
	}
	f.emit(&Diagnosed{Epoch: epoch, Step: f.state.Step, Report: report})
	found := make(map[diagnose.Failure]bool)
	for _, finding := range report.Findings {
		if stop := f.options.StopOn; stop != nil && stop(finding.Failure) {
			return f.abandoned(&FailedError{finding})
		}
		found[finding.Failure] = true
		if !e.found[finding.Failure] {
			f.emit(&Warned{finding.String()})
		}
	}
	e.found = found
	return nil
}

const (
	// rankedValues bounds the values that PCA is fitted to: a second's work.
	rankedValues = 2 << 20
	// rankedPerNumber is how many images for each of its numbers make PCA worth
	// comparing with.
	rankedPerNumber = 4
)

// worthRanking says whether fitting PCA to n images costs less than a hundredth
// of the run, by counts of multiplications: nD² + 10·D³ for the covariance and
// its eigenvectors, where each image trained takes three times its weights at
// least.
func (f *fit) worthRanking(n int) bool {
	d := float64(f.model.Input().Size())
	pca := float64(n)*d*d + 10*d*d*d
	run := 3 * float64(f.model.Store().Count()) * float64(f.options.Batch) * float64(f.total)
	return 100*pca <= run
}

// rank measures what PCA leaves on the images, fitted to some of the training
// images; nothing, if these would be too few or the run is too short.
func (f *fit) rank(e *examination) error {
	n, k := min(f.train.Len(), rankedValues/e.subject.Image), e.subject.Code
	if q, ok := f.model.(models.Quantised); ok {
		k = q.Positions() // an index counts as a number
	}
	if k >= e.subject.Image || n < rankedPerNumber*k || !f.worthRanking(n) {
		return nil
	}
	images, _, err := Spread(f.train, n)
	if err != nil {
		return err
	}
	pca, err := baseline.Fit(imageRows{images, e.subject.Image}, k)
	if err != nil {
		return err
	}
	e.subject.PCA, err = pca.MSE(imageRows{e.images, e.subject.Image})
	return err
}

// imageRows are images as the baselines read them.
type imageRows struct {
	values []float32
	size   int
}

func (r imageRows) Len() int  { return len(r.values) / r.size }
func (r imageRows) Size() int { return r.size }
func (r imageRows) Row(i int, dst []float32) error {
	copy(dst, r.values[i*r.size:(i+1)*r.size])
	return nil
}
