package exchange

import (
	"fmt"
	"strings"

	"hourglass/graph"
	"hourglass/models"
)

// Model is a model that can be exchanged: an autoencoder of package models,
// variational or not.
type Model interface {
	models.Model
	Spec() models.Spec
	Modules() []models.Module
}

// structure is a model taken apart.
type structure struct {
	spec        models.Spec
	encoder     []models.Module
	heads       []models.Module // none, the code's, or those of its mean and log variance
	decoder     []models.Module
	code        int // its size
	variational bool
	classes     int // of which each image's is told to heads and decoder; 0 for none
}

func structureOf(m Model) (structure, error) {
	s := structure{spec: m.Spec(), code: m.CodeSize()}
	switch m.(type) {
	case *models.Autoencoder:
	case *models.VAE, *models.IWAE, *models.VampVAE, *models.CVAE:
		s.variational = true
	default:
		return s, fmt.Errorf("a model of type %T cannot be exchanged; want an autoencoder or a variational autoencoder", m)
	}
	if conditional, ok := m.(models.Conditional); ok {
		s.classes = conditional.Classes()
	}
	for _, one := range m.Modules() {
		switch one.Part {
		case "encoder":
			s.encoder = append(s.encoder, one)
		case "decoder":
			s.decoder = append(s.decoder, one)
		default:
			s.heads = append(s.heads, one)
		}
	}
	return s, nil
}

// flat says that the decoder ends in a row, which becomes the image.
func (s structure) flat() bool {
	if len(s.decoder) == 0 {
		return true // the code itself
	}
	return s.decoder[len(s.decoder)-1].Out.Flat
}

// output is the function that makes pixels of what the decoder's last module
// gives.
func (s structure) output() models.Layer {
	if s.spec.Likelihood == models.Bernoulli { // of logits
		return models.Act(models.Sigmoid)
	}
	return models.Layer{Kind: models.KindActivate, Activation: s.spec.Output}
}

// moduleOf is the name of the module that a variable belongs to.
func moduleOf(name string) string { return name[:max(0, strings.LastIndexByte(name, '.'))] }

// divide lists a model's variables: those of modules, and those beside them,
// such as a learned variance of pixels, which nothing but the loss reads.
func divide(m Model) (weights, beside []graph.Variable) {
	modules := make(map[string]bool)
	for _, one := range m.Modules() {
		modules[one.Name] = true
	}
	for _, v := range models.StateDict(m.Store()) {
		if modules[moduleOf(v.Name)] {
			weights = append(weights, v)
		} else {
			beside = append(beside, v)
		}
	}
	return weights, beside
}

// unknown is the error of a module without an equivalent.
func unknown(m models.Module, where string) error {
	return fmt.Errorf("%s, %v: it has no equivalent in %s yet", m.Name, m.Layer, where)
}
