package serving

import (
	"fmt"

	"hourglass/models/latent"
	"hourglass/train"
)

// Score is how well a model knows an image: the lower, the better.
type Score struct {
	// MSE is the squared error of its reconstruction, mean over all values.
	MSE float64 `json:"mse"`
	// KL is the divergence of its code's distribution from the prior, in nats;
	// nil if codes have no distribution.
	KL *float64 `json:"kl,omitempty"`
	// Anomaly says whether MSE is above the threshold; nil if there is none.
	Anomaly *bool `json:"anomaly,omitempty"`
}

// Scores judges n images by what a model made of them.
func Scores(images []float32, n int, i train.Inspection) ([]Score, error) {
	scores := make([]Score, n)
	size, code := len(images)/n, len(i.Codes)/n
	for k := range scores {
		sum := 0.0
		for j := k * size; j < (k+1)*size; j++ {
			d := float64(images[j]) - float64(i.Reconstructions[j])
			sum += d * d
		}
		scores[k].MSE = sum / float64(size)
		if i.LogVariances == nil {
			continue
		}
		nats, err := latent.KL(i.Codes[k*code:(k+1)*code], i.LogVariances[k*code:(k+1)*code], code)
		if err != nil {
			return nil, fmt.Errorf("image %d: %w", k, err)
		}
		kl := 0.0
		for _, of := range nats {
			kl += of
		}
		scores[k].KL = &kl
	}
	return scores, nil
}
