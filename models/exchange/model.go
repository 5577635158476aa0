package exchange

import (
	"fmt"

	"hourglass/models"
)

// Model is a model that can be exchanged: a *models.Autoencoder or a
// *models.VAE.
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
}

func structureOf(m Model) (structure, error) {
	s := structure{spec: m.Spec(), code: m.CodeSize()}
	switch m.(type) {
	case *models.Autoencoder:
	case *models.VAE:
		s.variational = true
	default:
		return s, fmt.Errorf("a model of type %T cannot be exchanged; want an autoencoder or a variational autoencoder", m)
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

// unknown is the error of a module without an equivalent.
func unknown(m models.Module, where string) error {
	return fmt.Errorf("%s, %v: it has no equivalent in %s yet", m.Name, m.Layer, where)
}
