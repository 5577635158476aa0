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
	judge       []models.Module // a discriminator, which only training asks
	code        int             // its size
	variational bool
	spatial     bool      // the heads make images, which become rows
	classes     int       // of which each image's is told to heads and decoder; 0 for none
	levels      []int     // sizes of a hierarchical model's codes, from the image upwards, or nil
	book        *codebook // between encoder and decoder of a quantised model, or nil
}

func structureOf(m Model) (structure, error) {
	s := structure{spec: m.Spec(), code: m.CodeSize()}
	switch m := m.(type) {
	case *models.Autoencoder, *models.WAE, *models.AAE:
	case *models.VAE, *models.IWAE, *models.VampVAE, *models.CVAE, *models.VAEGAN:
		s.variational = true
	case *models.VQ:
		s.book = codebookOf(m)
	case *models.HVAE:
		s.levels = m.Levels()
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
		case "bottleneck":
			if one.Layer.Kind == models.KindFlatten {
				s.spatial = true
				continue
			}
			s.heads = append(s.heads, one)
		case judging:
			s.judge = append(s.judge, one)
		default:
			return s, fmt.Errorf("%s, %v: it is of the part %s, which cannot be exchanged yet", one.Name, one.Layer, one.Part)
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

// judging is the part of a model that only its training asks.
const judging = "discriminator"

// divide lists a model's variables: those that its outputs depend on, and those
// beside them, which nothing but training reads, such as a learned variance of
// pixels.
func divide(m Model) (weights, beside []graph.Variable) {
	parts := partsOf(m)
	for _, v := range models.StateDict(m.Store()) {
		if part, found := parts[moduleOf(v.Name)]; v.Name == entriesName || found && part != judging {
			weights = append(weights, v)
		} else {
			beside = append(beside, v)
		}
	}
	return weights, beside
}

// partsOf tells of which part each module is, by its name.
func partsOf(m Model) map[string]string {
	parts := make(map[string]string)
	for _, one := range m.Modules() {
		parts[one.Name] = one.Part
		for _, sub := range one.Inside {
			parts[sub.Name] = sub.Part
		}
	}
	return parts
}

// unknown is the error of a module without an equivalent.
func unknown(m models.Module, where string) error {
	return fmt.Errorf("%s, %v: it has no equivalent in %s yet", m.Name, m.Layer, where)
}
