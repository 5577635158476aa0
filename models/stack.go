package models

import (
	"fmt"
	"math"
	"slices"

	"hourglass/kernels"
)

// Stacked is a model whose layers can be trained one by one before the whole is.
type Stacked interface {
	Model
	// Stages are the layers with weights between image and code, from the image
	// onwards. The error says what the model has that stands in the way.
	Stages() ([]Stage, error)
}

// Stage is one layer with weights of a model's encoder, with the pooling or
// flattening around it, and the layer of the decoder that mirrors it: together a
// shallow autoencoder of what the layers before make of an image. Stages that are
// trained one after the other, each on the codes of the one before, and then put
// back where they stand in the model, are a start for training all of it (Hinton
// and Salakhutdinov, "Reducing the dimensionality of data with neural networks",
// 2006; Bengio et al., "Greedy layer-wise training of deep networks", 2007).
type Stage struct {
	// Spec of the shallow autoencoder. The first one's reconstruction is paid for
	// as the model's is; the others' by the squared error. A row of n features
	// comes as an image of 1x1xn, so that a corruption masks features one by one.
	Spec Spec
	// Layers of the model's encoder, or the map to the code.
	Layers Layers

	whole        *body
	names        []string // of whole's variables, in the order of those of Spec's model
	varianceHead string   // name of the map to log variances of codes; "" where there is none
}

// Adopt copies what an autoencoder that was made of the stage's Spec has learned
// into the model that the stage is of.
func (s Stage) Adopt(trained *Autoencoder) error {
	if len(trained.variables) != len(s.names) {
		return fmt.Errorf("the stage has %d variables and the autoencoder %d; make it of the stage's spec", len(s.names), len(trained.variables))
	}
	for i, v := range trained.variables {
		to := s.whole.store.Lookup(s.names[i])
		if v.Shape.Size() != to.Shape.Size() {
			return fmt.Errorf("%s is %v and the stage's %s %v; make the autoencoder of the stage's spec", to.Name, to.Shape, v.Name, v.Shape)
		}
		to.Write(trained.store.Lookup(v.Name).Read())
	}
	return nil
}

// HasVariances says whether the stage makes codes that are distributions.
func (s Stage) HasVariances() bool { return s.varianceHead != "" }

// SetVariances sets the variances of codes that are distributions, the same for all
// images, to a part of those that the numbers of the codes, in order, have from
// image to image: the part of what the stage is given that its codes do not
// explain. Untrained they are about 1, whatever the scale of the codes that the
// stage has learned: noise that may drown them. undo puts back what was before. A
// device that has run the model is told of either by [graph.Device.Push].
func (s Stage) SetVariances(variances []float64, explained float64) (undo func()) {
	const least = 0.05 // of codes that are all but certain
	part := min(max(1-explained, least), 1)
	weight, bias := s.whole.store.Lookup(s.varianceHead+".weight"), s.whole.store.Lookup(s.varianceHead+".bias")
	weights, biases := slices.Clone(weight.Data), slices.Clone(bias.Data)
	clear(weight.Data)
	pixels := len(variances) / len(bias.Data) // of a code that is an image, C,H,W
	for c := range bias.Data {
		mean := 0.0
		for _, v := range variances[c*pixels : (c+1)*pixels] {
			mean += v / float64(pixels)
		}
		bias.Data[c] = float32(math.Log(part*mean + 1e-6))
	}
	return func() {
		copy(weight.Data, weights)
		copy(bias.Data, biases)
	}
}

// Stages implements [Stacked]. Of codes that are distributions the means are
// trained; see [Stage.SetVariances] for their variances.
func (m *body) Stages() ([]Stage, error) {
	if err := m.stacks(); err != nil {
		return nil, err
	}
	var stages []Stage
	starts := m.spec.Encoder.starts()
	place := len(m.spec.Decoder) // of the decoder's layers, from its end
	for i, start := range starts {
		end := len(m.spec.Encoder)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		stage, mirrored, err := m.stage(start, end)
		if err != nil {
			return nil, err
		}
		place -= mirrored
		stage.names = append(m.encoder.names(start, end), m.decoder.names(place, place+mirrored)...)
		if i == 0 {
			for _, v := range m.spec.likelihoodVariables() {
				stage.names = append(stage.names, v.Name)
			}
		}
		stages = append(stages, stage)
	}
	if len(m.heads) > 0 {
		stages = append(stages, m.lastStage(place))
	}
	if len(stages) < 2 {
		return nil, fmt.Errorf("the model has one layer with weights between image and code, which is all there is to train; give it two, or train the whole at once")
	}
	return stages, nil
}

// stacks says why the model is no stack of layers that can be trained alone, or
// nil.
func (m *body) stacks() error {
	mirror, err := m.spec.mirrored(m.encoder.out())
	if err != nil {
		return err
	}
	code := m.encoder.out()
	if len(m.heads) > 0 {
		code = m.heads[0].out()
	}
	switch {
	case m.classes > 0:
		return fmt.Errorf("the model is told classes, which no layer sees alone; pretrain a model that is not")
	case m.decoder.shapes[0].Size() != code.Size():
		return fmt.Errorf("the model's code has several levels, which are no stack of layers; pretrain a model with one")
	case m.spec.Encoder.last(hasWeights) == nil:
		return fmt.Errorf("the encoder has no layer with weights for another to be trained on; give it two, or train the whole at once")
	case mirror.String() != m.spec.Decoder.String():
		return fmt.Errorf("the decoder is %q, which is not the encoder's mirror image, so that no layer has one that undoes it; leave the decoder out", m.spec.Decoder)
	}
	for i, l := range m.spec.Encoder {
		if isBlock(l.Kind) {
			return fmt.Errorf("encoder[%d] %v hands its input on, so that it has nothing to learn alone; pretrain a model of convolutions and dense layers", i, l)
		}
		if m.spec.Tied && (l.Norm != nil || l.Kind == KindNorm) {
			return fmt.Errorf("encoder[%d] %v has a norm, and tied weights have none to share; untie the weights, or leave out the norm", i, l)
		}
	}
	return nil
}

// starts are where stages begin: at a layer with weights, or at the change of
// shape before it, once another has been seen.
func (l Layers) starts() []int {
	all, seen := []int{0}, false
	for i, one := range l {
		begins := isLinear(one.Kind) || one.Kind == KindFlatten || one.Kind == KindUnflatten
		if seen && begins && l[i:].last(hasWeights) != nil {
			all, seen = append(all, i), false
		}
		seen = seen || isLinear(one.Kind)
	}
	return all
}

// stage is that of some of the encoder's layers, without its names, and how many
// of the decoder's mirror them.
func (m *body) stage(start, end int) (s Stage, mirrored int, err error) {
	in, out, layers := m.encoder.shapes[start], m.encoder.shapes[end], m.spec.Encoder[start:end]
	decoder, err := layers.Mirror(in)
	if err != nil {
		return Stage{}, 0, err
	}
	mirrored = len(decoder)
	s = Stage{Spec: m.stageSpec(start), Layers: layers, whole: m}
	// What the decoder makes at this place passes the norm and activation of the
	// layer before, as in the whole.
	if before := m.spec.Encoder[:start].folded().last(hasWeights); before != nil {
		s.Spec.Output = facing(before.Activation)
		if before.Norm != nil {
			last := decoder.last(isLinear)
			last.Norm, last.Activation, s.Spec.Output = before.Norm, before.Activation, kernels.Activation{}
		}
	}
	s.Spec.Encoder = append(Layers{}, layers...)
	if in.Flat {
		s.Spec.Encoder = append(Seq(Flatten()), layers...)
	}
	if !out.Flat {
		decoder = append(Seq(Unflatten(out.C, out.H, out.W)), decoder...)
	}
	if !m.spec.Tied { // which mirrors by itself
		s.Spec.Decoder = decoder
	}
	return s, mirrored, nil
}

// facing is what a stage's decoder applies where the whole's has an activation.
// Before a ReLU it learns without one, whose units would die where features are
// mostly 0: of features that are never below 0, the ReLU that follows in the whole
// can only lessen the error.
func facing(a kernels.Activation) kernels.Activation {
	if a.Function == kernels.ReLU {
		return kernels.Activation{}
	}
	return a
}

// stageSpec is the spec of a stage that begins at a layer of the encoder, but for
// its layers.
func (m *body) stageSpec(start int) Spec {
	in := m.encoder.shapes[start]
	if in.Flat {
		in = Shape{C: 1, H: 1, W: in.Size()}
	}
	s := Spec{Input: in, Tied: m.spec.Tied, Init: m.spec.Init, Likelihood: MSE}
	if start == 0 {
		s.Likelihood, s.Variance, s.Output = m.spec.Likelihood, m.spec.Variance, m.spec.Output
	}
	return s
}

// lastStage is that of the map to the code, which the first layers of the decoder
// up to a place undo.
func (m *body) lastStage(place int) Stage {
	s := Stage{Spec: m.stageSpec(len(m.spec.Encoder)), Layers: m.heads[0].layers, whole: m}
	s.Spec.Latent, s.Spec.Spatial = m.spec.Latent, m.spec.Spatial
	if !s.Spec.Spatial {
		s.Spec.Encoder = Seq(Flatten())
	}
	last := m.spec.Decoder[place-1]
	s.Spec.Output, last.Activation = facing(last.Activation), kernels.Activation{}
	if !m.spec.Tied {
		s.Spec.Decoder = append(append(Layers{}, m.spec.Decoder[:place-1]...), last)
	}
	s.names = append(m.heads[0].names(0, len(m.heads[0].layers)), m.decoder.names(0, place)...)
	if len(m.heads) > 1 {
		s.varianceHead = m.heads[1].prefix(0)
	}
	return s
}
