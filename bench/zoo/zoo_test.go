package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/internal/config"
	"hourglass/internal/repository"
)

// most is how many bytes a picture may take: of digits few, of photographs more.
func (e entry) most() int64 {
	if e.source == "" {
		return 20 << 10
	}
	return 160 << 10
}

// The document is what its template makes of the results.
func TestDocumentIsCurrent(t *testing.T) {
	root := repository.Root(t)
	byName, err := readResults(filepath.Join(root, resultsPath))
	if err != nil {
		t.Fatal(err)
	}
	want, err := document(byName)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, documentPath))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what the template makes of %s; run go run ./bench/zoo -document", documentPath, resultsPath)
	}
	for _, e := range entries {
		if !strings.Contains(string(want), "\n### "+e.name+"\n") {
			t.Errorf("the template has no section %q", e.name)
		}
		command, err := e.command()
		if err != nil || !strings.Contains(string(want), command) {
			t.Errorf("the section of %s does not show its command %q (%v)", e.name, command, err)
		}
		if _, known := byName[e.name]; !known {
			continue
		}
		if info, err := os.Stat(filepath.Join(root, pictures, e.name+".png")); err != nil || info.Size() > e.most() {
			t.Errorf("the picture of %s is missing or has more than %d bytes: %v", e.name, e.most(), err)
		}
	}
	for name, r := range byName {
		if r.Command == "" || r.Commit == "" || r.Ours == nil {
			t.Errorf("the result of %s does not say how it came about", name)
		}
	}
}

func TestEveryKindHasAnEntry(t *testing.T) {
	k, err := config.Explain("model.kind")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		c, err := e.settings()
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		have = append(have, c.Model.Kind)
		if c.Data.Validation != 0 {
			t.Errorf("%s puts %g of the images aside, which the command would and this program does not", e.name, c.Data.Validation)
		}
	}
	for _, kind := range k.Choices {
		if !slices.Contains(have, kind) {
			t.Errorf("kind %s has no entry; add one to entries.go and a section to models.md.tmpl", kind)
		}
	}
}

// PyTorch's side knows every term of every loss, by the names used here.
func TestTermsAreKnownInPyTorch(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(repository.Root(t), "bench", "peers", "zoo_torch.py"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		c, err := e.settings()
		if err != nil {
			t.Fatal(err)
		}
		shape := data.Shape{C: 1, H: 28, W: 28}
		if c.Data.Shape != "" {
			if _, err := fmt.Sscanf(c.Data.Shape, "%dx%dx%d", &shape.C, &shape.H, &shape.W); err != nil {
				t.Fatalf("%s: shape %q: %v", e.name, c.Data.Shape, err)
			}
		}
		model, err := c.Build(shape)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		for _, term := range model.Terms() {
			if !strings.Contains(string(script), `"`+term.Name+`"`) {
				t.Errorf("%s: zoo_torch.py has no term %q", e.name, term.Name)
			}
		}
	}
}

// An entry goes all the way on a few drawn digits, but for PyTorch.
func TestEntryIsTrainedMeasuredAndDrawn(t *testing.T) {
	digits, _, err := data.Open("glyphs", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"denoising", "cvae", "vamp"} {
		e := entries[slices.IndexFunc(entries, func(e entry) bool { return e.name == name })]
		c, err := e.settings()
		if err != nil {
			t.Fatal(err)
		}
		c.Train.Epochs, c.Train.Batch = 1, 20
		few, err := first(digits, 200)
		if err != nil {
			t.Fatal(err)
		}
		m, err := open(e, c, few, few, 1)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer m.close()
		folder, begun := t.TempDir(), false
		f, err := fit(context.Background(), io.Discard, m, func() error { begun = true; return m.start(1).Write(folder) })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// Deep in learning or not, the loss lies between the entropy and that of
		// grey images, 784 log 2.
		if !begun || !(f.Loss > 40 && f.Loss < 544) || !(f.MSE > 0 && f.MSE < 0.25) || (c.Model.Corrupt != "") != (f.Restored > 0) {
			t.Errorf("%s: begun %v, figures %+v", name, begun, f)
		}
		picture := filepath.Join(folder, "x.png")
		if err := m.draw(picture); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if info, err := os.Stat(picture); err != nil || info.Size() < 1000 {
			t.Errorf("%s: the picture: %v", name, err)
		}
	}
}

func TestCrossEntropyAndPSNR(t *testing.T) {
	if got, want := crossEntropy([]float32{0.25, 1}, []float32{1, 1}), math.Log(4); math.Abs(got-want) > 1e-6 {
		t.Errorf("cross-entropy %g, want %g", got, want)
	}
	if got := decibels([]float32{0.5, 0}, []float32{0.4, 0.1}); math.Abs(got-20) > 1e-4 {
		t.Errorf("%g dB, want 20", got)
	}
}

func TestDamage(t *testing.T) {
	square := data.Shape{C: 1, H: 100, W: 100}
	grey := make([]float32, square.Size())
	for i := range grey {
		grey[i] = 0.5
	}
	for _, c := range []struct {
		corrupt      string
		black, white int // about
	}{{"mask 0.25", 2500, 0}, {"saltpepper 0.4", 2000, 2000}} {
		damaged, err := damage(c.corrupt, grey, square)
		if err != nil {
			t.Fatal(err)
		}
		black, white := 0, 0
		for _, x := range damaged {
			switch x {
			case 0:
				black++
			case 1:
				white++
			}
		}
		if math.Abs(float64(black-c.black)) > 200 || math.Abs(float64(white-c.white)) > 200 {
			t.Errorf("%s makes %d of 10000 pixels black and %d white, want about %d and %d", c.corrupt, black, white, c.black, c.white)
		}
	}
	if _, err := damage("speckle 1", grey, square); err == nil {
		t.Error("a corruption that is not measured is accepted")
	}
}

// A white point becomes the filter, whose sum is one; in colour images each
// channel is blurred alone.
func TestBlurOfAPoint(t *testing.T) {
	shape := data.Shape{C: 3, H: 15, W: 17}
	image := make([]float32, shape.Size())
	at := func(h, w, c int) int { return (h*shape.W+w)*shape.C + c }
	image[at(7, 8, 1)] = 1
	made, err := damage("blur 1", image, shape)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, x := range made {
		sum += float64(x)
		if i%shape.C != 1 && x != 0 {
			t.Fatalf("channel %d is %g, want black", i%shape.C, x)
		}
	}
	if math.Abs(sum-1) > 1e-5 {
		t.Errorf("the filter sums to %g, want 1", sum)
	}
	for _, step := range []int{at(6, 8, 1), at(7, 9, 1)} {
		if got, want := float64(made[step]/made[at(7, 8, 1)]), math.Exp(-0.5); math.Abs(got-want) > 1e-5 {
			t.Errorf("one pixel from the point is %g of it, want %g", got, want)
		}
	}
}
