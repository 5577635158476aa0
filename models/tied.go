package models

import (
	"fmt"
	"strings"
)

// tied mirrors the encoder, which must be such that the decoder's weights can be
// its own.
func (s Spec) tied(end Shape) (Spec, error) {
	for i, l := range s.Encoder {
		if isBlock(l.Kind) {
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
// of parts, in reverse. A weight has one order in memory: where the decoder and
// what it mirrors see different ones, all rows are in the order C,H,W.
func (p *part) tie(parts ...part) {
	type twin struct {
		name     string
		from, to Shape // rows, see [Layers.pixelwise]
	}
	var twins []twin
	for _, before := range parts {
		before.eachSum(func(i, module int) {
			twins = append(twins, twin{before.prefix(module) + ".weight", before.images[i], before.images[i+1]})
		})
	}
	agree := true
	p.twins = make(map[int]string)
	p.eachSum(func(i, module int) {
		last := twins[len(twins)-1]
		twins = twins[:len(twins)-1]
		p.twins[module] = last.name
		agree = agree && p.images[i] == last.to && p.images[i+1] == last.from
	})
	if !agree {
		for _, one := range append(parts, *p) {
			clear(one.images)
		}
	}
}

// eachSum calls f with the number of each layer that is a sum, and of its module.
func (p part) eachSum(f func(i, module int)) {
	module := 0
	for i, l := range p.layers {
		if isLinear(l.Kind) {
			f(i, module)
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
	p.eachSum(func(_, module int) {
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
