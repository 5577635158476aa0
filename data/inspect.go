package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// statisticsBatch is how many images are held at a time while a set is read.
const statisticsBatch = 64

// each reads every image of a set, workers ahead, and hands them over in
// order.
func each(ds Dataset, visit func(i int, image []float32)) error {
	batches := NewBatches(ds, BatchOptions{Size: statisticsBatch})
	defer batches.Close()
	size := ds.Shape().Size()
	for {
		batch, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range batch.N {
			visit(batch.Indices[i], batch.Images[i*size:][:size])
		}
		batches.Release(batch)
	}
}

// MeanImage is the mean of all images of a set: the best that a model can
// answer that does not look at its input.
func MeanImage(ds Dataset) ([]float32, error) {
	if ds.Len() == 0 {
		return nil, errors.New("mean image: the set is empty")
	}
	sum := make([]float64, ds.Shape().Size())
	err := each(ds, func(_ int, image []float32) {
		for i, v := range image {
			sum[i] += float64(v)
		}
	})
	mean := make([]float32, len(sum))
	for i, s := range sum {
		mean[i] = float32(s / float64(ds.Len()))
	}
	return mean, err
}

// ClassCount is how many images a class has.
type ClassCount struct {
	Name  string
	Count int
}

// Summary is what Inspect finds.
type Summary struct {
	N          int
	Shape      Shape
	Classes    []ClassCount
	Unlabelled int
	// Mean and Std are those of all pixels of a channel.
	Mean, Std []float64
	Min, Max  float64
	// Resized is how many pictures were scaled or cut to the shape.
	Resized int
	// Corrupt names the damaged pictures.
	Corrupt []error
}

// Inspect reads a whole set and sums it up.
func Inspect(ds Dataset) (Summary, error) {
	s := Summary{N: ds.Len(), Shape: ds.Shape(), Min: math.Inf(1), Max: math.Inf(-1)}
	for _, name := range Classes(ds) {
		s.Classes = append(s.Classes, ClassCount{Name: name})
	}
	sum, squares := make([]float64, s.Shape.C), make([]float64, s.Shape.C)
	err := each(ds, func(i int, image []float32) {
		s.countLabel(ds.Label(i))
		for p, value := range image {
			v := float64(value)
			sum[p%s.Shape.C] += v
			squares[p%s.Shape.C] += v * v
			s.Min, s.Max = min(s.Min, v), max(s.Max, v)
		}
	})
	pixels := float64(s.N * s.Shape.H * s.Shape.W)
	for c := range sum {
		mean := sum[c] / pixels
		s.Mean = append(s.Mean, mean)
		s.Std = append(s.Std, math.Sqrt(max(squares[c]/pixels-mean*mean, 0)))
	}
	s.Resized, s.Corrupt = Resized(ds), Corrupt(ds)
	return s, err
}

func (s *Summary) countLabel(label int) {
	switch {
	case label < 0:
		s.Unlabelled++
		return
	case label >= len(s.Classes):
		for i := len(s.Classes); i <= label; i++ {
			s.Classes = append(s.Classes, ClassCount{Name: fmt.Sprint(i)})
		}
	}
	s.Classes[label].Count++
}

// String prints the summary in a few lines.
func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %v\n", plural(s.N, "image", "images"), s.Shape)
	if s.Resized > 0 {
		fmt.Fprintf(&b, "%d of another size, scaled and cut to this one\n", s.Resized)
	}
	fmt.Fprintf(&b, "pixels from %.4g to %.4g, mean %.4f, standard deviation %.4f\n", s.Min, s.Max, s.Mean, s.Std)
	if len(s.Classes) > 0 {
		fmt.Fprintf(&b, "%s and their images:", plural(len(s.Classes), "class", "classes"))
		for i, class := range s.Classes[:min(len(s.Classes), 20)] {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, " %s: %d", class.Name, class.Count)
		}
		if len(s.Classes) > 20 {
			counts := slices.SortedFunc(slices.Values(s.Classes), func(a, b ClassCount) int { return a.Count - b.Count })
			fmt.Fprintf(&b, " ... (from %d to %d images each)", counts[0].Count, counts[len(counts)-1].Count)
		}
		b.WriteByte('\n')
	}
	if s.Unlabelled > 0 {
		fmt.Fprintf(&b, "%s no label\n", plural(s.Unlabelled, "image has", "images have"))
	}
	if len(s.Corrupt) > 0 {
		fmt.Fprintf(&b, "%s damaged:\n", plural(len(s.Corrupt), "picture is", "pictures are"))
		for _, err := range s.Corrupt {
			fmt.Fprintf(&b, "  %v\n", err)
		}
	}
	return b.String()
}

func plural(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
