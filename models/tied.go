package models

import (
	"fmt"
	"strings"
)

// tied mirrors the encoder, which must be such that the decoder's weights can be
// its own.
func (s Spec) tied(end Shape) (Spec, error) {
	for i, l := range s.Encoder {
		if composed(l.Kind) {
			return s, fmt.Errorf("encoder[%d] %v has no weight that its mirror image could share; tie the weights of convolutions and dense layers alone", i, l)
		}
	}
	mirrored, err := s.mirrored(end)
	if err == nil && s.Decoder != nil && s.Decoder.String() != mirrored.String() {
		err = fmt.Errorf("the weights are tied and the decoder is %q; leave it out, for only the encoder's mirror image has weights of the same shapes", s.Decoder)
	}
	s.Decoder = mirrored
	return s, err
}

// tie gives the decoder the weights of what it mirrors: the layers with weights
// of parts, in reverse.
func (p *part) tie(parts ...part) {
	var names []string
	for _, before := range parts {
		before.eachSum(func(module int) { names = append(names, before.prefix(module)+".weight") })
	}
	p.twins = make(map[int]string)
	p.eachSum(func(module int) {
		p.twins[module] = names[len(names)-1]
		names = names[:len(names)-1]
	})
}

// eachSum calls f with the module number of each layer that is a sum.
func (p part) eachSum(f func(module int)) {
	module := 0
	for _, l := range p.layers {
		if sums(l.Kind) {
			f(module)
		}
		module += l.modules()
	}
}

// weightName is the name of the weight that module number m multiplies by.
func (p part) weightName(m int) string {
	if twin := p.twins[m]; twin != "" {
		return twin
	}
	return p.prefix(m) + ".weight"
}

// weightNames lists what the part multiplies by, the scales of norms included.
func (p part) weightNames() []string {
	var names []string
	p.eachSum(func(module int) {
		if twin := p.twins[module]; twin != "" {
			names = append(names, twin)
		}
	})
	for _, v := range p.variables() {
		if !v.state && strings.HasSuffix(v.Name, ".weight") {
			names = append(names, v.Name)
		}
	}
	return names
}
