package embedding

import (
	"cmp"
	"fmt"
	"slices"
)

// Trustworthiness says how many of the k nearest neighbours that points have in
// the plane were neighbours as codes (Venna and Kaski 2001): 1 if all were,
// about ½ if chance placed the points. A false neighbour counts for how far
// down it stands among the code's neighbours. k must be below half the number
// of codes.
func Trustworthiness(values []float32, size int, points []Point, k int) (float64, error) {
	c, err := newCodes(values, size)
	if err != nil {
		return 0, err
	}
	n := c.Len()
	if len(points) != n || k < 1 || 2*k >= n {
		return 0, fmt.Errorf("embedding: the trustworthiness of %d points for %d codes with %d neighbours, want as many points, and fewer neighbours than half of them", len(points), n, k)
	}
	penalties := make([]int, n)
	inRows(n, func(i int) {
		away := make([]float64, n)
		for j := range away {
			away[j] = c.distance(i, j)
		}
		for _, j := range nearest(points, i, k) {
			rank := 0 // codes that are nearer, the code itself among them
			for other, d := range away {
				if other != j && (d < away[j] || other == i) {
					rank++
				}
			}
			penalties[i] += max(0, rank-k)
		}
	})
	sum := 0
	for _, penalty := range penalties {
		sum += penalty
	}
	return 1 - 2*float64(sum)/float64(n*k*(2*n-3*k-1)), nil
}

// nearest are the k nearest neighbours of a point; of equally near ones those
// of lower number.
func nearest(points []Point, i, k int) []int {
	away := make([]float64, len(points))
	others := make([]int, 0, len(points))
	for j, p := range points {
		dx, dy := p[0]-points[i][0], p[1]-points[i][1]
		away[j] = dx*dx + dy*dy
		if j != i {
			others = append(others, j)
		}
	}
	slices.SortFunc(others, func(a, b int) int {
		return cmp.Or(cmp.Compare(away[a], away[b]), cmp.Compare(a, b))
	})
	return others[:k]
}
