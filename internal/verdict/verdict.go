package verdict

import (
	"fmt"
	"math"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/train"
)

// NatsUnit is the unit of the losses for which a floor exists.
const NatsUnit = "nats/img"

// Row is the error of one way to reconstruct the test images. A number that
// does not exist is nil.
type Row struct {
	Name string   `json:"name"`
	MSE  *float64 `json:"mse,omitempty"`  // squared error of one value of a pixel
	PSNR *float64 `json:"psnr,omitempty"` // decibels, of the mean error MSE
	Loss *float64 `json:"loss,omitempty"` // in Unit
}

// Verdict is the model beside its baselines, the model first.
type Verdict struct {
	Unit       string `json:"unit"`       // of the losses
	Images     int    `json:"images"`     // that were reconstructed
	Components int    `json:"components"` // of PCA
	Rows       []Row  `json:"rows"`
	BeatsPCA   bool   `json:"beats_pca"`
	Sentence   string `json:"verdict"`
	// Terms of the model's loss, if it is a sum.
	Terms []train.Term `json:"terms,omitempty"`

	pca *baseline.PCA
}

// Loss is what a model's loss is.
type Loss struct {
	Unit string
	// OfMSE is the loss of a reconstruction with a squared error of mse, without
	// what its code costs; ok is false where the one does not decide the other.
	OfMSE func(mse float64) (loss float64, ok bool)
}

// of is the loss of a squared error, or nil.
func (l Loss) of(mse float64) *float64 {
	loss, ok := l.OfMSE(mse)
	if !ok {
		return nil
	}
	return &loss
}

// rows is a set as the baselines read it.
type rows struct{ data.Dataset }

func (r rows) Size() int                      { return r.Shape().Size() }
func (r rows) Row(i int, dst []float32) error { return r.Image(i, dst) }

// fitted bounds the values that PCA is fitted to: all of MNIST, and of larger
// sets as many images, spread evenly.
const fitted = 60_000 * 28 * 28

// sample returns a set, or as many of its images as baselines are fitted to.
func sample(ds data.Dataset) (data.Dataset, error) {
	most := max(1, fitted/ds.Shape().Size())
	if ds.Len() <= most {
		return ds, nil
	}
	spread := make([]int, most)
	for i := range spread {
		spread[i] = int(int64(i) * int64(ds.Len()) / int64(most))
	}
	return data.Subset(ds, spread)
}

// Of judges a model by its metrics on the test images, beside baselines fitted
// to the training images. loss is the model's, code the size of its code.
func Of(metrics train.Metrics, loss Loss, code int, training, test data.Dataset) (*Verdict, error) {
	if metrics.N != test.Len() {
		return nil, fmt.Errorf("verdict: the metrics are of %d images and the set has %d; judge the set that was measured", metrics.N, test.Len())
	}
	training, err := sample(training)
	if err != nil {
		return nil, fmt.Errorf("verdict: %w", err)
	}
	v := &Verdict{Unit: loss.Unit, Terms: metrics.Terms, Images: test.Len(), Components: min(code, training.Len(), training.Shape().Size())}
	v.add("this model", metrics.MSE, &metrics.Loss)
	if v.pca, err = baseline.Fit(rows{training}, v.Components); err != nil {
		return nil, fmt.Errorf("verdict: %w", err)
	}
	pca, err := v.pca.MSE(rows{test})
	if err != nil {
		return nil, fmt.Errorf("verdict: %w", err)
	}
	linear := loss.of(pca)
	if v.Unit == NatsUnit { // nats count what a code costs, and PCA's has no distribution
		linear = nil
	}
	v.add(baseline.Named(v.Components), pca, linear)
	if err := v.addMean(loss, training, test); err != nil {
		return nil, fmt.Errorf("verdict: %w", err)
	}
	v.judge(metrics.MSE, pca)
	return v, nil
}

// addMean adds the mean image and, where the loss is a likelihood of pixels,
// what even a perfect reconstruction costs: of Bernoulli pixels the entropy.
func (v *Verdict) addMean(loss Loss, training, test data.Dataset) error {
	mean, err := baseline.MeanImage(rows{training})
	if err != nil {
		return err
	}
	mse, err := mean.MSE(rows{test})
	if err != nil {
		return err
	}
	if same := loss.of(mse); same != nil || v.Unit != NatsUnit {
		v.add("mean image", mse, same)
		if v.Unit == NatsUnit {
			v.add("perfect reconstruction", 0, loss.of(0))
		}
		return nil
	}
	bce, err := mean.BCE(rows{test})
	if err != nil {
		return err
	}
	v.add("mean image", mse, &bce)
	floor, err := baseline.Floor(rows{test})
	if err != nil {
		return err
	}
	v.add("perfect reconstruction", 0, &floor)
	return nil
}

func (v *Verdict) add(name string, mse float64, loss *float64) {
	row := Row{Name: name, MSE: &mse, Loss: loss}
	if psnr := (train.Metrics{MSE: mse}).PSNR(); !math.IsInf(psnr, 0) {
		row.PSNR = &psnr
	}
	v.Rows = append(v.Rows, row)
}

// exact is what float32 leaves of an error of nothing, in pixels from 0 to 1.
const exact = 1e-14

// equal is the share by which two errors may differ and still count as the
// same.
const equal = 0.01

// judge compares the model with PCA, the best linear code of its size.
func (v *Verdict) judge(model, pca float64) {
	v.BeatsPCA = model < pca
	switch {
	case pca < exact:
		v.Sentence = fmt.Sprintf("PCA with a code of this size, %d, reconstructs these images exactly; a smaller code would say more about the model.", v.Components)
	case model < (1-equal)*pca:
		v.Sentence = fmt.Sprintf("The model beats PCA: its squared error is %.2f times that of PCA with as many components.", model/pca)
	case model <= (1+equal)*pca:
		v.Sentence = "The model is as good as PCA with as many components, and no better: a linear code does the same."
	default:
		v.Sentence = fmt.Sprintf("The model loses to PCA: its squared error is %.2f times that of PCA with as many components; train longer if the validation loss still falls, else give it more images, or use PCA.", model/pca)
	}
}

// Linear returns what PCA makes of images, n after n.
func (v *Verdict) Linear(images []float32, n int) ([]float32, error) {
	size := len(images) / max(n, 1)
	code, out := make([]float32, v.Components), make([]float32, len(images))
	for i := range n {
		image := images[i*size : (i+1)*size]
		if err := v.pca.Encode(code, image); err != nil {
			return nil, fmt.Errorf("verdict: %w", err)
		}
		if err := v.pca.Decode(out[i*size:(i+1)*size], code); err != nil {
			return nil, fmt.Errorf("verdict: %w", err)
		}
	}
	return out, nil
}
