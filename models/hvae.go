package models

import (
	"fmt"
	"strconv"
	"strings"

	"gorgonia.org/gorgonia"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models/objective"
)

// HVAESpec describes a hierarchical variational autoencoder. The capacity of
// its VAESpec must be 0, and its code size 0 or the sum of the levels.
type HVAESpec struct {
	VAESpec
	// Levels are the sizes of the codes z1, z2 ..., from the image upwards; two at
	// least.
	Levels []int
}

// ParseLevels reads the sizes of levels, from the image upwards: "20,10".
func ParseLevels(text string) ([]int, error) {
	var sizes []int
	for one := range strings.SplitSeq(text, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(one))
		if err != nil {
			return nil, fmt.Errorf("the size of a level is %q; want whole numbers between commas, as in 20,10", strings.TrimSpace(one))
		}
		sizes = append(sizes, size)
	}
	return sizes, checkLevels(sizes)
}

func checkLevels(sizes []int) error {
	if len(sizes) < 2 || len(sizes) > maxLevels {
		return fmt.Errorf("a hierarchical variational autoencoder has %d levels of codes; want 2 to %d, from the image upwards", len(sizes), maxLevels)
	}
	for l, size := range sizes {
		if size < 1 || size > maxSize {
			return fmt.Errorf("level %d of the codes has size %d; want 1 to %d", l+1, size, maxSize)
		}
	}
	return nil
}

// complete checks what levels add to a spec.
func (s HVAESpec) complete() (HVAESpec, error) {
	if err := checkLevels(s.Levels); err != nil {
		return s, err
	}
	sum := 0
	for _, size := range s.Levels {
		sum += size
	}
	if s.Latent != 0 && s.Latent != sum {
		return s, fmt.Errorf("the code size is %d and the levels' sizes add up to %d; leave the code size at 0", s.Latent, sum)
	}
	if s.Spatial || s.Tied {
		return s, fmt.Errorf("the code of a hierarchical variational autoencoder is rows of several levels; it can be no image, and the decoder's weights cannot be tied")
	}
	if s.Capacity != 0 {
		return s, fmt.Errorf("a hierarchical variational autoencoder has no capacity for its levels to share; take free bits or a warm-up")
	}
	s.Latent = sum
	var err error
	s.VAESpec, err = s.VAESpec.complete()
	return s, err
}

const maxLevels = 16

// HVAE is a variational autoencoder whose code has levels (Sønderby et al.,
// "Ladder variational autoencoders", 2016). Codes are drawn from the top down:
// each level has a learned normal distribution given all levels above it, which
// for an image is joined, weighted by precisions, with what the image says.
//
//	image ─► h1 ─► h2          h: the encoder, then a dense layer a level
//	          │     │
//	          │     └► q(z2|x) ──► z2 ──► p(z1|z2) ─┐
//	          └► what x says of z1 ─────────────────┴► q(z1|x,z2) ─► z1
//	image ◄── decoder ◄── z1, z2
//
//	loss = −log p(x|z1,z2) + β·KL(q(z2|x) ‖ N(0,I)) + β·KL(q(z1|x,z2) ‖ p(z1|z2))
//
// The decoder sees all levels, as in Vahdat and Kautz, "NVAE", 2020. A code is
// all levels' side by side, z1 first. Where one code is wanted, of an image, it
// is of means: of z2, and of z1 given that mean. Like the loss of a [VAE], the
// loss of an evaluation is of a drawn code.
type HVAE struct {
	body
	beta, warmUp, freeBits float64

	levels []level
	deeper []part // from h1 to h2, from h2 to h3 ...
}

// level is where one code comes from. The top level has no prior of its own.
type level struct {
	size               int
	mean, logVariance  part // of what the image says, linear in h
	down               part // a dense layer of all codes above
	priorMean, priorLV part // linear in down
}

// NewHVAE checks a spec, makes the variables and draws their first values from
// the seed. The dense layers between levels are as wide as the encoder's output
// and have its last activation.
func NewHVAE(spec HVAESpec, seed uint64) (*HVAE, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	m := &HVAE{body: body{seed: seed}, beta: spec.Beta, warmUp: spec.WarmUp, freeBits: spec.FreeBits}
	if m.spec, err = spec.Spec.complete(); err != nil {
		return nil, err
	}
	if m.encoder, err = m.spec.part("encoder", m.spec.Encoder, m.spec.Input); err != nil {
		return nil, err
	}
	m.encoder.before(Dense(1))
	h := m.encoder.out()
	between := Dense(h.C)
	if last := m.spec.Encoder.last(hasWeights); last != nil {
		between.Activation = last.Activation
	}
	add := func(name string, layer Layer, in, row Shape) (p part) {
		if err != nil {
			return p
		}
		if p, err = m.spec.part(name, Layers{layer}, in); err == nil {
			p.single, p.images[0] = true, row
			m.heads = append(m.heads, p)
		}
		return p
	}
	above := m.spec.Latent
	row, features := m.encoder.row(), Shape{} // which of the levels above are no images
	for l, size := range spec.Levels {
		name := func(what string) string { return fmt.Sprintf("levels.%d.%s", l, what) }
		if l > 0 {
			m.deeper = append(m.deeper, add(name("up"), between, h, row))
			row = features
		}
		one := level{size: size, mean: add(name("fc_mu"), Dense(size), h, row), logVariance: add(name("fc_var"), Dense(size), h, row)}
		if above -= size; above > 0 {
			one.down = add(name("down"), between, Features(above), features)
			one.priorMean = add(name("prior_mu"), Dense(size), h, features)
			one.priorLV = add(name("prior_var"), Dense(size), h, features)
		}
		m.levels = append(m.levels, one)
	}
	if err != nil {
		return nil, err
	}
	return m, m.finish(Features(m.spec.Latent), nil)
}

// Beta is the weight of the divergences.
func (m *HVAE) Beta() float64 { return m.beta }

// Levels are the sizes of the levels' codes, from the image upwards, in the
// order in which they stand in a code.
func (m *HVAE) Levels() []int {
	sizes := make([]int, len(m.levels))
	for l, one := range m.levels {
		sizes[l] = one.size
	}
	return sizes
}

// Terms are the reconstruction and a divergence a level: kl_1, of the code
// nearest to the image, and so on.
func (m *HVAE) Terms() []Term {
	terms := []Term{{ReconstructionLoss, "recon", 1}}
	for l := range m.levels {
		terms = append(terms, Term{fmt.Sprintf("%s_%d", Divergence, l+1), fmt.Sprintf("kl%d", l+1), m.beta})
	}
	return terms
}

// Anneal implements [Annealed].
func (m *HVAE) Anneal(step, total int, set func(input string, value float64)) {
	if m.warmUp > 0 {
		set(warmUpInput, min(1, float64(step)/(m.warmUp*float64(total))))
	}
}

// descent is what comes of going from the top level down, a level each.
type descent struct {
	z    []*gorgonia.Node
	q, p []objective.Normals // p of the top level is empty: N(0,I)
}

// code is all levels' side by side, (N,Z).
func (d descent) code(b *graph.Builder) *gorgonia.Node { return keep(b)(ops.Concat(1, d.z...)) }

// Train adds the training graph: the target is the input itself.
func (m *HVAE) Train(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	b.Cost(m.bound(b, x, m.descend(b, m.ascend(b, m.corrupted(b, x)), m.drawn(b, batch))))
}

// Evaluate adds the graph from image to code, reconstruction and loss. The
// noise of the loss depends on the clock and on the batch size.
func (m *HVAE) Evaluate(b *graph.Builder, batch int) {
	x := m.image(b, batch)
	h := m.ascend(b, x)
	code := m.descend(b, h, byMean).code(b)
	b.Output(Code, code)
	b.Output(Reconstruction, m.pixels(b, m.decode(b, code)))
	m.bound(b, x, m.descend(b, h, m.drawn(b, batch)))
}

// Encode adds the graph from image to code.
func (m *HVAE) Encode(b *graph.Builder, batch int) {
	b.Output(Code, m.descend(b, m.ascend(b, m.image(b, batch)), byMean).code(b))
}

// Draw implements [Prior]: each level's code is drawn given those above it.
func (m *HVAE) Draw(b *graph.Builder, batch int) {
	b.Output(Code, m.descend(b, nil, m.drawn(b, batch)).code(b))
}

// ascend returns h1, h2 ..., what each level's code is told of the image.
func (m *HVAE) ascend(b *graph.Builder, x *gorgonia.Node) []*gorgonia.Node {
	h := []*gorgonia.Node{m.encoder.apply(b, x)}
	for l, up := range m.deeper {
		h = append(h, up.apply(b, h[l]))
	}
	return h
}

// chooser of a level's code by its distribution: by the standard normal
// distribution if that is empty.
type chooser func(level int, n objective.Normals) (*gorgonia.Node, error)

// byMean chooses each level's mean.
func byMean(_ int, n objective.Normals) (*gorgonia.Node, error) { return n.Mean, nil }

// drawn chooses at random.
func (m *HVAE) drawn(b *graph.Builder, batch int) chooser {
	return func(level int, n objective.Normals) (*gorgonia.Node, error) {
		noise := b.Noise(batch, m.levels[level].size)
		if n.Mean == nil {
			return ops.Scale(noise, 1)
		}
		return reparameterise(n.Mean, n.LogVariance, noise)
	}
}

// descend chooses the levels' codes from the top down; those of images of which
// h is known, or of none.
func (m *HVAE) descend(b *graph.Builder, h []*gorgonia.Node, choose chooser) descent {
	n := len(m.levels)
	do, d := keep(b), descent{make([]*gorgonia.Node, n), make([]objective.Normals, n), make([]objective.Normals, n)}
	for l := n - 1; l >= 0 && b.Err() == nil; l-- {
		one, err := m.levels[l], error(nil)
		if l < n-1 {
			t := one.down.apply(b, do(ops.Concat(1, d.z[l+1:]...)))
			d.p[l] = objective.Normals{Mean: one.priorMean.apply(b, t), LogVariance: one.priorLV.apply(b, t)}
		}
		d.q[l] = d.p[l]
		if h != nil {
			d.q[l] = objective.Normals{Mean: one.mean.apply(b, h[l]), LogVariance: one.logVariance.apply(b, h[l])}
			if l < n-1 && b.Err() == nil {
				d.q[l], err = objective.Combine(d.q[l], d.p[l])
			}
		}
		if err == nil && b.Err() == nil {
			d.z[l], err = choose(l, d.q[l])
		}
		if err != nil {
			b.Fail(err)
		}
	}
	return d
}

// bound adds the loss with its terms as outputs, and returns what training
// descends.
func (m *HVAE) bound(b *graph.Builder, x *gorgonia.Node, d descent) *gorgonia.Node {
	y := m.decode(b, d.code(b))
	reconstruction := m.loss(b, y, x)
	return m.try(b, reconstruction, func() (*gorgonia.Node, error) {
		b.Output(ReconstructionLoss, reconstruction)
		var paid, descended *gorgonia.Node
		for l, term := range m.Terms()[1:] {
			kl, free, err := m.divergence(b, d.q[l], d.p[l])
			if err != nil {
				return nil, err
			}
			b.Output(term.Name, kl)
			if paid, err = addWeighted(paid, kl, m.beta); err != nil {
				return nil, err
			}
			if descended, err = addWeighted(descended, free, m.beta); err != nil {
				return nil, err
			}
		}
		loss, err := ops.Add(reconstruction, paid)
		if err != nil {
			return nil, err
		}
		b.Output(Loss, loss)
		if !b.Training || m.freeBits == 0 && m.warmUp == 0 {
			return loss, nil
		}
		if m.warmUp > 0 {
			if descended, err = m.warmed(b, descended); err != nil {
				return nil, err
			}
		}
		return ops.Add(reconstruction, descended)
	})
}

// divergence of a level, and what training pays for it.
func (m *HVAE) divergence(b *graph.Builder, q, p objective.Normals) (kl, paid *gorgonia.Node, err error) {
	top := p.Mean == nil
	if top {
		kl, err = objective.KL(q.Mean, q.LogVariance)
	} else {
		kl, err = objective.KLBetween(q, p)
	}
	if err != nil || m.freeBits == 0 || !b.Training {
		return kl, kl, err
	}
	if top {
		paid, err = objective.FreeBits(q.Mean, q.LogVariance, m.freeBits)
	} else {
		paid, err = objective.FreeBitsBetween(q, p, m.freeBits)
	}
	return kl, paid, err
}
