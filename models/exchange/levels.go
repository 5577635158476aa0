package exchange

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/internal/onnx"
	"hourglass/kernels"
	"hourglass/models"
)

// ofLevel are the modules of a level of a hierarchical code, by what they are
// for: up, fc_mu, fc_var, down, prior_mu or prior_var.
func (s structure) ofLevel(level int, what string) []models.Module {
	name := fmt.Sprintf("levels.%d.%s", level, what)
	var all []models.Module
	for _, m := range s.heads {
		if m.Name == name || strings.HasPrefix(m.Name, name+".") {
			all = append(all, m)
		}
	}
	return all
}

// descend adds the operators from what the encoder says, rows, to the means of
// the codes of all levels, side by side. The mean of the top level is the
// image's word; of the others it is joined with what the levels above let
// expect, by precisions:
//
//	μ = μp + w·(μq − μp), w = sigmoid(log σp² − log σq²)
func (t *translation) descend(features string) string {
	h := []string{features}
	for l := 1; l < len(t.levels); l++ {
		h = append(h, t.modules(t.ofLevel(l, "up"), h[l-1]))
	}
	var codes []string // of the levels so far, from the image upwards
	for l := len(t.levels) - 1; l >= 0; l-- {
		mean := t.modules(t.ofLevel(l, "fc_mu"), h[l])
		if len(codes) > 0 {
			mean = t.join(l, mean, h[l], t.beside(fmt.Sprintf("levels.%d/above", l), codes...))
		}
		codes = slices.Insert(codes, 0, mean)
	}
	return t.beside("levels/code", codes...)
}

// join is the mean of level l, that of the image alone being given, and the
// codes above it.
func (t *translation) join(l int, mean, features, above string) string {
	name := fmt.Sprintf("levels.%d/", l)
	expected := t.modules(t.ofLevel(l, "down"), above)
	expectedMean := t.modules(t.ofLevel(l, "prior_mu"), expected)
	ratio := t.node("Sub", name+"ratio", nil, t.modules(t.ofLevel(l, "prior_var"), expected), t.modules(t.ofLevel(l, "fc_var"), features))
	weight := t.activation(name+"weight", kernels.Activation{Function: kernels.Sigmoid}, ratio)
	shift := t.node("Mul", name+"shift", nil, weight, t.node("Sub", name+"difference", nil, mean, expectedMean))
	return t.node("Add", name+"mean", nil, expectedMean, shift)
}

// levelView is what model.py says of a level.
type levelView struct {
	Size, Features, Above int    // numbers of its code, of what it reads, and of the codes above it
	Activation            string // behind the layers up and down
}

func (s structure) levelViews() ([]levelView, error) {
	activation := models.Module{Layer: models.Layer{Kind: models.KindActivate}}
	if up := s.ofLevel(1, "up"); len(up) > 1 {
		activation = up[1]
	}
	text, err := call(activation)
	if err != nil {
		return nil, err
	}
	features, above := s.encoder[len(s.encoder)-1].Out.C, s.code
	var all []levelView
	for _, size := range s.levels {
		above -= size
		all = append(all, levelView{size, features, above, text})
	}
	return all, nil
}

// beside joins rows along their numbers; a single one stays as it is.
func (t *translation) beside(result string, rows ...string) string {
	if len(rows) == 1 {
		return rows[0]
	}
	return t.node("Concat", result, []onnx.Attribute{{Name: "axis", Value: 1}}, rows...)
}
