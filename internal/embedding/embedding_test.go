package embedding

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// clusters are codes of 10 elements about three places that no plane through
// the first two axes tells apart.
func clusters(each int) (values []float32, labels []int) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 3 * each {
		label := i % 3
		for j := range 10 {
			x := random.NormFloat64()
			if j == 3+label {
				x += 8
			}
			values = append(values, float32(x))
		}
		labels = append(labels, label)
	}
	return values, labels
}

// agreement is the share of the five nearest neighbours of all points that have
// a point's own label.
func agreement(points []Point, labels []int) float64 {
	same := 0
	for i := range points {
		for _, j := range nearest(points, i, 5) {
			if labels[i] == labels[j] {
				same++
			}
		}
	}
	return float64(same) / float64(5*len(points))
}

func TestClustersStaySeparated(t *testing.T) {
	values, labels := clusters(40)
	points, err := TSNE(values, 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	if share := agreement(points, labels); share < 0.99 {
		t.Errorf("%.3f of the neighbours are of the same cluster, want 0.99", share)
	}
	trust, err := Trustworthiness(values, 10, points, 8)
	if err != nil || trust < 0.85 {
		t.Errorf("the trustworthiness is %.3f (%v), want 0.85", trust, err)
	}
	projected, explained, err := PCA(values, 10)
	if err != nil {
		t.Fatal(err)
	}
	if share := agreement(projected, labels); share < 0.99 || explained < 0.6 || explained > 0.95 {
		t.Errorf("PCA keeps %.3f of the neighbours and %.3f of the variance", share, explained)
	}
	shuffled := slices.Clone(points)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if chance, err := Trustworthiness(values, 10, shuffled, 8); err != nil || math.Abs(chance-0.5) > 0.05 {
		t.Errorf("points in a random order have trustworthiness %.3f (%v), want about a half", chance, err)
	}
}

// TestRing wants a circle in 3 dimensions, seen from the side, to remain in
// order: each point has its two neighbours on the ring among its nearest four.
func TestRing(t *testing.T) {
	const n = 60
	var values []float32
	for i := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / n)
		values = append(values, float32(cos), float32(sin), float32(sin))
	}
	points, err := TSNE(values, 3, 6)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		near := nearest(points, i, 4)
		if !slices.Contains(near, (i+1)%n) || !slices.Contains(near, (i+n-1)%n) {
			t.Errorf("the nearest of point %d are %v", i, near)
		}
	}
}

// TestRepeatable wants the same points from any number of processors.
func TestRepeatable(t *testing.T) {
	values, _ := clusters(8)
	var first []Point
	for _, processors := range []int{1, 3} {
		before := runtime.GOMAXPROCS(processors)
		points, err := TSNE(values, 10, 4)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = points
		}
		if !slices.Equal(points, first) {
			t.Errorf("%d processors place the points elsewhere", processors)
		}
	}
}

// divergence is what t-SNE minimises, in plain loops.
func divergence(joint []float64, points []Point) float64 {
	n, sum, total := len(points), 0.0, 0.0
	w := func(i, j int) float64 {
		dx, dy := points[i][0]-points[j][0], points[i][1]-points[j][1]
		return 1 / (1 + dx*dx + dy*dy)
	}
	for i := range n {
		for j := range n {
			if i != j {
				sum += w(i, j)
			}
		}
	}
	for i := range n {
		for j := range n {
			if p := joint[i*n+j]; i != j {
				total += p * math.Log(p/(w(i, j)/sum))
			}
		}
	}
	return total
}

// TestGradient compares with central differences.
func TestGradient(t *testing.T) {
	values, _ := clusters(4)
	joint := codes{values, 10}.joint(3)
	points, _, err := PCA(values, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i := range points {
		points[i] = Point{points[i][0] / 4, points[i][1] / 4}
	}
	const h = 1e-5
	for i, slope := range gradient(joint, points, 1) {
		for a := range 2 {
			at := points[i][a]
			points[i][a] = at + h
			up := divergence(joint, points)
			points[i][a] = at - h
			down := divergence(joint, points)
			points[i][a] = at
			if want := (up - down) / (2 * h); math.Abs(slope[a]-want) > 1e-7+1e-6*math.Abs(want) {
				t.Errorf("the gradient by number %d of point %d is %.9g, want %.9g", a, i, slope[a], want)
			}
		}
	}
}

// TestJoint wants probabilities that are symmetric and sum to 1, and rows of
// the perplexity asked for.
func TestJoint(t *testing.T) {
	values, _ := clusters(7)
	c := codes{values, 10}
	sum := 0.0
	joint := c.joint(5)
	for i := range 21 {
		for j := range 21 {
			sum += joint[i*21+j]
			if joint[i*21+j] != joint[j*21+i] || joint[i*21+i] != 0 {
				t.Fatalf("the probabilities of %d and %d are %g and %g", i, j, joint[i*21+j], joint[j*21+i])
			}
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the probabilities sum to %g", sum)
	}
	for _, perplexity := range []float64{1.5, 4, 6} {
		row := make([]float64, 21)
		for j := range row {
			row[j] = c.distance(2, j)
		}
		neighbourhood(row, 2, perplexity)
		entropy := 0.0
		for _, p := range row {
			if p > 0 {
				entropy -= p * math.Log(p)
			}
		}
		if math.Abs(math.Exp(entropy)-perplexity) > 1e-5 {
			t.Errorf("the perplexity is %g, want %g", math.Exp(entropy), perplexity)
		}
	}
}

// TestTrustworthiness has four codes on a line, of which the plane exchanges the
// inner two. The nearest point is then the 2nd, 2nd, 3rd and 2nd nearest code,
// which costs 1 + 1 + 2 + 1 of n·k·(2n−3k−1)/2 = 8.
func TestTrustworthiness(t *testing.T) {
	values := []float32{0, 1, 2.1, 3.3}
	straight := []Point{{0, 0}, {1, 0}, {2.1, 0}, {3.3, 0}}
	exchanged := []Point{{0, 0}, {2.1, 0}, {1, 0}, {3.3, 0}}
	for want, points := range map[float64][]Point{1: straight, 1 - 5.0/8: exchanged} {
		if got, err := Trustworthiness(values, 1, points, 1); err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("the trustworthiness is %g (%v), want %g", got, err, want)
		}
	}
}

// TestDegenerate places equal codes, and one far from all others, somewhere
// finite.
func TestDegenerate(t *testing.T) {
	for name, values := range map[string][]float32{"equal": make([]float32, 12), "a line": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, "one stands apart": {0, 0, 0, 0, 1e6}} {
		points, err := TSNE(values, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			if math.IsNaN(p[0]+p[1]) || math.IsInf(p[0]+p[1], 0) {
				t.Errorf("%s: a point at %v", name, p)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	_, few := TSNE(make([]float32, 4), 2, 0)
	_, uneven := TSNE(make([]float32, 13), 2, 0)
	_, many := TSNE(make([]float32, MostTSNE+1), 1, 0)
	_, perplexity := TSNE(make([]float32, 10), 1, 4)
	_, _, infinite := PCA([]float32{1, 2, float32(math.Inf(1))}, 1)
	_, neighbours := Trustworthiness(make([]float32, 4), 1, make([]Point, 4), 2)
	_, points := Trustworthiness(make([]float32, 4), 1, make([]Point, 3), 1)
	for want, err := range map[string]error{
		"4 numbers are not codes of 2": few, "13 numbers": uneven, "t-SNE of 5001 codes": many, "a perplexity of 4 for 10 codes, want 1 to 3": perplexity,
		"code 2 has the value +Inf": infinite, "with 2 neighbours": neighbours, "of 3 points for 4 codes": points,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}
