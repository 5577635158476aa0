package models

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
)

// quantisedSpecs are small enough for float64 checks.
func quantisedSpecs(t *testing.T) map[string]VQSpec {
	all := specs(t)
	return map[string]VQSpec{
		"vq":                      {Spec: all["spatial code"], Entries: 7, Revive: 0.1},
		"vq, bernoulli":           {Spec: with(all["spatial code"], func(s *Spec) { s.Likelihood = Bernoulli }), Entries: 5, Commitment: 2},
		"vq, spatial":             {Spec: all["spatial, explicit"], Entries: 5},
		"vq, parts of channels":   {Spec: with(all["conv"], func(s *Spec) { s.Latent = 0 }), Entries: 9, Dim: 3, Decay: 0.5, Revive: 0.5},
		"vq, a row of three, L1":  {Spec: with(all["mlp"], func(s *Spec) { s.Likelihood = L1 }), Entries: 4, Dim: 1},
		"vq, corrupted, one cell": {Spec: with(all["mlp with norms"], func(s *Spec) { s.Corruption = Corruptions{{GaussianNoise, 0.2}} }), Entries: 6},
	}
}

// committing is the part of a VQ's loss by which the encoder alone can be
// discriminatorTerm: its derivative is the one that training takes.
type committing struct{ *VQ }

func (m committing) Train(b *graph.Builder, batch int) {
	b.Cost(keep(b)(m.commit(m.quantise(b, m.image(b, batch), batch))))
}

// TestVQGradient compares gradients with difference quotients where those are
// the derivatives: of the whole objective by the decoder, and of the commitment
// by the encoder. The reconstruction is a step function of what the encoder
// makes, its difference quotient 0; that training takes the derivative by the
// entry in its place is TestStraightThrough's.
func TestVQGradient(t *testing.T) {
	for name, spec := range quantisedSpecs(t) {
		t.Run(name, func(t *testing.T) {
			m, err := NewVQ(spec, 3)
			if err != nil {
				t.Fatal(err)
			}
			decoder := func(parameter string) bool { return strings.HasPrefix(parameter, "decoder") }
			b := checkBuilder(t, m)
			checkGradient(t, b, m, b.CostNode(), decoder)
			b = checkBuilder(t, committing{m})
			checkGradient(t, b, m, b.CostNode(), func(parameter string) bool { return !decoder(parameter) })
		})
	}
}

// TestStraightThrough wants the value of e, and at z the gradient at e: of Σ y²,
// 2e.
func TestStraightThrough(t *testing.T) {
	store, err := graph.NewStore([]graph.Variable{{Name: "z", Shape: kernels.Shape{1, 2}}, {Name: "e", Shape: kernels.Shape{1, 2}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	copy(store.Lookup("z").Data, []float32{1, -2})
	copy(store.Lookup("e").Data, []float32{1.5, -3})
	b := graph.NewBuilder(store, true)
	do := keep(b)
	y := straightThrough(b, b.Variable("z"), b.Variable("e"))
	b.Output("y", y)
	b.Cost(do(ops.Sum(do(ops.Square(y)))))
	p := compile(t, b)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if y := p.Output("y"); !slices.Equal(y, []float32{1.5, -3}) {
		t.Errorf("the value is %v, want 1.5 and -3", y)
	}
	if d := store.Lookup("z").Gradient; !slices.Equal(d, []float32{3, -6}) {
		t.Errorf("the gradient is %v, want 3 and -6", d)
	}
	if d := store.Lookup("e").Gradient; !slices.Equal(d, []float32{0, 0}) {
		t.Errorf("the gradient by the entry is %v, want none", d)
	}
}

// compile makes a program for two threads of the CPU.
func compile(t *testing.T, b *graph.Builder) *graph.Program {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	p, err := graph.Compile(device, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// newCodebook is a codebook of its own with the given entries and counts, and a
// graph that chooses for m rows and learns from them.
func newCodebook(t *testing.T, c codebook, entries, counts []float32, m int) (*graph.Store, *graph.Program) {
	t.Helper()
	var state []graph.Variable
	for _, v := range c.variables() {
		state = append(state, v.Variable)
	}
	store, err := graph.NewStore(nil, state)
	if err != nil {
		t.Fatal(err)
	}
	copy(store.Lookup(codebookWeight).Data, entries)
	copy(store.Lookup(codebookCounts).Data, counts)
	b := graph.NewBuilder(store, true)
	z := b.Input("z", m, c.dim)
	chosen := c.nearest(b, z)
	b.Output("indices", c.number(b, chosen))
	b.Output("e", c.lookup(b, chosen))
	c.learn(b, z, chosen, m)
	return store, compile(t, b)
}

// TestCodebookFollowsTheEquations takes one step by hand: of three entries two
// stand for vectors, and keep N and m as the paper has them; the third stays.
func TestCodebookFollowsTheEquations(t *testing.T) {
	c := codebook{entries: 3, dim: 2, decay: 0.75}
	entries, counts := []float32{0, 0, 4, 4, -9, 9}, []float32{2, 1, 3}
	store, p := newCodebook(t, c, entries, counts, 4)
	z := []float32{1, 0, 0, 1, 3, 3, 1, 1}
	copy(p.Input("z"), z)
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if got := p.Output("indices"); !slices.Equal(got, []float32{0, 0, 1, 0}) {
		t.Fatalf("the nearest entries are %v, want 0, 0, 1, 0", got)
	}
	if got := p.Output("e"); !slices.Equal(got, []float32{0, 0, 0, 0, 4, 4, 0, 0}) {
		t.Errorf("they are %v", got)
	}
	for k, want := range [][3]float64{ // N, then m
		{0.75*2 + 0.25*3, 0.25 * 2, 0.25 * 2},
		{0.75*1 + 0.25*1, 0.75*4 + 0.25*3, 0.75*4 + 0.25*3},
		{0.75 * 3, -9 * 0.75 * 3, 9 * 0.75 * 3},
	} {
		n := float64(store.Lookup(codebookCounts).Data[k])
		if math.Abs(n-want[0]) > 1e-6 {
			t.Errorf("entry %d counts %g, want %g", k, n, want[0])
		}
		for d := range 2 {
			if e := float64(store.Lookup(codebookWeight).Data[2*k+d]); math.Abs(e-want[1+d]/want[0]) > 1e-6 {
				t.Errorf("entry %d has %g at %d, want m/N = %g", k, e, d, want[1+d]/want[0])
			}
		}
	}
}

// TestFadedEntriesStay lets an entry that stands for nothing fade to a count of
// 0: it stays where it is, and the next vector near it moves it there.
func TestFadedEntriesStay(t *testing.T) {
	c := codebook{entries: 2, dim: 1, decay: 0.1}
	store, p := newCodebook(t, c, []float32{0, 8}, []float32{1, 1}, 2)
	for range 60 {
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
	}
	if e, n := store.Lookup(codebookWeight).Data[1], store.Lookup(codebookCounts).Data[1]; e != 8 || n != 0 {
		t.Errorf("the entry is %g and counts %g, want 8 and 0", e, n)
	}
	p.Input("z")[1] = 7
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if e := store.Lookup(codebookWeight).Data[1]; math.Abs(float64(e)-7) > 1e-6 {
		t.Errorf("the entry moves to %g, want 7", e)
	}
}

// TestRevival gives all vectors one near entry: without revival the others stay
// dead for ever; with it, each becomes a vector of the batch, as the clock
// draws, and the use spreads. It also takes batches with fewer vectors than
// entries.
func TestRevival(t *testing.T) {
	const rows = 24
	bad := []float32{0.5, 100, 200, 300, 400, 500, 600, 700}
	for _, test := range []struct {
		revive float64
		rows   int
		alive  bool
	}{{0, rows, false}, {0.05, rows, true}, {0.05, 5, true}} {
		c := codebook{entries: 8, dim: 1, decay: 0.5, revive: test.revive}
		store, p := newCodebook(t, c, bad, []float32{1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5}, test.rows)
		z := p.Input("z")
		for i := range z {
			z[i] = float32(i) / float32(len(z))
		}
		var again []float32
		usage := make(Usage, 8)
		for step := range 12 {
			p.Clock().Step = uint64(step)
			if err := p.Run(); err != nil {
				t.Fatal(err)
			}
			if step == 0 {
				again = slices.Clone(store.Lookup(codebookWeight).Data)
			}
		}
		if err := usage.Add(p.Output("indices")); err != nil {
			t.Fatal(err)
		}
		if dead := usage.Dead(); test.rows == rows && (dead == 0) != test.alive || !test.alive && dead != 7 {
			t.Errorf("revival below %g: %d of 8 entries are dead", test.revive, dead)
		}
		for k, e := range again[1:] {
			if test.alive && !slices.Contains(z, e) {
				t.Errorf("after one step entry %d is %g, no vector of the batch", k+1, e)
			}
		}
	}
}

// TestVQEvaluation runs the graphs of each model beside each other: the code is
// that of Encode, made of the entries that the indices name, and the
// reconstruction is Decode of it.
func TestVQEvaluation(t *testing.T) {
	const batch = 3
	for name, spec := range quantisedSpecs(t) {
		t.Run(name, func(t *testing.T) {
			m, err := NewVQ(spec, 2)
			if err != nil {
				t.Fatal(err)
			}
			for i := range m.Store().Lookup(codebookWeight).Data { // entries that differ
				m.Store().Lookup(codebookWeight).Data[i] = float32(i*7%5)/5 - 0.4 + float32(i)/100
			}
			of := func(build func(*graph.Builder, int)) *graph.Program {
				b := graph.NewBuilder(m.Store(), false)
				build(b, batch)
				return compile(t, b)
			}
			evaluate, encode, decode := of(m.Evaluate), of(m.Encode), of(m.Decode)
			for i := range evaluate.Input(Image) {
				evaluate.Input(Image)[i] = float32(i%11) / 11
			}
			copy(encode.Input(Image), evaluate.Input(Image))
			for _, p := range []*graph.Program{evaluate, encode} {
				if err := p.Run(); err != nil {
					t.Fatal(err)
				}
			}
			codes, err := m.Lookup(encode.Output(Indices))
			if err != nil || !slices.Equal(codes, encode.Output(Code)) || !slices.Equal(codes, evaluate.Output(Code)) {
				t.Fatalf("the entries of the indices are %v (%v), the codes %v, and in the evaluation %v", codes, err, encode.Output(Code), evaluate.Output(Code))
			}
			copy(decode.Input(Code), codes)
			if err := decode.Run(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(decode.Output(Reconstruction), evaluate.Output(Reconstruction)) {
				t.Error("decoding the codes differs from reconstructing the images")
			}
			sum := 0.0
			for _, term := range m.Terms() {
				sum += term.Weight * float64(evaluate.Output(term.Name)[0])
			}
			if loss := float64(evaluate.Output(Loss)[0]); math.Abs(sum-loss) > 1e-5*math.Abs(sum) {
				t.Errorf("the loss is %g and its terms add up to %g", loss, sum)
			}
			usage := make(Usage, m.Entries())
			if err := usage.Add(evaluate.Output(Indices)); err != nil {
				t.Fatal(err)
			}
			if got, want := float64(evaluate.Output(Perplexity)[0]), usage.Perplexity(); math.Abs(got-want) > 1e-4*want {
				t.Errorf("the perplexity is %g in the graph and %g by counting", got, want)
			}
			if l := m.Layers(); !slices.ContainsFunc(l, func(l LayerInfo) bool { return l.Name == "codebook" }) || l[len(l)-1].Part != "decoder" || l[0].Part != "encoder" {
				t.Errorf("the layers are %+v, want the codebook in their midst", l)
			}
			if g := m.Grid(); m.Positions()*m.dim != m.CodeSize() || g.Size() != m.CodeSize() {
				t.Errorf("%d positions of %d numbers on a grid of %v make a code of %d", m.Positions(), m.dim, g, m.CodeSize())
			}
		})
	}
}

// TestVQRefusals lists specs that say too little or too much.
func TestVQRefusals(t *testing.T) {
	of := func(change func(*VQSpec)) VQSpec {
		s := VQSpec{Spec: Spec{Input: Shape{C: 1, H: 8, W: 8}, Encoder: Seq(Conv(6, K(3), S(2)))}}
		change(&s)
		return s
	}
	for _, test := range []struct {
		change func(*VQSpec)
		want   string
	}{
		{func(s *VQSpec) { s.Entries = 1 }, "has 1 entries; want 2 to 65536"},
		{func(s *VQSpec) { s.Dim = 4 }, "an entry of the codebook has 4 numbers and the encoder's output is 6x4x4"},
		{func(s *VQSpec) { s.Dim = -1 }, "has -1 numbers"},
		{func(s *VQSpec) { s.Decay = 1 }, "the decay of the codebook is 1"},
		{func(s *VQSpec) { s.Commitment = math.Inf(1) }, "weighs +Inf"},
		{func(s *VQSpec) { s.Revive = math.NaN() }, "revived below NaN"},
		{func(s *VQSpec) { s.Encoder = Seq(Dense(3)) }, "put a flatten before it"},
	} {
		if _, err := NewVQ(of(test.change), 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("the error is %v, want one that says %q", err, test.want)
		}
	}
	m, err := NewVQ(of(func(*VQSpec) {}), 1)
	if err != nil {
		t.Fatal(err)
	}
	for what, indices := range map[string][]float32{"make no codes": make([]float32, 15), "names no entry": slices.Repeat([]float32{512}, 16), "index 0.5": slices.Repeat([]float32{0.5}, 16)} {
		if _, err := m.Lookup(indices); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v: the error is %v, want one that says %q", indices, err, what)
		}
	}
}
