package models

// LayerInfo describes one layer of a model for a table.
type LayerInfo struct {
	Part       string // encoder, bottleneck (a linear map to the code or its distribution), decoder or discriminator
	Name       string // of its first variable's module, such as encoder.2
	Text       string // text form
	In, Out    Shape
	Parameters int
	FLOPs      int // of one image forward, a multiplication and an addition counted as two
}

// Layers describes all layers in the order in which an image passes them.
func (m *body) Layers() []LayerInfo {
	var all []LayerInfo
	for _, p := range m.parts() {
		module := 0
		for i, l := range p.layers {
			info := LayerInfo{Part: p.section(), Name: p.prefix(module), Text: l.String(), In: p.shapes[i], Out: p.shapes[i+1]}
			for _, v := range p.layerVariables(i, module) {
				if !v.state {
					info.Parameters += v.Shape.Size()
				}
			}
			info.FLOPs = l.flops(p.shapes[i])
			all = append(all, info)
			module += l.modules()
		}
	}
	return all
}

// flops counts the multiplications and additions of a layer's sums.
func (l Layer) flops(in Shape) int {
	switch l.Kind {
	case KindConv, KindConvT:
		g, err := l.convolution(in)
		if err != nil {
			return 0
		}
		return g.FLOPs()
	case KindDense:
		return 2 * in.C * l.Channels
	case KindRes, KindAttention:
		return l.blockFLOPs(in)
	}
	return 0
}
