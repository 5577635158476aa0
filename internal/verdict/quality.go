package verdict

import (
	"fmt"
	"math"

	"hourglass/models"
	"hourglass/train"
	"hourglass/train/diagnose"
	"hourglass/train/measure"
)

// Detail is what a closer look at some of the images tells.
type Detail struct {
	Likeness
	Codes     *Codes          `json:"codes,omitempty"` // of a variational model
	Diagnosis diagnose.Report `json:"diagnosis"`
}

// Likeness is how alike images and their reconstructions are, each averaged
// over the images.
type Likeness struct {
	Images int `json:"images"`
	// MeanPSNR is the mean of the images' PSNRs in decibels, each of an image's own
	// error: more than the PSNR of the mean error, in which the worst images weigh
	// most. nil if an image is perfect.
	MeanPSNR   *float64 `json:"mean_psnr,omitempty"`
	SSIM       float64  `json:"ssim"`
	MultiScale float64  `json:"ms_ssim"`
	Scales     int      `json:"ms_ssim_scales"` // of which MultiScale is made
}

// Codes is what the codes of a variational model cost and do, in nats an image.
type Codes struct {
	ELBO           float64   `json:"elbo"` // −(Reconstruction + KL)
	Reconstruction float64   `json:"reconstruction"`
	KL             float64   `json:"kl"`
	KLPerNumber    []float64 `json:"kl_per_number,omitempty"` // of a standard normal prior and codes of one level
	// MMD is the squared discrepancy between drawn codes and the prior, with the
	// inverse multiquadric kernel; about 0 where they are distributed alike.
	MMD float64 `json:"mmd"`
	// LogLikelihood is the importance-weighted bound of Samples draws, if it was
	// asked for.
	LogLikelihood *float64 `json:"log_likelihood,omitempty"`
	Samples       int      `json:"samples,omitempty"`
}

const (
	boundDraws  = 16   // codes an image for the ELBO
	mostForMMD  = 1000 // codes of either kind
	detailSeed  = 1    // of the codes drawn
	evidenceRun = 64   // images at a time
)

// Look examines images, (n,H,W,C), with their n labels through a runner of a
// model. samples is
// the number of draws of the importance-weighted likelihood, 0 for none.
func Look(runner *train.Runner, model models.Model, images []float32, labels []int, samples int) (*Detail, error) {
	d, subject := &Detail{}, train.SubjectOf(model, runner, labels)
	in := model.Input()
	var err error
	if d.Diagnosis, err = diagnose.Examine(subject, images, len(labels)); err != nil {
		return nil, fmt.Errorf("verdict: %w", err)
	}
	if d.Likeness, err = likeness(runner, measure.Size{H: in.H, W: in.W, C: in.C}, images, labels); err != nil {
		return nil, fmt.Errorf("verdict: %w", err)
	}
	if models.HasEvidence(model) {
		if d.Codes, err = codes(runner, subject, images, labels, samples); err != nil {
			return nil, fmt.Errorf("verdict: %w", err)
		}
	}
	return d, nil
}

func likeness(runner *train.Runner, size measure.Size, images []float32, labels []int) (Likeness, error) {
	n := len(labels)
	l := Likeness{Images: n, Scales: measure.Scales(size)}
	made, err := runner.Reconstruct(images, n, runner.Conditions(labels)...)
	if err != nil {
		return l, err
	}
	psnr := 0.0
	values := len(images) / n
	for at := 0; at < len(images); at += values {
		x, y := images[at:at+values], made[at:at+values]
		mse, err := measure.MSE(x, y)
		if err != nil {
			return l, err
		}
		ssim, err := measure.SSIM(x, y, size)
		if err != nil {
			return l, err
		}
		multi, err := measure.MultiScaleSSIM(x, y, size)
		if err != nil {
			return l, err
		}
		psnr += measure.PSNR(mse) / float64(n)
		l.SSIM += ssim / float64(n)
		l.MultiScale += multi / float64(n)
	}
	if !math.IsInf(psnr, 0) {
		l.MeanPSNR = &psnr
	}
	return l, nil
}

// codes measures what codes cost, over chunks of the images, since every draw
// decodes all of a chunk.
func codes(runner *train.Runner, subject diagnose.Subject, images []float32, labels []int, samples int) (*Codes, error) {
	n := len(labels)
	c := &Codes{Samples: samples}
	weighted := 0.0
	for from := 0; from < n; from += evidenceRun {
		count := min(evidenceRun, n-from)
		e, err := runner.Evidence(images[from*subject.Image:(from+count)*subject.Image], count, max(boundDraws, samples), from, detailSeed, runner.Conditions(labels[from:from+count])...)
		if err != nil {
			return nil, err
		}
		for i, r := range e.Reconstruction {
			c.Reconstruction += r / float64(n)
			weighted += e.Weighted[i] / float64(n)
		}
		if len(e.KL) == count*subject.Code && c.KLPerNumber == nil {
			c.KLPerNumber = make([]float64, subject.Code)
		}
		for i, kl := range e.KL {
			c.KL += kl / float64(n)
			if c.KLPerNumber != nil {
				c.KLPerNumber[i%subject.Code] += kl / float64(n)
			}
		}
	}
	c.ELBO = -c.Reconstruction - c.KL
	if samples > 0 {
		c.LogLikelihood = &weighted
	}
	return c, c.compare(runner, subject, images, labels)
}

// compare sets drawn codes beside as many of the prior.
func (c *Codes) compare(runner *train.Runner, subject diagnose.Subject, images []float32, labels []int) error {
	n := min(len(labels), mostForMMD)
	codes, noise, err := runner.DrawPosterior(images[:n*subject.Image], n, 0, detailSeed, runner.Conditions(labels[:n])...)
	if err != nil {
		return err
	}
	c.MMD, err = measure.MMD(codes, noise, subject.Code, measure.IMQ)
	return err
}
