package figure

import (
	"math"

	"hourglass/models"
)

// slab is one tensor on the way through the model, with the layers that make
// it.
type slab struct {
	part       string
	texts      []string // of the layers; none for the input
	shape      models.Shape
	parameters int
}

// slabs folds what only reshapes or checks, and activations and norms on their
// own, into the layer before, so that each slab is one tensor worth seeing.
func slabs(in models.Shape, layers []models.LayerInfo) []slab {
	all := []slab{{part: "input", shape: in}}
	for _, l := range layers {
		last := &all[len(all)-1]
		same := l.Parameters == 0 && l.In.Size() == l.Out.Size()
		if same && len(last.texts) > 0 && last.part == l.Part {
			last.texts = append(last.texts, l.Text)
			if last.shape.Flat { // an unflatten shows what the row really is
				last.shape = l.Out
			}
			continue
		}
		if same && l.In != l.Out { // a part that begins with a reshape
			continue
		}
		if l.Part == "bottleneck" && last.part == l.Part { // a second head beside the first
			last.texts = append(last.texts, l.Text)
			last.parameters += l.Parameters
			continue
		}
		all = append(all, slab{l.Part, []string{l.Text}, l.Out, l.Parameters})
	}
	markCode(all)
	return all
}

// markCode names the slab at which the encoder, or the bottleneck, ends.
func markCode(all []slab) {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].part != "decoder" {
			all[i].part = "code"
			return
		}
	}
}

// side is the height that stands for a tensor: an image's, or that of the
// square into which a row would fit.
func (s slab) side() float64 {
	if s.shape.Flat {
		return math.Sqrt(float64(s.shape.C))
	}
	return float64(s.shape.H)
}

// depth is what the slab's receding edge stands for.
func (s slab) depth() float64 {
	if s.shape.Flat {
		return 0
	}
	return float64(s.shape.W)
}

// breadth is the width that stands for the channels, in steps of a doubling; a row
// has no channels, and a width at which it is seen.
func (s slab) breadth() float64 {
	if s.shape.Flat {
		return 1.6
	}
	return 1 + math.Log2(float64(s.shape.C))
}
