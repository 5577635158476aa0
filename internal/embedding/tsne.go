package embedding

import (
	"fmt"
	"math"
	"runtime"
	"sync"
)

// MostTSNE is how many codes TSNE takes: their neighbourhoods are then 200 MB.
const MostTSNE = 5000

// DefaultPerplexity is about how many neighbours a code has.
const DefaultPerplexity = 30

// Terms of the descent: those of van der Maaten and Hinton, but for the length
// of a step, a twelfth of the number of codes (Belkina et al., "Automated
// optimized parameters for t-SNE", 2019), and the start (Kobak and Linderman,
// "Initialization is critical", 2021).
const (
	iterations   = 750
	exaggerated  = 250 // iterations in which attraction is exaggeration times as strong
	exaggeration = 12
	leastRate    = 50
	early, late  = 0.5, 0.8 // momentum
	firstSpread  = 1e-4     // deviation of the first positions
	leastGain    = 0.01
)

// TSNE places codes of so many elements in the plane so that neighbours stay
// neighbours (van der Maaten and Hinton, "Visualizing data using t-SNE", 2008):
// it minimises, from the projection on the first two principal components on,
//
//	KL(P ‖ Q) = Σ p·log(p/q), q ∝ 1/(1 + |y−y'|²),
//
// p being normal in the distance of the codes, with the deviation about each
// that gives it so many neighbours. Distances between groups, and their sizes,
// mean little. A perplexity of 0 takes DefaultPerplexity; it is at most a third
// of the other codes.
func TSNE(values []float32, size int, perplexity float64) ([]Point, error) {
	c, err := newCodes(values, size)
	if err != nil {
		return nil, err
	}
	n := c.Len()
	switch {
	case n > MostTSNE:
		return nil, fmt.Errorf("embedding: t-SNE of %d codes, want at most %d; take fewer", n, MostTSNE)
	case perplexity == 0:
		perplexity = min(DefaultPerplexity, float64(n-1)/3)
	case !(perplexity >= 1) || perplexity > float64(n-1)/3:
		return nil, fmt.Errorf("embedding: a perplexity of %g for %d codes, want 1 to %g", perplexity, n, float64(n-1)/3)
	}
	points, _, err := c.project()
	if err != nil {
		return nil, err
	}
	shrink(points)
	d := descent{joint: c.joint(max(1, perplexity)), points: points, gains: make([]Point, n), velocity: make([]Point, n)}
	for i := range d.gains {
		d.gains[i] = Point{1, 1}
	}
	for i := range iterations {
		if i < exaggerated {
			d.step(exaggeration, early)
		} else {
			d.step(1, late)
		}
	}
	return d.points, nil
}

// shrink scales the first positions to a deviation of firstSpread along x.
func shrink(points []Point) {
	sum := 0.0
	for _, p := range points {
		sum += p[0] * p[0]
	}
	if sum == 0 {
		return // all codes are the same, and so are their places
	}
	factor := firstSpread / math.Sqrt(sum/float64(len(points)))
	for i := range points {
		points[i][0] *= factor
		points[i][1] *= factor
	}
}

// joint returns the n·n symmetric probabilities p, which sum to 1.
func (c codes) joint(perplexity float64) []float64 {
	n := c.Len()
	conditional := make([]float64, n*n)
	inRows(n, func(i int) {
		row := conditional[i*n:][:n]
		for j := range row {
			row[j] = c.distance(i, j)
		}
		neighbourhood(row, i, perplexity)
	})
	for i := range n {
		for j := range i {
			p := (conditional[i*n+j] + conditional[j*n+i]) / float64(2*n)
			conditional[i*n+j], conditional[j*n+i] = p, p
		}
	}
	return conditional
}

// neighbourhood replaces the squared distances of code i from all others by
// probabilities exp(−β·d²)/Σ of the given perplexity exp(−Σ p·log p), which
// falls as β grows: it is found by halving the interval.
func neighbourhood(row []float64, i int, perplexity float64) {
	const (
		halvings = 100
		exact    = 1e-7 // nats of entropy
	)
	nearest := math.Inf(1)
	for j, d := range row {
		if j != i {
			nearest = min(nearest, d)
		}
	}
	beta, low, high := 1.0, 0.0, math.Inf(1)
	probabilities := make([]float64, len(row))
	for range halvings {
		sum, weighted := 0.0, 0.0
		for j, d := range row {
			if j == i {
				continue
			}
			d -= nearest // changes nothing but that the sum is at least 1
			probabilities[j] = math.Exp(-beta * d)
			sum += probabilities[j]
			weighted += d * probabilities[j]
		}
		entropy := math.Log(sum) + beta*weighted/sum
		for j := range probabilities {
			probabilities[j] /= sum
		}
		switch excess := entropy - math.Log(perplexity); {
		case math.Abs(excess) < exact:
			copy(row, probabilities)
			return
		case excess > 0:
			low = beta
			beta = min(2*beta, (low+high)/2)
		default:
			high = beta
			beta = (low + high) / 2
		}
	}
	copy(row, probabilities) // of equal distances no β has it
}

// descent is gradient descent with momentum and with a gain for each number,
// which grows while its gradient keeps its sign (Jacobs 1988).
type descent struct {
	joint           []float64
	points          []Point
	velocity, gains []Point
}

func (d *descent) step(attraction, momentum float64) {
	slope := gradient(d.joint, d.points, attraction)
	rate := max(leastRate, float64(len(d.points))/exaggeration/4) // the gradient's factor of 4 is not in Belkina's
	var centre Point
	for i := range d.points {
		for a := range 2 {
			gain := &d.gains[i][a]
			if (slope[i][a] > 0) != (d.velocity[i][a] > 0) {
				*gain += 0.2
			} else {
				*gain = max(leastGain, 0.8**gain)
			}
			d.velocity[i][a] = momentum*d.velocity[i][a] - rate**gain*slope[i][a]
			d.points[i][a] += d.velocity[i][a]
			centre[a] += d.points[i][a] / float64(len(d.points))
		}
	}
	for i := range d.points {
		d.points[i][0] -= centre[0]
		d.points[i][1] -= centre[1]
	}
}

// gradient of KL(P ‖ Q) by each point, P being attraction times as large:
//
//	4·Σ (attraction·p − q)·(y−y')/(1 + |y−y'|²)
func gradient(joint []float64, points []Point, attraction float64) []Point {
	n := len(points)
	attractive, repulsive, parts := make([]Point, n), make([]Point, n), make([]float64, n)
	inRows(n, func(i int) {
		y, row := points[i], joint[i*n:][:n]
		var pull, push Point
		part := 0.0
		for j, other := range points {
			dx, dy := y[0]-other[0], y[1]-other[1]
			w := 1 / (1 + dx*dx + dy*dy)
			pw, ww := row[j]*w, w*w
			part += w
			pull[0] += pw * dx
			pull[1] += pw * dy
			push[0] += ww * dx
			push[1] += ww * dy
		}
		attractive[i], repulsive[i], parts[i] = pull, push, part-1 // less that of the point itself
	})
	total := 0.0
	for _, part := range parts {
		total += part
	}
	for i := range attractive {
		for a := range 2 {
			attractive[i][a] = 4 * (attraction*attractive[i][a] - repulsive[i][a]/total)
		}
	}
	return attractive
}

// inRows calls do for 0 to n-1, on all processors; each result has to depend on
// its own number alone.
func inRows(n int, do func(i int)) {
	workers := runtime.GOMAXPROCS(0)
	var wait sync.WaitGroup
	for first := range workers {
		wait.Go(func() {
			for i := first; i < n; i += workers {
				do(i)
			}
		})
	}
	wait.Wait()
}
