package explorer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/internal/serving"
	"hourglass/models"
	"hourglass/models/latent"
)

// mostDirections is how many principal directions are found, at most.
const mostDirections = 32

// Gallery is some images that a model was not trained on, with its codes for
// them and what those look like as a cloud.
type Gallery struct {
	n, size    int
	images     [][]float32
	codes      [][]float32
	scores     []serving.Score
	labels     []int
	names      []string
	classes    []string
	dimensions []dimension
	mean       []float64
	pca        *baseline.PCA
	places     [][2]float64 // along the first two principal directions
	sorted     []float64    // squared errors, ascending
}

// dimension is one number of a code, over all images.
type dimension struct {
	Index     int      `json:"index"`
	Mean      float64  `json:"mean"`
	Deviation float64  `json:"deviation"`
	KL        *float64 `json:"kl,omitempty"` // from the prior, in nats an image
}

// NewGallery takes at most so many images of a set, from all over it.
func NewGallery(ctx context.Context, engine *serving.Engine, ds data.Dataset, most int) (*Gallery, error) {
	g := &Gallery{n: min(most, ds.Len()), size: ds.Shape().Size(), classes: data.Classes(ds)}
	if g.n < 3 {
		return nil, fmt.Errorf("there are %d images to explore with; want at least 3", g.n)
	}
	const block = 64
	chosen := data.Spread(ds.Len(), g.n)
	var logVariances []float32
	for first := 0; first < g.n; first += block {
		count := min(block, g.n-first)
		images, labels := make([]float32, count*g.size), make([]int, count)
		for k := range count {
			i := chosen[first+k]
			if err := ds.Image(i, images[k*g.size:(k+1)*g.size]); err != nil {
				return nil, fmt.Errorf("reading image %d: %w", i, err)
			}
			labels[k] = ds.Label(i)
			g.names = append(g.names, data.Name(ds, i))
		}
		g.labels = append(g.labels, labels...)
		if engine.Classes() == 0 {
			labels = nil
		}
		made, err := engine.Inspect(ctx, images, count, labels...)
		if err != nil {
			return nil, fmt.Errorf("encoding the images to explore with: %w", err)
		}
		g.images = append(g.images, rows(images, count)...)
		g.codes = append(g.codes, rows(made.Codes, count)...)
		scores, err := serving.Scores(images, count, made)
		if err != nil {
			return nil, err
		}
		g.scores, logVariances = append(g.scores, scores...), append(logVariances, made.LogVariances...)
	}
	for _, s := range g.scores {
		g.sorted = append(g.sorted, s.MSE)
	}
	slices.Sort(g.sorted)
	if err := g.describe(logVariances); err != nil {
		return nil, err
	}
	return g, g.analyse()
}

// rows cuts values into n rows.
func rows(values []float32, n int) [][]float32 {
	size := len(values) / n
	all := make([][]float32, n)
	for i := range all {
		all[i] = values[i*size : (i+1)*size : (i+1)*size]
	}
	return all
}

// describe finds the statistics of each number of the codes and orders them: by
// divergence where codes have a distribution, else by deviation.
func (g *Gallery) describe(logVariances []float32) error {
	codes, size := slices.Concat(g.codes...), len(g.codes[0])
	statistics, err := latent.Describe(codes, size)
	if err != nil {
		return fmt.Errorf("describing the codes: %w", err)
	}
	g.mean = statistics.Mean
	worth := statistics.Deviation
	if logVariances != nil {
		if worth, err = latent.KL(codes, logVariances, size); err != nil {
			return fmt.Errorf("describing the codes: %w", err)
		}
	}
	for _, i := range latent.Descending(worth) {
		d := dimension{Index: i, Mean: statistics.Mean[i], Deviation: statistics.Deviation[i]}
		if logVariances != nil {
			d.KL = &worth[i]
		}
		g.dimensions = append(g.dimensions, d)
	}
	return nil
}

// analyse finds the principal directions of the codes.
func (g *Gallery) analyse() (err error) {
	if g.pca, err = baseline.Fit(cloud(g.codes), min(mostDirections, len(g.mean), g.n)); err != nil {
		return fmt.Errorf("finding the principal directions of the codes: %w", err)
	}
	at := make([]float32, g.pca.K())
	for _, code := range g.codes {
		if err := g.pca.Encode(at, code); err != nil {
			return err
		}
		place := [2]float64{float64(at[0])}
		if len(at) > 1 {
			place[1] = float64(at[1])
		}
		g.places = append(g.places, place)
	}
	return nil
}

// cloud is codes as rows of a principal component analysis.
type cloud [][]float32

func (c cloud) Len() int                       { return len(c) }
func (c cloud) Size() int                      { return len(c[0]) }
func (c cloud) Row(i int, dst []float32) error { copy(dst, c[i]); return nil }

// nearest are the images whose codes are closest to one, the closest first.
func (g *Gallery) nearest(code []float32, count int) []int {
	type near struct {
		index    int
		distance float64
	}
	all := make([]near, g.n)
	for i, other := range g.codes {
		sum := 0.0
		for k, v := range other {
			sum += (float64(v) - float64(code[k])) * (float64(v) - float64(code[k]))
		}
		all[i] = near{i, sum}
	}
	slices.SortStableFunc(all, func(a, b near) int { return cmp.Compare(a.distance, b.distance) })
	var indices []int
	for _, n := range all[:min(count, g.n)] {
		indices = append(indices, n.index)
	}
	return indices
}

// below is the share of the images whose error is less.
func (g *Gallery) below(mse float64) float64 {
	at, _ := slices.BinarySearch(g.sorted, mse)
	return float64(at) / float64(g.n)
}

// sampler is the normal distribution that fits the codes; of large codes, whose
// covariances would be more numbers than there are, each number on its own.
func (g *Gallery) sampler() (latent.Sampler, error) {
	const largest = 512
	codes, size := slices.Concat(g.codes...), len(g.mean)
	if size > largest {
		return latent.FitMixture(codes, size, latent.MixtureOptions{Components: 1, Covariance: latent.Diagonal})
	}
	return latent.FitGaussian(codes, size)
}

// entryPrior draws codes entry by entry, as the gallery's images have them beside
// each other: a normal distribution of their numbers would fall between entries.
type entryPrior struct {
	*models.IndexPrior
	model models.Quantised
}

// mostEntries bounds those that are counted, of all images together.
const mostEntries = 1 << 20

func (g *Gallery) entryPrior(engine *serving.Engine, q models.Quantised) (*entryPrior, error) {
	var counted []float32
	for i := range min(g.n, max(1, mostEntries/q.Positions())) {
		one, err := engine.Indices(g.images[i])
		if err != nil {
			return nil, err
		}
		counted = append(counted, one...)
	}
	prior, err := models.NewIndexPrior(counted, q.Lattice(), q.Entries())
	return &entryPrior{prior, q}, err
}

// sample draws n codes.
func (p *entryPrior) sample(seed uint64, n int) ([]float32, error) {
	return p.model.Lookup(p.IndexPrior.Sample(seed, n))
}
