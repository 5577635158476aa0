package train

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"hourglass/models"
)

// TestEvidenceOfALinearModel compares with the exact log-likelihood of a linear
// decoder of normal pixels, N(b, WWᵀ + σ²I): the bound of many draws comes
// within 0.02 nats of it, that of few stays below on average, and both ELBO and
// divergence are those of the formulas. The weights are those of the beginning:
// nothing needs to be trained.
func TestEvidenceOfALinearModel(t *testing.T) {
	const n, values, code, variance = 40, 6, 2, 0.3
	spec := models.Linear(models.Shape{C: 1, H: 2, W: 3}, code)
	spec.Likelihood, spec.Variance = models.Gaussian, variance
	m, err := models.NewVAE(models.VAESpec{Spec: spec}, 5)
	if err != nil {
		t.Fatal(err)
	}
	decoder, bias := m.Store().Lookup("decoder.0.weight"), m.Store().Lookup("decoder.0.bias")
	if decoder == nil || bias == nil || len(decoder.Data) != values*code {
		t.Fatal("the decoder is not linear")
	}
	runner, err := NewRunner(openDevice(t, 2), m, 16)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	images := make([]float32, n*values)
	for i := range images {
		images[i] = float32((i*i*7+i)%19) / 19
	}
	exact := exactLogLikelihood(t, images, decoder.Data, bias.Data, code, variance)
	few, err := runner.Evidence(images, n, 3, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	many, err := runner.Evidence(images, n, 2000, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	elbo, ofFew, ofMany, truth := 0.0, 0.0, 0.0, 0.0
	for i := range n {
		if math.Abs(many.Weighted[i]-exact[i]) > 0.1 { // of draws of one image
			t.Errorf("image %d: the bound of 2000 draws is %g, the log-likelihood %g", i, many.Weighted[i], exact[i])
		}
		elbo -= (many.Reconstruction[i] + many.KL[2*i] + many.KL[2*i+1]) / n
		ofFew += few.Weighted[i] / n
		ofMany += many.Weighted[i] / n
		truth += exact[i] / n
	}
	t.Logf("ELBO %.4f, 3 draws %.4f, 2000 draws %.4f, exact %.4f", elbo, ofFew, ofMany, truth)
	if !(elbo < ofFew && ofFew < ofMany && math.Abs(ofMany-truth) < 0.02) {
		t.Errorf("ELBO %g, 3 draws %g, 2000 draws %g, exact %g; want them in this order, the last two within 0.02", elbo, ofFew, ofMany, truth)
	}
}

// TestEvidenceIsThatOfEachImage cuts a set in two: the figures stay, whatever
// the batch, and a model without a posterior is refused.
func TestEvidenceIsThatOfEachImage(t *testing.T) {
	m, err := models.NewVAE(models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 2, W: 3}, []int{5}, 3, models.ReLU)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	device := openDevice(t, 2)
	runner, err := NewRunner(device, m, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	images := make([]float32, 7*6)
	for i := range images {
		images[i] = float32(i%5) / 4
	}
	whole, err := runner.Evidence(images, 7, 4, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	part, err := runner.Evidence(images[3*6:], 4, 4, 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		near(t, "reconstruction", part.Reconstruction[i], whole.Reconstruction[3+i])
		near(t, "bound", part.Weighted[i], whole.Weighted[3+i])
		near(t, "divergence", part.KL[3*i+1], whole.KL[3*(3+i)+1])
	}
	if _, err := runner.Evidence(images, 7, 0, 0, 1); err == nil {
		t.Error("no draws were accepted")
	}
	plain, err := NewRunner(device, newTiny(t), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, err := plain.Evidence(images, 7, 1, 0, 1); err == nil {
		t.Error("a model without a posterior has evidence")
	}
}

// TestEvidenceOfALearnedPrior: where every component of the prior is what the
// encoder says of one image, that image's code costs nothing, and others cost what
// an evaluation says; the bound of several draws is no lower than their mean.
func TestEvidenceOfALearnedPrior(t *testing.T) {
	vamp, err := models.NewVamp(models.VampSpec{VAESpec: models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 2, W: 3}, []int{5}, 2, models.Tanh)}, Components: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	const n = 200
	ds := tinyImages(t, 0, n)
	images, _, err := Spread(ds, n)
	if err != nil {
		t.Fatal(err)
	}
	for i, inputs := 0, vamp.Store().Lookup("pseudo_inputs").Data; i < len(inputs); i++ {
		inputs[i] = images[i%6]
	}
	runner, err := NewRunner(openDevice(t, 1), vamp, n)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	e, err := runner.Evidence(images, n, 200, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(e.KL[0]) > 1e-4 || len(e.KL) != n {
		t.Errorf("of %d divergences that of the prior's own image is %g, want 0", len(e.KL), e.KL[0])
	}
	cost := 0.0
	for i, kl := range e.KL {
		cost += (e.Reconstruction[i] + kl) / n
		if bound := -e.Reconstruction[i] - kl; e.Weighted[i] < bound-1e-4 {
			t.Errorf("image %d: the bound of all draws is %g, below their mean %g", i, e.Weighted[i], bound)
		}
	}
	m, err := runner.Evaluate(t.Context(), ds)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(cost-m.Loss) > 0.02*m.Loss { // of one draw an image
		t.Errorf("the evidence costs %g nats, and an evaluation says %g", cost, m.Loss)
	}
}

// exactLogLikelihood is log N(x; b, WWᵀ + σ²I) of each image, W being (values,
// code).
func exactLogLikelihood(t *testing.T, images, weights, bias []float32, code int, variance float64) []float64 {
	t.Helper()
	values := len(bias)
	covariance := mat.NewSymDense(values, nil)
	for i := range values {
		for j := i; j < values; j++ {
			sum := 0.0
			for k := range code {
				sum += float64(weights[i*code+k]) * float64(weights[j*code+k])
			}
			if i == j {
				sum += variance
			}
			covariance.SetSym(i, j, sum)
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(covariance) {
		t.Fatal("the covariance is not positive definite")
	}
	var logs []float64
	for at := 0; at < len(images); at += values {
		off := mat.NewVecDense(values, nil)
		for j := range values {
			off.SetVec(j, float64(images[at+j])-float64(bias[j]))
		}
		var solved mat.VecDense
		if err := factor.SolveVecTo(&solved, off); err != nil {
			t.Fatal(err)
		}
		logs = append(logs, -0.5*(mat.Dot(off, &solved)+factor.LogDet()+float64(values)*math.Log(2*math.Pi)))
	}
	return logs
}

// TestEvidenceOfLevels compares a model of two levels with the likelihood by codes
// drawn from its prior: the bound of many draws comes within 0.02 nats of it, those
// of fewer stay below, and the bound of one is what an evaluation says.
func TestEvidenceOfLevels(t *testing.T) {
	const variance, drawn = 0.5, 1 << 17
	spec := models.Linear(models.Shape{C: 1, H: 1, W: 2}, 0)
	spec.Likelihood, spec.Variance = models.Gaussian, variance
	m, err := models.NewHVAE(models.HVAESpec{VAESpec: models.VAESpec{Spec: spec}, Levels: []int{2, 1}}, 4)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := NewRunner(openDevice(t, 2), m, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	images := []float32{0.7, 0.1, 0, 1, 0.5, 0.5, 0.2, 0.9}
	const n = 4
	codes, err := runner.Draw(drawn, 1)
	if err != nil {
		t.Fatal(err)
	}
	made, err := runner.Decode(codes, drawn)
	if err != nil {
		t.Fatal(err)
	}
	exact := 0.0
	for i := range n {
		density := 0.0
		for k := range drawn {
			d := 0.0
			for j := range 2 {
				difference := float64(images[2*i+j] - made[2*k+j])
				d -= 0.5 * (difference*difference/variance + math.Log(2*math.Pi*variance))
			}
			density += math.Exp(d) / drawn
		}
		exact += math.Log(density) / n
	}
	bounds := func(draws int) (elbo, weighted float64) {
		e, err := runner.Evidence(images, n, draws, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			elbo -= (e.Reconstruction[i] + e.KL[i]) / n
			weighted += e.Weighted[i] / n
		}
		return elbo, weighted
	}
	elbo, many := bounds(2000)
	few := 0.0
	for seed := range uint64(50) {
		e, err := runner.Evidence(images, n, 3, 0, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range e.Weighted {
			few += w / n / 50
		}
	}
	loss := 0.0
	for range 8 { // of other draws each time
		images = append(images, images...)
	}
	for step := range uint64(8) {
		part, err := runner.evaluate(images[:128], make([]int, 64), step)
		if err != nil {
			t.Fatal(err)
		}
		loss += part.Loss / 8
	}
	t.Logf("ELBO %.4f, by evaluation %.4f, 3 draws %.4f, 2000 draws %.4f, exact %.4f", elbo, -loss, few, many, exact)
	if !(elbo < few && few < many && math.Abs(many-exact) < 0.02) || math.Abs(elbo+loss) > 0.1 {
		t.Errorf("ELBO %g, by evaluation %g, 3 draws %g, 2000 draws %g, exact %g; want them in this order, the first two within 0.1, the last within 0.02", elbo, -loss, few, many, exact)
	}
	whole, err := runner.Evidence(images[:2*n], n, 4, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	part, err := runner.Evidence(images[2*2:2*n], n-2, 4, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n - 2 {
		near(t, "bound", part.Weighted[i], whole.Weighted[2+i])
		near(t, "divergence", part.KL[i], whole.KL[2+i])
	}
	of, prior, err := runner.DrawPosterior(images[:2*n], n, 0, 3)
	if err != nil || len(of) != n*3 || len(prior) != n*3 {
		t.Errorf("%d numbers of codes and %d of the prior's, %v; want %d of each", len(of), len(prior), err, n*3)
	}
}
