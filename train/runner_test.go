package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/models"
	"hourglass/models/objective"
)

// byHand computes code, reconstruction and squared error of the tiny model for
// one image, in float64.
func (m *tiny) byHand(image []float32) (code, y []float64, squares float64) {
	at := func(name string, i int) float64 { return float64(m.store.Lookup(name).Data[i]) }
	for z := range 3 {
		sum := at("encoder.0.bias", z)
		for i, x := range image {
			sum += at("encoder.0.weight", 6*z+i) * float64(x)
		}
		running := m.store.State[0].Data
		sum = (sum - float64(running[z])) / math.Sqrt(float64(running[3+z])+1e-5)
		code = append(code, sum*at("encoder.1.weight", z)+at("encoder.1.bias", z))
	}
	for i, x := range image {
		sum := at("decoder.0.bias", i)
		for z, c := range code {
			sum += at("decoder.0.weight", 3*i+z) * c
		}
		y = append(y, sum)
		squares += (sum - float64(x)) * (sum - float64(x))
	}
	return code, y, squares
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-5*(1+math.Abs(want))) { // float32 sums of six
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

func TestEvaluateCountsEveryImageOnce(t *testing.T) {
	m := newTiny(t)
	device := openDevice(t, 2)
	ds := tinyImages(t, 0, 11)
	want := 0.0
	image := make([]float32, 6)
	for i := range ds.Len() {
		if err := ds.Image(i, image); err != nil {
			t.Fatal(err)
		}
		_, _, squares := m.byHand(image)
		want += squares / 6 / 11
	}
	for _, batch := range []int{1, 4, 11, 50} { // remainders 0, 3, 0 and less than one batch
		got, err := Evaluate(context.Background(), device, m, ds, batch)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "the loss", got.Loss, want)
		near(t, "the MSE", got.MSE, want)
		near(t, "the PSNR", got.PSNR(), 10*math.Log10(1/want))
		if got.N != 11 {
			t.Errorf("batch %d: %d images were counted, want 11", batch, got.N)
		}
	}
}

func TestRunnerHandlesAnyNumber(t *testing.T) {
	m := newTiny(t)
	ds := tinyImages(t, 0, 13)
	images := make([]float32, 13*6)
	for i := range 13 {
		if err := ds.Image(i, images[6*i:6*i+6]); err != nil {
			t.Fatal(err)
		}
	}
	r, err := NewRunner(openDevice(t, 1), m, 6)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, n := range []int{0, 1, 2, 3, 5, 6, 7, 12, 13} {
		codes, err := r.Encode(images[:6*n], n)
		if err != nil || len(codes) != 3*n {
			t.Fatalf("encoding %d images gave %d numbers (%v), want %d", n, len(codes), err, 3*n)
		}
		reconstructed, err := r.Reconstruct(images[:6*n], n)
		if err != nil || len(reconstructed) != 6*n {
			t.Fatalf("reconstructing %d images gave %d numbers (%v), want %d", n, len(reconstructed), err, 6*n)
		}
		decoded, err := r.Decode(codes, n)
		if err != nil || !slices.Equal(decoded, reconstructed) {
			t.Errorf("decoding the codes of %d images differs from reconstructing them (%v)", n, err)
		}
		for i := range n {
			code, y, _ := m.byHand(images[6*i : 6*i+6])
			near(t, "a code", float64(codes[3*i+1]), code[1])
			near(t, "a pixel", float64(reconstructed[6*i+5]), y[5])
		}
	}
	if n := len(r.programs); n != 12 {
		t.Errorf("%d programs were compiled, want 12: to encode, decode and evaluate 1, 2, 4 and 6 images", n)
	}
}

func TestRunnerRefuses(t *testing.T) {
	m, device := newTiny(t), openDevice(t, 1)
	if _, err := NewRunner(device, m, 0); err == nil {
		t.Error("a batch of 0 passed")
	}
	r, err := NewRunner(device, m, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Encode(make([]float32, 11), 2); err == nil || !strings.Contains(err.Error(), "11 values, want 6 of each") {
		t.Errorf("11 values as 2 images gave %v", err)
	}
	if _, err := r.Evaluate(context.Background(), differentShape{tinyImages(t, 0, 4)}); err == nil || !strings.Contains(err.Error(), "1x3x2") {
		t.Errorf("images of another shape gave %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Evaluate(ended, tinyImages(t, 0, 4)); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gave %v", err)
	}
}

// noisy reconstructs every image as noise.
type noisy struct{ *tiny }

func (m noisy) Evaluate(b *graph.Builder, batch int) {
	x := b.Input(models.Image, batch, 2, 3, 1)
	y := must(b)(ops.Scale(b.Noise(batch, 2, 3, 1), 1))
	b.Output(models.Reconstruction, y)
	b.Output(models.Loss, must(b)(objective.MSE(y, x, objective.Mean)))
}

func TestEvaluationDrawsTheSameNoiseEachTime(t *testing.T) {
	same := []byte{1, 2, 3, 4, 5, 6}
	image := func(n int) data.Dataset {
		ds, err := data.NewMemory("one", data.Shape{C: 1, H: 2, W: 3}, bytes.Repeat(same, n), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ds
	}
	r, err := NewRunner(openDevice(t, 1), noisy{newTiny(t)}, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []Metrics
	for _, n := range []int{8, 4, 8} {
		m, err := r.Evaluate(context.Background(), image(n))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	if !reflect.DeepEqual(got[0], got[2]) {
		t.Errorf("two evaluations of one set give %+v and %+v", got[0], got[2])
	}
	if got[0].MSE == got[1].MSE {
		t.Error("two batches of one evaluation draw the same noise")
	}
	y, err := r.Reconstruct(make([]float32, 8*6), 8)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(y[:24], y[24:]) {
		t.Error("two chunks of one call draw the same noise")
	}
}

// One pass must give what the passes for one output each give.
func TestInspectGivesEverything(t *testing.T) {
	spec := models.MLP(models.Shape{C: 1, H: 3, W: 2}, []int{7}, 4, models.ReLU)
	vae, err := models.NewVAE(models.VAESpec{Spec: spec}, 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRunner(openDevice(t, 2), vae, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	images := make([]float32, 6*6)
	for i := range images {
		images[i] = float32(i) / 36
	}
	got, err1 := r.Inspect(images, 6) // a batch and a half
	codes, err2 := r.Encode(images, 6)
	made, err3 := r.Reconstruct(images, 6)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Codes, codes) || !slices.Equal(got.Reconstructions, made) || len(got.LogVariances) != 6*4 || slices.Equal(got.LogVariances, codes) {
		t.Errorf("got %v, want the codes %v and the images %v", got, codes, made)
	}
	plain, err := NewRunner(openDevice(t, 1), newTiny(t), 4)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if got, err := plain.Inspect(images[:6], 1); err != nil || got.LogVariances != nil {
		t.Errorf("a code without a distribution: %v, %v", got, err)
	}
}
