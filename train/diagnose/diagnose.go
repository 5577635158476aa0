package diagnose

import (
	"fmt"
	"math"

	"hourglass/kernels"
)

// MostImages is as many images as an examination needs.
const MostImages = 512

// Model runs a model that is not being trained.
type Model interface {
	Encode(images []float32, n int) ([]float32, error)
	Decode(codes []float32, n int) ([]float32, error)
}

// Subject is a model to be examined.
type Subject struct {
	Model       Model
	Code, Image int  // numbers in a code and values in an image
	Variational bool // codes have a distribution and are pulled towards N(0,I)
	// Beta weighs that pull; 0 where no setting does.
	Beta float64
	// Usage counts how images use the codebook of a model that has one; nil for
	// others.
	Usage func(images []float32, n int) (Codebook, error)
	// PCA is the squared error a pixel value that as many principal components
	// leave on the images of the examination; 0 if it is not known.
	PCA float64
}

// Thresholds of the findings.
const (
	leastExplained = 0.05 // of the variance of the images
	leastDiversity = 0.05 // variance of outputs by that of images
	leastUse       = 1.1  // error with another image's code by that with its own
	activeVariance = 0.01 // of the mean of a number of the code (Burda et al. 2016)
	leastCopying   = 3    // unexplained share of noise by that of images
	wellCopied     = 0.1  // unexplained share of noise that is a copy in any case
	badlyCopied    = 0.5  // unexplained share of noise that is none in any case
	largeCode      = 4    // a code of an image's size divided by this may copy
	fewActive      = 4    // a code's size divided by this is few
)

// Codebook is how images use the entries of a codebook.
type Codebook struct {
	Entries    int     `json:"entries"`
	Used       int     `json:"used"`       // that stand for one vector at least
	Vectors    int     `json:"vectors"`    // of the images
	Perplexity float64 `json:"perplexity"` // of the use
	Revives    bool    `json:"revives"`    // training replaces entries that stand for nothing
}

// dead reports whether less than half as many entries are used as would be by as
// many vectors that are evenly spread: of K entries by M vectors K·(1−(1−1/K)^M).
func (c Codebook) dead() bool {
	k := float64(c.Entries)
	return 2*float64(c.Used) < k*(1-math.Pow(1-1/k, float64(c.Vectors)))
}

// Report is what an examination found.
type Report struct {
	Images int `json:"images"` // that were examined
	// ExplainedVariance is 1 − MSE/variance: 0 for the mean image, 1 for perfect
	// reconstructions.
	ExplainedVariance float64 `json:"explained_variance"`
	// Diversity is the variance of the reconstructions by that of the images.
	Diversity float64 `json:"diversity"`
	// CodeUse is the mean error against an image of what is decoded from
	// another's code by that of what is decoded from its own: 1 if the decoder
	// does not look at the code.
	CodeUse float64 `json:"code_use"`
	// Active is how many numbers of the code change with the image: those with
	// a variance above 0.01, or without a prior, above a hundredth of the mean
	// variance.
	Active int `json:"active"`
	Code   int `json:"code"` // numbers in it
	// Codebook is nil for a model without one.
	Codebook *Codebook `json:"codebook,omitempty"`
	// Copying is the part of the variance of noise that remains unexplained, by
	// that of images: about 1 for a model that copies whatever it sees. It is
	// nil where the code is too small to copy.
	Copying *float64 `json:"copying,omitempty"`
	// BesidePCA is the squared error by that of PCA, if that is known.
	BesidePCA *float64  `json:"beside_pca,omitempty"`
	Findings  []Finding `json:"findings,omitempty"`

	noise float64 // unexplained share of noise
}

// Examine runs n images, spread over what was held back from training, through
// a model. At least two are needed.
func Examine(s Subject, images []float32, n int) (Report, error) {
	if n < 2 || len(images) != n*s.Image {
		return Report{}, fmt.Errorf("diagnose: %d images with %d values, want at least 2 of %d each", n, len(images), s.Image)
	}
	codes, made, err := s.run(images, n)
	if err != nil {
		return Report{}, err
	}
	mse, variance, madeVariance, apart := compare(images, made, n)
	r := Report{Images: n, Code: s.Code, Active: s.active(codes, n)}
	if variance > 0 {
		r.ExplainedVariance, r.Diversity = 1-mse/variance, madeVariance/variance
	}
	// Over all pairs of images the mean of |x̂ᵢ − xⱼ|² is the sum of both
	// variances and of the squared distance of the means.
	r.CodeUse = (variance + madeVariance + apart) / max(mse, math.SmallestNonzeroFloat32)
	if s.PCA > 0 {
		ratio := mse / s.PCA
		r.BesidePCA = &ratio
	}
	if s.Usage != nil {
		used, err := s.Usage(images, n)
		if err != nil {
			return Report{}, fmt.Errorf("diagnose: %w", err)
		}
		r.Codebook = &used
	}
	if s.mayCopy() && variance > 0 {
		if r.noise, err = s.unexplainedNoise(images, n); err != nil {
			return Report{}, err
		}
		copying := r.noise / max(mse/variance, math.SmallestNonzeroFloat32)
		r.Copying = &copying
	}
	r.find(s)
	return r, nil
}

// mayCopy reports whether the code could hold a good part of any image. Entries
// of a codebook cannot, however long they are.
func (s Subject) mayCopy() bool { return s.Code*largeCode >= s.Image && s.Usage == nil }

// run returns codes and reconstructions.
func (s Subject) run(images []float32, n int) (codes, made []float32, err error) {
	if codes, err = s.Model.Encode(images, n); err != nil {
		return nil, nil, fmt.Errorf("diagnose: %w", err)
	}
	if made, err = s.Model.Decode(codes, n); err != nil {
		return nil, nil, fmt.Errorf("diagnose: %w", err)
	}
	return codes, made, nil
}

// compare returns, each a value of a pixel, the squared error, the variances of
// images and of reconstructions, and the squared distance of their means.
func compare(images, made []float32, n int) (mse, variance, madeVariance, apart float64) {
	size := len(images) / n
	for j := range size {
		var sum, squares, madeSum, madeSquares float64
		for i := j; i < len(images); i += size {
			x, y := float64(images[i]), float64(made[i])
			sum, squares = sum+x, squares+x*x
			madeSum, madeSquares = madeSum+y, madeSquares+y*y
			mse += (x - y) * (x - y)
		}
		mean, madeMean := sum/float64(n), madeSum/float64(n)
		variance += max(0, squares/float64(n)-mean*mean)
		madeVariance += max(0, madeSquares/float64(n)-madeMean*madeMean)
		apart += (mean - madeMean) * (mean - madeMean)
	}
	values := float64(size)
	return mse / values / float64(n), variance / values, madeVariance / values, apart / values
}

// active counts the numbers of the code that change from image to image.
func (s Subject) active(codes []float32, n int) int {
	variances, mean := make([]float64, s.Code), 0.0
	for j := range variances {
		var sum, squares float64
		for i := j; i < len(codes); i += s.Code {
			v := float64(codes[i])
			sum, squares = sum+v, squares+v*v
		}
		variances[j] = squares/float64(n) - sum*sum/float64(n)/float64(n)
		mean += variances[j] / float64(s.Code)
	}
	least, count := activeVariance, 0
	if !s.Variational {
		least *= mean
	}
	for _, v := range variances {
		if v > least {
			count++
		}
	}
	return count
}

// unexplainedNoise is the share of the variance of noise that the model does
// not reconstruct: of white noise with the mean and variance of the pixels, or
// of images whose pixels are shuffled, whichever is more.
func (s Subject) unexplainedNoise(images []float32, n int) (float64, error) {
	half := max(2, n/2)
	most := 0.0
	for _, noise := range [][]float32{whiteNoise(images, half*s.Image), shuffledPixels(images, half, s.Image)} {
		_, made, err := s.run(noise, half)
		if err != nil {
			return 0, err
		}
		if mse, variance, _, _ := compare(noise, made, half); variance > 0 {
			most = max(most, mse/variance)
		}
	}
	return most, nil
}

// Streams of random numbers, of the seed 0.
const (
	noiseStream = 0xD1A60000 + iota
	shuffleStream
)

// whiteNoise draws normal values with the mean and variance of those of images,
// cut off at 0 and 1.
func whiteNoise(images []float32, values int) []float32 {
	var sum, squares float64
	for _, v := range images {
		sum, squares = sum+float64(v), squares+float64(v)*float64(v)
	}
	mean := sum / float64(len(images))
	deviation := math.Sqrt(max(0, squares/float64(len(images))-mean*mean))
	noise := make([]float32, 0, values+3)
	for block := uint32(0); len(noise) < values; block++ {
		for _, v := range kernels.Normals(kernels.Clock{}.Draw(noiseStream, block)) {
			noise = append(noise, float32(min(max(mean+deviation*float64(v), 0), 1)))
		}
	}
	return noise[:values]
}

// shuffledPixels returns the first n images, the values of each in a random
// order of its own.
func shuffledPixels(images []float32, n, size int) []float32 {
	shuffled := make([]float32, n*size)
	for i := range shuffled {
		j := i % size
		k := int(uint64(kernels.Clock{}.Draw(shuffleStream, uint32(i))[0]) * uint64(j+1) >> 32)
		row := shuffled[i-j : i-j+size]
		row[j] = row[k]
		row[k] = images[i]
	}
	return shuffled
}
