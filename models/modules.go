package models

import (
	"strings"

	"hourglass/graph"
	"hourglass/kernels"
)

// Module is one module of the equivalent nn.Module of PyTorch. A layer is up to
// three of them: its operation, its norm and its activation.
type Module struct {
	Part string // encoder, bottleneck (a linear map to the code or its distribution), decoder or discriminator
	Name string // what its variables' names begin with: encoder.3, or fc_mu
	// Layer is the operation alone, without a norm (but for KindNorm) and
	// without an activation (but for KindActivate). Its padding is written out.
	Layer   Layer
	In, Out Shape
	Twin    string   // of a tied model's decoder: the module whose weight it multiplies by, having none of its own
	Inside  []Module // of a residual block or self-attention, in the order in which they are applied
}

// split takes a layer apart into the layers of its modules.
func (l Layer) split() []Layer {
	switch l.Kind {
	case KindAssert:
		return nil
	case KindNorm, KindActivate:
		return []Layer{l}
	}
	bare := l
	bare.Norm, bare.Activation = nil, kernels.Activation{}
	if l.Kind == KindConv || l.Kind == KindConvT {
		bare.Padding, bare.Padded = l.padding(), true
	}
	all := []Layer{bare}
	if l.Norm != nil {
		all = append(all, Layer{Kind: KindNorm, Norm: l.Norm})
	}
	if l.Activation.Function != kernels.Identity {
		all = append(all, Layer{Kind: KindActivate, Activation: l.Activation})
	}
	return all
}

// modules is how many modules of PyTorch a layer is.
func (l Layer) modules() int { return len(l.split()) }

// section is the section of the model that a part belongs to.
func (p part) section() string {
	if p.single {
		return "bottleneck"
	}
	return p.name
}

// Modules lists the modules in the order in which an image passes them; a VAE's
// two heads, fc_mu and fc_var, both see the encoder's output.
func (m *body) Modules() []Module {
	var all []Module
	for _, p := range m.parts() {
		number := 0
		for i, l := range p.layers {
			in, out := p.shapes[i], p.shapes[i+1]
			for _, one := range l.split() {
				module := Module{Part: p.section(), Name: p.prefix(number), Layer: one, In: in, Out: out, Twin: strings.TrimSuffix(p.twins[number], ".weight")}
				if isBlock(one.Kind) {
					for _, sub := range p.inside(one, in, number) {
						module.Inside = append(module.Inside, Module{Part: p.section(), Name: sub.name, Layer: sub.layers[0].split()[0], In: sub.shapes[0], Out: sub.out()})
					}
				}
				all = append(all, module)
				in = out // norms and activations keep the shape
				number++
			}
		}
	}
	return all
}

// StateDict lists a store's variables, views of their data, as PyTorch's
// state_dict has them: a batch normalisation's running statistics, which the
// store holds as one (2,C) variable, are running_mean and running_var.
func StateDict(store *graph.Store) []graph.Variable {
	all := append([]graph.Variable{}, store.Parameters...)
	for _, v := range store.State {
		if !strings.HasSuffix("."+v.Name, "."+runningName) || len(v.Shape) != 2 || v.Shape[0] != 2 {
			all = append(all, v)
			continue
		}
		c, mean, variance := v.Shape[1], v, v
		mean.Name, mean.Data = v.Name+"_mean", v.Data[:c]
		variance.Name, variance.Data = v.Name+"_var", v.Data[c:]
		for _, half := range []*graph.Variable{&mean, &variance} {
			half.Shape = kernels.Shape{c}
			if v.Order != nil {
				half.Order = v.Order[1:]
			}
		}
		all = append(all, mean, variance)
	}
	return all
}
