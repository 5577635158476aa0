package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestRoofline wants a picture that is XML, in which every point stands inside
// the frame and the slowest is named with its share of the roof.
func TestRoofline(t *testing.T) {
	roof := Roof{FLOPs: 200e9, Bytes: 40e9}
	points := []RooflinePoint{
		{Name: "W1 <a>", Kind: "forward", Set: "W1", Intensity: 2, FLOPs: 40e9},   // half of 80
		{Name: "W1 b", Kind: "weight", Set: "W1", Intensity: 500, FLOPs: 190e9},   // nearly all
		{Name: "W2 c", Kind: "weight", Set: "W2", Intensity: 0.11, FLOPs: 0.44e9}, // a tenth of 4.4
	}
	var picture bytes.Buffer
	if err := Roofline(&picture, "a & b", roof, points); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(picture.Bytes()))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
	for _, text := range []string{"a &amp; b", "W1 &lt;a&gt;, forward: 40 GFLOP/s, 50% of the roof", ">W2 c, weight: 10%<"} {
		if !strings.Contains(picture.String(), text) {
			t.Errorf("the picture does not say %q", text)
		}
	}
	f := newRoofFrame(roof, points)
	for _, p := range points {
		x, y := f.x(p.Intensity), f.y(p.FLOPs)
		if x < roofLeft || x > roofWidth-roofRight || y < roofTop || y > roofHeight-roofBottom {
			t.Errorf("%s stands at %.0f,%.0f, outside the frame", p.Name, x, y)
		}
	}
}
