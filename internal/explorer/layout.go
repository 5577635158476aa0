package explorer

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hourglass/internal/embedding"
	"hourglass/internal/serving"
)

// Layouts of the map, as a page names them.
const (
	byDirections = "pca"
	byNeighbours = "tsne"
)

// layout is where the gallery's codes lie on the map.
type layout struct {
	places [][2]float64
	linear bool // along the first two principal directions
}

// neighbourMap is the t-SNE of the gallery's codes, which takes seconds and so is
// begun when it is first asked for.
type neighbourMap struct {
	begin sync.Once
	begun atomic.Bool
	done  chan struct{}
	layout
	err error
}

// ready waits a moment for the map, and says whether it is there.
func (m *neighbourMap) ready(ctx context.Context, codes [][]float32) (bool, error) {
	const patience = time.Second
	m.begin.Do(func() {
		m.begun.Store(true)
		go func() {
			defer close(m.done)
			points, err := embedding.TSNE(slices.Concat(codes...), len(codes[0]), 0)
			m.err = err
			for _, p := range points {
				m.places = append(m.places, p)
			}
		}()
	})
	select {
	case <-m.done:
		return true, m.err
	case <-ctx.Done():
	case <-time.After(patience):
	}
	return false, nil
}

// underWay reports whether the map is being made.
func (m *neighbourMap) underWay() bool {
	select {
	case <-m.done:
		return false
	default:
		return m.begun.Load()
	}
}

// layout returns the one of a name; ok is false while it is being made.
func (s *Subject) layout(ctx context.Context, name string) (l layout, ok bool, err error) {
	switch name {
	case "", byDirections:
		return layout{s.gallery.places, true}, true, nil
	case byNeighbours:
	default:
		return l, false, serving.Refuse(http.StatusBadRequest, "the map %.20q is unknown; choose %s or %s", name, byDirections, byNeighbours)
	}
	if s.gallery.n > embedding.MostTSNE {
		return l, false, serving.Refuse(http.StatusBadRequest, "t-SNE of %d codes would take too long; explore at most %d images by --images", s.gallery.n, embedding.MostTSNE)
	}
	ok, err = s.neighbours.ready(ctx, s.gallery.codes)
	if err != nil {
		return l, false, fmt.Errorf("laying the codes out by t-SNE: %w", err)
	}
	if !ok {
		return l, false, nil
	}
	return s.neighbours.layout, true, nil
}

// neighbourhood is how many codes around a place say what is typical there.
const neighbourhood = 8

// code is the one at a place on the map: the mean of the codes around it
// (Nadaraya 1964, Watson 1964), weighed by a normal density as wide as they are
// far. So it decodes to what lives there, where the mean of everything would
// blur. A map of principal directions fixes two of the code's besides.
func (g *Gallery) code(l layout, x, y float64) ([]float32, error) {
	distances := make([]float64, g.n) // squared
	for i, p := range l.places {
		distances[i] = (p[0]-x)*(p[0]-x) + (p[1]-y)*(p[1]-y)
	}
	ascending := slices.Clone(distances)
	slices.Sort(ascending)
	width := max(ascending[min(neighbourhood, g.n)-1], 1e-12)
	mean, total := make([]float64, len(g.mean)), 0.0
	for i, d := range distances {
		weight := math.Exp(-(d - ascending[0]) / (2 * width))
		if weight < 1e-6 {
			continue
		}
		total += weight
		for k, v := range g.codes[i] {
			mean[k] += weight * float64(v)
		}
	}
	code := make([]float32, len(mean))
	for k := range code {
		code[k] = float32(mean[k] / total)
	}
	if !l.linear {
		return code, nil
	}
	return code, g.move(code, x, y)
}

// move shifts a code along the first two directions until it is at a place.
func (g *Gallery) move(code []float32, x, y float64) error {
	at := make([]float32, g.pca.K())
	if err := g.pca.Encode(at, code); err != nil {
		return err
	}
	for axis, direction := range g.pca.Components()[:min(2, g.pca.K())] {
		by := [2]float64{x, y}[axis] - float64(at[axis])
		for k := range code {
			code[k] += float32(by * direction[k])
		}
	}
	return nil
}

// points answers with the map; of one that is being made, with pending.
func (s *Subject) points(w http.ResponseWriter, r *http.Request) error {
	l, ok, err := s.layout(r.Context(), r.URL.Query().Get("by"))
	if err != nil {
		return err
	}
	if !ok {
		return serving.WriteJSON(w, map[string]any{"pending": true})
	}
	errors := make([]float64, s.gallery.n)
	for i, score := range s.gallery.scores {
		errors[i] = score.MSE
	}
	return serving.WriteJSON(w, map[string]any{"places": l.places, "labels": s.gallery.labels, "errors": errors, "names": s.gallery.names})
}

// place decodes what is typical of a place on the map.
func (s *Subject) place(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		X     float32 `json:"x"`
		Y     float32 `json:"y"`
		By    string  `json:"by"`
		Label int     `json:"label"`
	}
	if err := serving.ReadJSON(r, &asked); err != nil {
		return err
	}
	l, ok, err := s.layout(r.Context(), asked.By)
	if err != nil {
		return err
	}
	if !ok {
		return serving.RefuseFor(http.StatusServiceUnavailable, time.Second, "the map is being made; wait a little")
	}
	code, err := s.gallery.code(l, float64(asked.X), float64(asked.Y))
	if err != nil {
		return err
	}
	return s.showOne(w, r, code, asked.Label)
}
