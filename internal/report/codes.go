package report

import (
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"hourglass/internal/chart"
	"hourglass/internal/picture"
)

// walk is a traversal as a template reads it.
type walk struct {
	Name, Note string
	Images     []inlined
}

// walks are the first traversals, n at most.
func (s *Study) walks(n int) (all []walk, err error) {
	for i, t := range s.Traversals[:min(n, len(s.Traversals))] {
		w := walk{Name: t.Name}
		if w.Images, err = tiles(t.Images); err != nil {
			return nil, err
		}
		if s.Divergence != nil {
			w.Note = chart.Number(s.Divergence[s.ByDivergence()[i]]) + " nats"
		}
		all = append(all, w)
	}
	return all, nil
}

// tiles are images each on its own.
func tiles(images []picture.Image) (all []inlined, err error) {
	for _, m := range images {
		one, err := inline([]picture.Image{m}, 1, largestTile)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// sprite holds the images of all points.
func (s *Study) sprite() (inlined, error) {
	across := int(math.Ceil(math.Sqrt(float64(len(s.Thumbs)))))
	return inline(s.Thumbs, across, largestThumb)
}

// Sides of the map of codes in units of its view box.
const (
	mapSide   = 460
	mapLeast  = 160 // of the height, where the codes lie on a line
	mapMargin = 10
)

// colours is how many classes a map can tell apart.
const colours = 10

// codeMap is a drawing of codes as spots, coloured by class or, without a legend,
// by error.
type codeMap struct {
	SVG    markup
	Legend []legend
}

func (s *Study) codeMap() (drawn codeMap) {
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, p := range s.Points {
		for k, x := range [2]float64{p.X, p.Y} {
			low[k], high[k] = min(low[k], x), max(high[k], x)
		}
	}
	span := max(high[0]-low[0], high[1]-low[1], 1e-12) // one scale for both axes: distances are distances
	height := max(mapLeast, (high[1]-low[1])/span*(mapSide-2*mapMargin)+2*mapMargin)
	at := func(x float64, k int) float64 { // from the middle
		return (x - (low[k]+high[k])/2) / span * (mapSide - 2*mapMargin)
	}
	byClass := len(s.Classes) > 1 && len(s.Classes) <= colours
	ranks := errorRanks(s)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="codes" viewBox="0 0 %d %.0f" role="img" aria-label="Map of %d codes">`, mapSide, height, len(s.Points))
	for i, p := range s.Points {
		colour := fmt.Sprintf("q%d", 1+ranks[i]*5/len(s.Points)) // q5 is the worst fifth
		text := p.Name
		if p.Class >= 0 && p.Class < len(s.Classes) {
			text = s.Classes[p.Class] + "\n" + text
			if byClass {
				colour = fmt.Sprintf("f%d", p.Class)
			}
		}
		fmt.Fprintf(&b, `<circle class="spot %s" cx="%.1f" cy="%.1f" r="3.4" data-text="%s"/>`, colour, mapSide/2+at(p.X, 0), height/2-at(p.Y, 1), html.EscapeString(text+"\nmse/px "+chart.Number(p.MSE)))
	}
	b.WriteString("</svg>")
	drawn.SVG = markup(b.String())
	if byClass {
		for i, name := range s.Classes {
			drawn.Legend = append(drawn.Legend, legend{name, i})
		}
	}
	return drawn
}

// errorRanks is the place of each point in the order of errors, the least
// first.
func errorRanks(s *Study) []int {
	order := make([]int, len(s.Points))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.Points[a].MSE, s.Points[b].MSE) })
	ranks := make([]int, len(order))
	for rank, i := range order {
		ranks[i] = rank
	}
	return ranks
}
