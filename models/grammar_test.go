package models

import (
	"reflect"
	"testing"
)

// TestTextIsGo compares both forms of layers, those that docs/from-pytorch.md sets
// side by side among them.
func TestTextIsGo(t *testing.T) {
	for text, want := range map[string]Layers{
		"conv 32 k4 s2":                              Seq(Conv(32, K(4), S(2))),
		"conv 8 k3 p0 d2 g4 nobias":                  Seq(Conv(8, P(0), D(2), G(4), NoBias)),
		"convt 32 k3 s2 o1":                          Seq(ConvT(32, S(2), O(1))),
		"dense 400 | assert 400":                     Seq(Dense(400), AssertFeatures(400)),
		"batchnorm | layernorm | groupnorm:8":        Seq(Normalise(BatchNorm), Normalise(LayerNorm), Normalise(GroupNorm(8))),
		"conv 4 k3 leakyrelu:0.2 | elu:0.5":          Seq(Conv(4, LeakyReLUWith(0.2)), Act(ELUWith(0.5))),
		"maxpool 2 | avgpool 3 s2":                   Seq(MaxPool(2), AvgPool(3, S(2))),
		"upsample 2 bilinear":                        Seq(Upsample(2, Bilinear)),
		"flatten | unflatten 64x7x7 | assert 64x7x7": Seq(Flatten(), Unflatten(64, 7, 7), Assert(64, 7, 7)),
		"res 64 g8 | attention | dropout 0.1":        Seq(Res(64, G(8)), Attention(), Dropout(0.1)),
	} {
		if got, err := Parse(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %+v (%v), want %+v", text, got, err, want)
		}
		if written := want.String(); written != text {
			t.Errorf("%q is written as %q", text, written)
		}
	}
}
