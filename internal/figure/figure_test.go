package figure

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"hourglass/models"
)

// modelOf makes the model of a spec's text.
func modelOf(t *testing.T, in models.Shape, encoder, decoder string, latent int) *models.Autoencoder {
	t.Helper()
	spec := models.Spec{Input: in, Latent: latent}
	var err error
	if spec.Encoder, err = models.Parse(encoder); err != nil {
		t.Fatal(err)
	}
	if decoder != "" {
		if spec.Decoder, err = models.Parse(decoder); err != nil {
			t.Fatal(err)
		}
	}
	m, err := models.New(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSlabs checks which tensors are drawn, and which is the code.
func TestSlabs(t *testing.T) {
	image := models.Shape{C: 1, H: 28, W: 28}
	for _, test := range []struct {
		encoder, decoder string
		latent           int
		want             string
	}{
		{"conv 32 k3 s2 relu | conv 64 k3 s2 relu", "", 32, "input:1x28x28 encoder:32x14x14 encoder:64x7x7 code:32 decoder:64x7x7 decoder:32x14x14 decoder:1x28x28"},
		{"flatten", "", 8, "input:1x28x28 code:8 decoder:1x28x28"},
		{"flatten | dense 100 | relu", "", 8, "input:1x28x28 encoder:100 code:8 decoder:100 decoder:1x28x28"},
		{"conv 4 k3 s4", "", 0, "input:1x28x28 code:4x7x7 decoder:1x28x28"},
		{"conv 4 k3 | maxpool 2", "dense 784", 0, "input:1x28x28 encoder:4x28x28 code:4x14x14 decoder:784"},
	} {
		m := modelOf(t, image, test.encoder, test.decoder, test.latent)
		var got []string
		for _, s := range slabs(m.Input(), m.Layers()) {
			got = append(got, s.part+":"+s.shape.String())
		}
		if text := strings.Join(got, " "); text != test.want {
			t.Errorf("%s, %d:\n got %s\nwant %s", test.encoder, test.latent, text, test.want)
		}
	}
}

// TestSVG checks that the drawing is XML, lies within its frame from left to
// right, and names every layer with weights.
func TestSVG(t *testing.T) {
	m := modelOf(t, models.Shape{C: 3, H: 64, W: 48}, "conv 32 k3 s2 relu | conv 64 k3 s2 relu", "", 16)
	var out bytes.Buffer
	if err := SVG(&out, `a <"title"> & more`, m.Input(), m.Layers()); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for decoder := xml.NewDecoder(&out); ; {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
	for _, want := range []string{"a &lt;&#34;title&#34;&gt; &amp; more", "conv 32 k3 s2 relu", "3×64×48", ">16<", "code"} {
		if !strings.Contains(text, want) {
			t.Errorf("the drawing lacks %q", want)
		}
	}
	boxes, width := arrange(slabs(m.Input(), m.Layers()))
	for i, b := range boxes {
		if b.x < margin || b.x+b.w+b.d > width-margin+0.01 {
			t.Errorf("slab %d lies at %g to %g of %g", i, b.x, b.x+b.w+b.d, width)
		}
		if i > 0 && b.x < boxes[i-1].x+boxes[i-1].w+boxes[i-1].d {
			t.Errorf("slab %d overlaps the one before", i)
		}
	}
	if code := boxes[3]; code.part != "code" || code.h >= boxes[2].h || code.h >= boxes[4].h {
		t.Errorf("the code is not the neck: %+v", code)
	}
}

func TestDOT(t *testing.T) {
	m := modelOf(t, models.Shape{C: 1, H: 8, W: 8}, "conv 2 k3 s2 relu", "", 4)
	var out bytes.Buffer
	if err := DOT(&out, `"quoted"`, m.Input(), m.Layers()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"digraph {", `label="\"quoted\""`, `conv 2 k3 s2 relu\n`, `n0 -> n1 [label="1×8×8"]`, `-> out [label="1×8×8"]`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}
