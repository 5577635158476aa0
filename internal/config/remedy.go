package config

import (
	"fmt"
	"regexp"
	"strconv"

	"hourglass/data"
	"hourglass/models"
	"hourglass/train/diagnose"
)

// What becomes of a run that has failed: the choices of train.on_collapse.
const (
	Warn = "warn"
	Stop = "stop"
	Fix  = "fix"
)

// Strengths of the remedies.
const (
	remedyWarmUp   = "0.3"           // of all steps
	remedyFreeBits = "0.05"          // nats an element of the code
	remedyNoise    = "gaussian 0.25" // in the input
	lowered        = 10              // the rate is divided by: there is one restart, which must not be too timid
	lightened      = 4               // a weight of the divergence that is 1 or less is divided by, and a codebook
)

// Remedy changes what is likely to cure a failure of a run on images of a shape,
// and says what, in words. A change that the kind of model does not take is left
// out; none at all says that there is no remedy but a person's.
func (s *Settings) Remedy(failure diagnose.Failure, shape data.Shape) (changes []string) {
	for _, a := range s.Config.remedies(failure, shape) {
		k := keyOf(a.key)
		before := s.Config
		if k.Text(before) == a.text || k.set(&s.Config, a.text) != nil || s.Config.Validate() != nil || !s.Config.builds(shape) {
			s.Config = before
			continue
		}
		s.origin[k.Name] = FromRemedy
		changes = append(changes, fmt.Sprintf("%s %s instead of %s", k.Name, orNothing(a.text), orNothing(k.Text(before))))
	}
	return changes
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func (c Config) builds(shape data.Shape) bool {
	_, err := c.Build(shape)
	return err == nil
}

// remedies are what may help against a failure.
func (c Config) remedies(failure diagnose.Failure, shape data.Shape) []assignment {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 3, 64) }
	switch failure {
	case diagnose.PosteriorCollapse, diagnose.IgnoredCode:
		return c.unpull(number, shape)
	case diagnose.MeanImage:
		return []assignment{
			{"train.rate", number(c.Train.Rate / lowered)},
			{"model.encoder", relu.ReplaceAllString(c.Model.Encoder, "leakyrelu")},
			{"model.decoder", relu.ReplaceAllString(c.Model.Decoder, "leakyrelu")},
		}
	case diagnose.DeadCodebook:
		if c.Model.Revive == 0 {
			return []assignment{{"model.revive", number(models.DefaultRevive)}}
		}
		return []assignment{{"model.entries", strconv.Itoa(max(2, c.Model.Entries/lightened))}}
	case diagnose.Identity:
		if c.Model.Corrupt == "" {
			return []assignment{{"model.corrupt", remedyNoise}}
		}
	}
	return nil
}

// relu is the activation whose units die, as a word of a list of layers.
var relu = regexp.MustCompile(`\brelu\b`)

// unpull lessens the pull on codes that it has kept from saying anything: in its
// weight, in its beginning, and for the first nats of each element.
func (c Config) unpull(number func(float64) string, shape data.Shape) []assignment {
	model, err := c.Build(shape)
	if _, pulled := model.(interface{ Beta() float64 }); err != nil || !pulled {
		return nil
	}
	var all []assignment
	switch {
	case c.Model.Beta > 1:
		all = append(all, assignment{"model.beta", "1"})
	case c.Model.WarmUp > 0: // which has not been enough
		all = append(all, assignment{"model.beta", number(c.Model.Beta / lightened)})
	}
	if c.Model.WarmUp == 0 {
		all = append(all, assignment{"model.warm_up", remedyWarmUp})
	}
	if c.Model.FreeBits == 0 {
		all = append(all, assignment{"model.free_bits", remedyFreeBits})
	}
	return all
}
