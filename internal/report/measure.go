package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/internal/picture"
	"hourglass/models"
	"hourglass/train"
)

// Study is what a model makes of images that it was not trained on.
type Study struct {
	Looked               int // at how many images
	Best, Typical, Worst []Pair
	Points               []Point
	Explained            float64         // share of the codes' variance in the plane of the points
	Thumbs               []picture.Image // of the points
	Classes              []string        // of the points, if they have any
	// Divergence is the mean divergence of each number of the code from the
	// prior, in nats: what it says of an image. Nil if codes have no variance.
	Divergence []float64
	Deviation  []float64 // of each number of the code, over the images
	From       int       // the image, of Thumbs, whose code the traversals move
	Traversals []Traversal
	Samples    []picture.Image
	Drawn      string // from what their codes are
}

// Pair is an image and its reconstruction.
type Pair struct {
	Name                     string
	Image, Made, Differences picture.Image
	MSE                      float64
}

// Point is a code in the plane of most variance.
type Point struct {
	X, Y  float64
	Class int // an index of Classes; -1 for none
	Name  string
	MSE   float64
}

// Traversal is what the decoder draws along one direction of the code.
type Traversal struct {
	Name   string
	Images []picture.Image // from -reach to +reach standard deviations
}

// How much a study looks at and shows.
const (
	looked     = 1000
	shown      = 8
	directions = 8
	stops      = 9
	reach      = 3 // standard deviations
	magnified  = 4 // differences
)

// Subject is a model with what it is measured on.
type Subject struct {
	Model  models.Model
	Runner *train.Runner
	Images data.Dataset // held back
	// Normal says that codes are drawn, and held to a standard normal
	// distribution.
	Normal  bool
	Samples int // images drawn from the model's own distribution, or one that fits its codes
	// Beside is what another model makes of the same images; traversals begin at
	// the same one. Nil for a typical one.
	Beside *Study
}

// labels are the classes of the first n images, if the model is to be told
// them.
func (s Subject) labels(n int) (labels []int) {
	if _, told := s.Model.(models.Conditional); !told {
		return nil
	}
	for i := range n {
		labels = append(labels, s.Images.Label(i))
	}
	return labels
}

// codes are the rows of a matrix, as PCA reads them.
type codes struct {
	values []float32
	size   int
}

func (c codes) Len() int                       { return len(c.values) / c.size }
func (c codes) Size() int                      { return c.size }
func (c codes) Row(i int, dst []float32) error { copy(dst, c.row(i)); return nil }
func (c codes) row(i int) []float32            { return c.values[i*c.size : (i+1)*c.size] }
func (c codes) column(k int) (values []float64) {
	for i := range c.Len() {
		values = append(values, float64(c.row(i)[k]))
	}
	return values
}

// centre is how far along a direction the mean code lies.
func (c codes) centre(vector []float64) (along float64) {
	for i := range c.Len() {
		for k, x := range c.row(i) {
			along += vector[k] * float64(x) / float64(c.Len())
		}
	}
	return along
}

// Measure looks at up to a thousand images.
func Measure(s Subject) (*Study, error) {
	var err error
	if s.Images, err = data.InTurns(s.Images, looked); err != nil {
		return nil, err
	}
	n, shape := s.Images.Len(), s.Images.Shape()
	images := make([]float32, n*shape.Size())
	for i := range n {
		if err := s.Images.Image(i, images[i*shape.Size():(i+1)*shape.Size()]); err != nil {
			return nil, fmt.Errorf("reading %s: %w", data.Name(s.Images, i), err)
		}
	}
	labels := s.labels(n)
	made, err := s.Runner.Reconstruct(images, n, labels...)
	if err != nil {
		return nil, err
	}
	values, err := s.Runner.Encode(images, n, labels...)
	if err != nil {
		return nil, err
	}
	study, all := &Study{Looked: n, Thumbs: cut(images, shape)}, codes{values, s.Model.CodeSize()}
	if study.From, err = study.pairs(s.Images, study.Thumbs, cut(made, shape)); err != nil {
		return nil, err
	}
	if s.Beside != nil {
		study.From = s.Beside.From
	}
	for k := range all.size {
		study.Deviation = append(study.Deviation, deviation(all.column(k)))
	}
	if s.Normal {
		_, logVariance, err := s.Runner.Posterior(images, n, labels...)
		if err != nil {
			return nil, err
		}
		study.Divergence = divergence(all, codes{logVariance, all.size})
	}
	directions, err := study.place(all, s.Images)
	if err != nil {
		return nil, err
	}
	if study.Divergence != nil {
		directions = study.axes(s.Model.CodeSize())
	}
	if labels != nil {
		labels = slices.Repeat(labels[study.From:study.From+1], len(directions)*stops)
	}
	if err := study.traverse(s, all.row(study.From), labels, directions); err != nil {
		return nil, err
	}
	return study, study.samples(s, images, all)
}

// inTurn are all classes that a model can be told, one after the other, n in
// all.
func inTurn(model models.Model, n int) (labels []int) {
	conditional, told := model.(models.Conditional)
	for i := 0; told && i < n; i++ {
		labels = append(labels, i%conditional.Classes())
	}
	return labels
}

// cut takes images that lie one after the other apart.
func cut(values []float32, shape data.Shape) (images []picture.Image) {
	for size := shape.Size(); len(values) >= size; values = values[size:] {
		images = append(images, picture.Image{H: shape.H, W: shape.W, C: shape.C, Pixels: values[:size]})
	}
	return images
}

// pairs measures all reconstructions, keeps those at the ends and in the middle
// of the order of their errors, and returns the number of the very middle.
func (s *Study) pairs(ds data.Dataset, images, made []picture.Image) (typical int, err error) {
	classes := data.Classes(ds)
	order := make([]int, len(images))
	for i := range images {
		sum := 0.0
		for j, x := range images[i].Pixels {
			d := float64(x) - float64(made[i].Pixels[j])
			sum += d * d
		}
		p := Point{Class: ds.Label(i), Name: data.Name(ds, i), MSE: sum / float64(len(images[i].Pixels))}
		for len(s.Classes) <= p.Class {
			name := strconv.Itoa(len(s.Classes))
			if len(s.Classes) < len(classes) {
				name = classes[len(s.Classes)]
			}
			s.Classes = append(s.Classes, name)
		}
		s.Points, order[i] = append(s.Points, p), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.Points[a].MSE, s.Points[b].MSE) })
	count := min(shown, len(order))
	middle := (len(order) - count) / 2
	for _, part := range []struct {
		into *[]Pair
		from []int
	}{{&s.Best, order[:count]}, {&s.Typical, order[middle : middle+count]}, {&s.Worst, order[len(order)-count:]}} {
		for _, i := range part.from {
			d, err := picture.Difference(images[i], made[i], magnified)
			if err != nil {
				return 0, err
			}
			*part.into = append(*part.into, Pair{s.Points[i].Name, images[i], made[i], d, s.Points[i].MSE})
		}
	}
	slices.Reverse(s.Worst)
	return order[len(order)/2], nil
}

func deviation(values []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range values {
		sum += x
	}
	mean := sum / float64(len(values))
	for _, x := range values {
		squares += (x - mean) * (x - mean)
	}
	return math.Sqrt(squares / float64(len(values)))
}

// divergence is the mean of KL(N(μ,σ²) ‖ N(0,1)) = ½(μ² + σ² − 1 − log σ²) for
// each number of the codes.
func divergence(mean, logVariance codes) []float64 {
	all := make([]float64, mean.size)
	for i := range mean.Len() {
		for k := range all {
			m, v := float64(mean.row(i)[k]), float64(logVariance.row(i)[k])
			all[k] += (m*m + math.Exp(v) - 1 - v) / 2 / float64(mean.Len())
		}
	}
	return all
}

// direction is a way through the codes: a unit vector, and what one standard
// deviation along it is, to both sides of a centre.
type direction struct {
	name          string
	vector        []float64
	centre, sigma float64
}

// place puts the codes into the plane of their most variance, and returns their
// principal directions.
func (s *Study) place(all codes, ds data.Dataset) ([]direction, error) {
	k := min(directions, all.size, all.Len())
	pca, err := baseline.Fit(all, k)
	if err != nil {
		return nil, fmt.Errorf("looking for the directions of the codes: %w", err)
	}
	total, plane := 0.0, 0.0
	for _, d := range s.Deviation {
		total += d * d
	}
	var found []direction
	for i, vector := range pca.Components() {
		variance := pca.Variances()[i]
		if i < 2 {
			plane += variance
		}
		found = append(found, direction{fmt.Sprintf("direction %d", i+1), vector, all.centre(vector), math.Sqrt(variance)})
	}
	if total > 0 {
		s.Explained = min(1, plane/total)
	}
	at := make([]float32, k)
	for i := range s.Points {
		if err := pca.Encode(at, all.row(i)); err != nil {
			return nil, err
		}
		s.Points[i].X = float64(at[0])
		if k > 1 {
			s.Points[i].Y = float64(at[1])
		}
	}
	return found, nil
}

// axes are the numbers of the code that say most, in units of the prior.
func (s *Study) axes(size int) (all []direction) {
	for _, k := range s.ByDivergence()[:min(directions, size)] {
		vector := make([]float64, size)
		vector[k] = 1
		all = append(all, direction{fmt.Sprintf("z%d", k), vector, 0, 1})
	}
	return all
}

// ByDivergence orders the numbers of the code by what they say or, where that
// is not known, by how much they vary: the most telling first.
func (s *Study) ByDivergence() []int {
	values := s.Divergence
	if values == nil {
		values = s.Deviation
	}
	order := make([]int, len(values))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return order
}

// traverse draws, for each direction, what becomes of an image when its code is
// moved along it, to both sides of the direction's centre.
func (s *Study) traverse(subject Subject, from []float32, labels []int, along []direction) error {
	var moved []float32
	for _, d := range along {
		present := 0.0
		for k, x := range from {
			present += d.vector[k] * float64(x)
		}
		for stop := range stops {
			to := d.centre + d.sigma*reach*(2*float64(stop)/(stops-1)-1) - present
			for k, x := range from {
				moved = append(moved, x+float32(to*d.vector[k]))
			}
		}
	}
	made, err := subject.Runner.Decode(moved, len(along)*stops, labels...)
	if err != nil {
		return err
	}
	images := cut(made, subject.Images.Shape())
	for i, d := range along {
		s.Traversals = append(s.Traversals, Traversal{d.name, images[i*stops : (i+1)*stops]})
	}
	return nil
}
