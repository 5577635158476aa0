package anomaly

import (
	"context"
	"fmt"
	"math"
	"strings"

	"hourglass/data"
	"hourglass/train"
	"hourglass/train/measure"
)

// Method says what a score is.
type Method string

const (
	// Reconstruction is the squared error of the reconstruction, a value of a
	// pixel.
	Reconstruction Method = "reconstruction"
	// ELBO is the negative evidence lower bound of a variational model, in nats.
	ELBO Method = "elbo"
	// Mahalanobis is the squared distance of the code from the training codes,
	// in units of their spread in its direction.
	Mahalanobis Method = "mahalanobis"
	// Both is the larger of Reconstruction and Mahalanobis, each divided by its
	// mean over the training images: strange in one way is strange enough.
	Both Method = "both"
)

// Methods are the names of all methods.
func Methods() []string {
	return []string{string(Reconstruction), string(ELBO), string(Mahalanobis), string(Both)}
}

const (
	chunk      = 256 // images at a time
	draws      = 8   // codes an image for the evidence lower bound
	fitted     = 20_000
	drawnCodes = 1 // seed of the codes
)

// scorer gives each image its score; the first is number from of its set. There
// are as many labels as images.
type scorer func(images []float32, labels []int, from int) ([]float64, error)

// Detector scores images: the higher, the stranger.
type Detector struct {
	score scorer
}

// Learn makes a detector of a trained model and of its training images, of
// which it reads at most 20,000, spread evenly.
func Learn(ctx context.Context, runner *train.Runner, training data.Dataset, by Method) (*Detector, error) {
	switch by {
	case Reconstruction:
		return &Detector{errorsOf(reconstructing(runner))}, nil
	case ELBO:
		return &Detector{bounds(runner)}, nil
	case Mahalanobis, Both:
		return learnCodes(ctx, runner, training, by)
	}
	return nil, fmt.Errorf("anomaly: there is no method %q; choose among %s", by, strings.Join(Methods(), ", "))
}

func reconstructing(runner *train.Runner) func(images []float32, labels []int) ([]float32, error) {
	return func(images []float32, labels []int) ([]float32, error) {
		return runner.Reconstruct(images, len(labels), runner.Conditions(labels)...)
	}
}

// errorsOf scores by the squared error of what is made of images.
func errorsOf(reconstruct func(images []float32, labels []int) ([]float32, error)) scorer {
	return func(images []float32, labels []int, _ int) ([]float64, error) {
		made, err := reconstruct(images, labels)
		if err != nil {
			return nil, err
		}
		scores, size := make([]float64, len(labels)), len(images)/len(labels)
		for i := range scores {
			if scores[i], err = measure.MSE(images[i*size:(i+1)*size], made[i*size:(i+1)*size]); err != nil {
				return nil, err
			}
		}
		return scores, nil
	}
}

// bounds scores by the negative evidence lower bound.
func bounds(runner *train.Runner) scorer {
	return func(images []float32, labels []int, from int) ([]float64, error) {
		n := len(labels)
		e, err := runner.Evidence(images, n, draws, from, drawnCodes, runner.Conditions(labels)...)
		if err != nil {
			return nil, err
		}
		scores := e.Reconstruction
		for i, kl := range e.KL {
			scores[i/(len(e.KL)/n)] += kl
		}
		return scores, nil
	}
}

// learnCodes fits a normal distribution to the codes of training images.
func learnCodes(ctx context.Context, runner *train.Runner, training data.Dataset, by Method) (*Detector, error) {
	training, err := data.AtMost(training, fitted)
	if err != nil {
		return nil, err
	}
	var codes []float32
	err = train.EachBatch(ctx, training, chunk, func(images []float32, labels []int) error {
		part, err := runner.Encode(images, len(labels), runner.Conditions(labels)...)
		codes = append(codes, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	size := len(codes) / training.Len()
	normal, err := measure.FitNormal(codes, size)
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	far := distances(runner, normal, size)
	if by == Mahalanobis {
		return &Detector{far}, nil
	}
	return learnBoth(ctx, training, errorsOf(reconstructing(runner)), far)
}

// distances scores by how far codes of so many numbers are from the others.
func distances(runner *train.Runner, normal *measure.Normal, size int) scorer {
	return func(images []float32, labels []int, _ int) ([]float64, error) {
		codes, err := runner.Encode(images, len(labels), runner.Conditions(labels)...)
		if err != nil {
			return nil, err
		}
		scores := make([]float64, len(labels))
		for i := range scores {
			if scores[i], err = normal.Distance(codes[i*size : (i+1)*size]); err != nil {
				return nil, err
			}
		}
		return scores, nil
	}
}

// learnBoth takes the larger of scores, each in units of its mean.
func learnBoth(ctx context.Context, training data.Dataset, parts ...scorer) (*Detector, error) {
	scales := make([]float64, len(parts))
	for k, part := range parts {
		scores, err := (&Detector{part}).Scores(ctx, training)
		if err != nil {
			return nil, err
		}
		mean := 0.0
		for _, score := range scores {
			mean += score / float64(len(scores))
		}
		scales[k] = 1 / max(mean, math.SmallestNonzeroFloat32)
	}
	return &Detector{func(images []float32, labels []int, from int) ([]float64, error) {
		largest := make([]float64, len(labels))
		for k, part := range parts {
			scores, err := part(images, labels, from)
			if err != nil {
				return nil, err
			}
			for i, score := range scores {
				largest[i] = max(largest[i], scales[k]*score)
			}
		}
		return largest, nil
	}}, nil
}

// Scores returns the score of each image of a set.
func (d *Detector) Scores(ctx context.Context, ds data.Dataset) ([]float64, error) {
	scores := make([]float64, 0, ds.Len())
	err := train.EachBatch(ctx, ds, chunk, func(images []float32, labels []int) error {
		part, err := d.score(images, labels, len(scores))
		scores = append(scores, part...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("anomaly: %w", err)
	}
	return scores, nil
}

// Threshold is the score that the share quantile of the images of a set, all
// normal, stays at or below: 0.99 flags about one normal image in a hundred.
func (d *Detector) Threshold(ctx context.Context, normal data.Dataset, quantile float64) (float64, error) {
	scores, err := d.Scores(ctx, normal)
	if err != nil {
		return 0, err
	}
	threshold, err := measure.Quantile(scores, quantile)
	if err != nil {
		return 0, fmt.Errorf("anomaly: %w", err)
	}
	return threshold, nil
}

// Judgement is how well scores tell anomalies from normal images.
type Judgement struct {
	ROCAUC float64 `json:"roc_auc"` // chance that an anomaly scores higher than a normal image
	PRAUC  float64 `json:"pr_auc"`  // average precision; by chance the share of anomalies
}

// Judge compares scores with the truth.
func Judge(scores []float64, anomalous []bool) (j Judgement, err error) {
	if j.ROCAUC, err = measure.ROCAUC(scores, anomalous); err != nil {
		return j, fmt.Errorf("anomaly: %w", err)
	}
	if j.PRAUC, err = measure.AveragePrecision(scores, anomalous); err != nil {
		return j, fmt.Errorf("anomaly: %w", err)
	}
	return j, nil
}
