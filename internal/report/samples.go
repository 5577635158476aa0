package report

import (
	"fmt"

	"hourglass/models"
	"hourglass/models/latent"
)

// samplesSeed makes two reports of a run show the same samples.
const samplesSeed = 1

// samples decodes codes of the model's own distribution or, without one, of that
// which fits its codes for the images, (n,H,W,C), and says which it is.
func (s *Study) samples(of Subject, images []float32, all codes) error {
	var drawn []float32
	var err error
	n := all.Len()
	if _, prior := of.Model.(models.Prior); prior {
		s.Drawn = "the prior"
		drawn, err = of.Runner.Draw(of.Samples, samplesSeed)
	} else if q, quantised := of.Model.(models.Quantised); quantised {
		s.Drawn = "which entries of the codebook these images have where, given their neighbours"
		drawn, err = entries(of, q, images, n)
	} else {
		s.Drawn = "the normal distribution that fits these images' codes, for this kind of model has none of its own"
		fitted, err := normal(all)
		if err != nil {
			return nil // codes that are all the same have no spread, and the report says so elsewhere
		}
		drawn = fitted.Sample(samplesSeed, of.Samples)
	}
	if err != nil {
		return fmt.Errorf("drawing samples from %s: %w", s.Drawn, err)
	}
	made, err := of.Runner.Decode(drawn, of.Samples, inTurn(of.Model, of.Samples)...)
	if err != nil {
		return err
	}
	s.Samples = cut(made, of.Images.Shape())
	return nil
}

// entries draws the codes of a quantised model.
func entries(of Subject, q models.Quantised, images []float32, n int) ([]float32, error) {
	indices, err := of.Runner.Indices(images, n, of.labels(n)...)
	if err != nil {
		return nil, err
	}
	prior, err := models.NewIndexPrior(indices, q.Lattice(), q.Entries())
	if err != nil {
		return nil, err
	}
	return q.Lookup(prior.Sample(samplesSeed, of.Samples))
}

// normal is the normal distribution that fits codes; of codes with more
// covariances than there are numbers in them, each number on its own.
func normal(all codes) (latent.Sampler, error) {
	if all.size > all.Len() {
		return latent.FitMixture(all.values, all.size, latent.MixtureOptions{Components: 1, Covariance: latent.Diagonal})
	}
	return latent.FitGaussian(all.values, all.size)
}
