package codec_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
	"hourglass/models/codec"
	"hourglass/train"
)

// glyphs returns training images and n others as (n,H,W,C).
func glyphs(t testing.TB, n int) (data.Dataset, []float32) {
	t.Helper()
	training, test, err := data.Open("glyphs:1x12x12,n=300,test=200", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	images := make([]float32, n*144)
	for i := range n {
		if err := test.Image(i, images[i*144:][:144]); err != nil {
			t.Fatal(err)
		}
	}
	return training, images
}

var glyph = models.Shape{C: 1, H: 12, W: 12}

// dense is a model whose weights are drawn, which is all that a codec asks for.
func dense(t testing.TB, seed uint64) models.Model {
	t.Helper()
	m, err := models.New(models.MLP(glyph, []int{40}, 8, models.ReLU), seed)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func variational(t testing.TB) models.Model {
	t.Helper()
	m, err := models.NewVAE(models.VAESpec{Spec: models.MLP(glyph, []int{40}, 20, models.ReLU)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// maps is a model whose code is a feature map, half of it exactly 0.
func maps(t testing.TB) models.Model {
	t.Helper()
	m, err := models.New(models.Convolutional(glyph, []int{4, 4}, 3, 0, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func open(t testing.TB, model models.Model, images codec.Images, threads int) *codec.Codec {
	t.Helper()
	prior, err := codec.Fit(model, images, threads)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.New(model, prior, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func compress(t testing.TB, c *codec.Codec, images []float32, names []string, step float64) *codec.Compressed {
	t.Helper()
	made, err := c.Compress(images, len(images)/144, names, step)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestRoundTrip holds the three promises: what comes out is the decoder's
// output of the quantised codes, bit for bit; these are within a step of the
// codes; and the file is as long as the prior says.
func TestRoundTrip(t *testing.T) {
	training, images := glyphs(t, 200)
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for name, model := range map[string]models.Model{"dense": dense(t, 1), "variational": variational(t), "feature maps": maps(t)} {
		c := open(t, model, training, 2)
		runner, err := train.NewRunner(device, model, 50) // chunks of another size than the codec's
		if err != nil {
			t.Fatal(err)
		}
		codes, err := runner.Encode(images, 200)
		if err != nil {
			t.Fatal(err)
		}
		longest := math.Inf(1)
		for _, step := range []float64{1.0 / 64, 0.3, 1, 5} {
			made := compress(t, c, images, nil, step)
			read, err := c.Decompress(made.Bytes)
			if err != nil {
				t.Fatalf("%s, step %g: %v", name, step, err)
			}
			if !slices.Equal(read.Codes, made.Codes) || read.N != 200 || read.Names != nil || math.Abs(read.Step-step) > 1e-3 {
				t.Errorf("%s, step %g: the file reads as %d images of step %g, or with other codes", name, step, read.N, read.Step)
			}
			got, err := c.Decode(read.Codes, 200)
			if err != nil {
				t.Fatal(err)
			}
			want, err := runner.Decode(made.Codes, 200)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, step %g: the images differ from the decoder's", name, step)
			}
			if !slices.Equal(made.Exact, codes) {
				t.Errorf("%s: the exact codes are not the encoder's", name)
			}
			if error, unit := deviation(codes, made.Codes), scale(codes); error > step*unit*0.4 {
				t.Errorf("%s, step %g: codes of deviation %.3g change by %.3g", name, step, unit, error)
			}
			payload := 8 * float64(len(made.Bytes)-made.Header)
			if math.Abs(payload-made.Rate) > 0.01*made.Rate+8 || made.Header > 40 {
				t.Errorf("%s, step %g: %.0f bits of codes, the prior says %.1f; %d bytes besides", name, step, payload, made.Rate, made.Header)
			}
			if payload >= longest {
				t.Errorf("%s: step %g takes %g bits, a smaller one %g", name, step, payload, longest)
			}
			longest = payload
		}
		runner.Close()
	}
}

// deviation is the root of the mean squared difference.
func deviation(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a)))
}

func scale(codes []float32) float64 { return deviation(codes, make([]float32, len(codes))) }

func TestBytesAreTheSameForAnyThreads(t *testing.T) {
	training, images := glyphs(t, 70)
	for name, model := range map[string]models.Model{"dense": dense(t, 1), "feature maps": maps(t)} {
		var file []byte
		var decoded []float32
		for threads := 1; threads <= 3; threads++ {
			c := open(t, model, training, threads)
			made := compress(t, c, images, nil, 0.05)
			again, err := c.Decode(made.Codes, 70)
			if err != nil {
				t.Fatal(err)
			}
			if threads == 1 {
				file, decoded = made.Bytes, again
			}
			if !bytes.Equal(made.Bytes, file) || !slices.Equal(again, decoded) {
				t.Errorf("%s: %d threads make another file or other images than one", name, threads)
			}
		}
	}
}

// TestImagesDoNotDependOnTheirCompany holds that a code is of its image alone.
func TestImagesDoNotDependOnTheirCompany(t *testing.T) {
	training, images := glyphs(t, 65)
	c := open(t, maps(t), training, 2)
	together := compress(t, c, images, nil, 0.1)
	for _, i := range []int{0, 63, 64} {
		alone := compress(t, c, images[i*144:][:144], nil, 0.1)
		if z := len(alone.Codes); !slices.Equal(alone.Codes, together.Codes[i*z:][:z]) {
			t.Errorf("image %d has another code alone", i)
		}
	}
}

func TestNames(t *testing.T) {
	training, images := glyphs(t, 3)
	c := open(t, dense(t, 1), training, 1)
	names := []string{"a.png", "b/ü.jpg", "a.png"}
	read, err := c.Decompress(compress(t, c, images, names, 1).Bytes)
	if err != nil || !slices.Equal(read.Names, names) {
		t.Errorf("names %q, %v", read.Names, err)
	}
	for _, wrong := range [][]string{{"a"}, {"a", "", "b"}, {"a", "b\x00", "c"}} {
		if _, err := c.Compress(images, 3, wrong, 1); err == nil {
			t.Errorf("names %q are accepted", wrong)
		}
	}
}

// TestUnlikeAnyTrainingImage compresses what the prior has never seen.
func TestUnlikeAnyTrainingImage(t *testing.T) {
	training, images := glyphs(t, 6)
	for i := range images {
		images[i] *= []float32{1, -1000, 30, 1e6, 0, 5}[i/144]
	}
	c := open(t, dense(t, 1), training, 1)
	made := compress(t, c, images, nil, 0.25)
	read, err := c.Decompress(made.Bytes)
	if err != nil || !slices.Equal(read.Codes, made.Codes) {
		t.Errorf("the codes are others: %v", err)
	}
	if payload := 8 * float64(len(made.Bytes)-made.Header); math.Abs(payload-made.Rate) > 0.01*made.Rate+8 {
		t.Errorf("%.0f bits, the prior says %.1f", payload, made.Rate)
	}
	for _, far := range []float32{1e30, float32(math.NaN()), float32(math.Inf(-1))} {
		images[300] = far
		if _, err := c.Compress(images, 6, nil, 0.25); err == nil || !strings.Contains(err.Error(), "image 2 ") {
			t.Errorf("a pixel of %g: %v", far, err)
		}
	}
}

func TestWhatCannotBeCompressed(t *testing.T) {
	training, images := glyphs(t, 2)
	c := open(t, dense(t, 1), training, 1)
	for _, step := range []float64{0, -1, 0.01, 65, math.NaN(), math.Inf(1)} {
		if _, err := c.Compress(images, 2, nil, step); err == nil || !strings.Contains(err.Error(), "a step of") {
			t.Errorf("step %g: %v", step, err)
		}
	}
	for _, n := range []int{0, -1, 3, math.MaxInt32} {
		if _, err := c.Compress(images, n, nil, 1); err == nil {
			t.Errorf("%d images of 2 are accepted", n)
		}
	}
	prior, err := codec.Fit(dense(t, 1), training, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := codec.New(dense(t, 2), prior, 1); err == nil {
		t.Error("the prior of another model is accepted")
	}
	one, err := data.Subset(training, []int{0})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := codec.Fit(dense(t, 1), one, 1); err == nil {
		t.Error("a prior is fitted to one image")
	}
	same, err := data.Subset(training, []int{0, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := codec.Fit(dense(t, 1), same, 1); err == nil || !strings.Contains(err.Error(), "the same code") {
		t.Errorf("a prior of one code: %v", err)
	}
}

// TestForeignFiles refuses each in one sentence.
func TestForeignFiles(t *testing.T) {
	training, images := glyphs(t, 20)
	c := open(t, dense(t, 1), training, 1)
	file := compress(t, c, images, []string(nil), 0.5).Bytes
	refused := func(what string, file []byte, says string) {
		t.Helper()
		_, err := c.Decompress(file)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", what, err, says)
		}
	}
	for n := range len(file) {
		_, err := c.Decompress(file[:n])
		if err == nil {
			t.Fatalf("the first %d of %d bytes are accepted", n, len(file))
		}
	}
	for i := range file {
		flipped := bytes.Clone(file)
		flipped[i] ^= 1 << (i % 8)
		if _, err := c.Decompress(flipped); err == nil {
			t.Errorf("a flipped bit in byte %d is accepted", i)
		}
	}
	refused("empty", nil, "was not written by")
	refused("a picture", []byte("\x89PNG and so on"), "was not written by")
	refused("cut short", file[:len(file)-5], "damaged or cut short")
	refused("longer", append(bytes.Clone(file), 0), "damaged or cut short")
	newer := bytes.Clone(file)
	newer[3] = 2
	refused("a newer format", newer, "its format is 2")

	// A model's name is that of its weights in the order of their shapes.
	m, err := models.New(models.Convolutional(models.Shape{C: 3, H: 12, W: 8}, []int{4, 6}, 3, 5, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	if id := codec.Identity(m); id != "0ef66c1a119ea04c" {
		t.Errorf("the model of seed 1 is called %s, and was always called 0ef66c1a119ea04c", id)
	}
	one, two := codec.Identity(dense(t, 1)), codec.Identity(dense(t, 2))
	if _, err := open(t, dense(t, 2), training, 1).Decompress(file); err == nil || !strings.Contains(err.Error(), "by model "+one+", and this one is "+two) {
		t.Errorf("another model: %v", err)
	}
	if by, err := codec.MadeBy(file); by != one || err != nil {
		t.Errorf("made by %s, %v; want %s", by, err, one)
	}
	if _, err := codec.MadeBy(file[1:]); err == nil {
		t.Error("a file without its first byte was made by somebody")
	}
	few, err := data.Subset(training, []int{1, 2, 3, 4, 5, 6, 7})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dense(t, 1), few, 1).Decompress(file); err == nil || !strings.Contains(err.Error(), "another distribution of codes") {
		t.Errorf("another prior: %v", err)
	}

	// Lies with a right checksum: 16 bytes of magic, model and prior, then the
	// numbers step, C, H, W, images, names, codes.
	for what, lie := range map[string][]uint64{
		"a step of 0":       {0, 1, 12, 12, 20, 0, 0},
		"another shape":     {512, 1, 12, 13, 20, 0, 0},
		"no images":         {512, 1, 12, 12, 0, 0, 0},
		"a billion images":  {512, 1, 12, 12, 1 << 30, 0, 0},
		"a million images":  {512, 1, 12, 12, 1 << 20, 0, 0},
		"codes not there":   {512, 1, 12, 12, 20, 0, 1 << 30},
		"names not there":   {512, 1, 12, 12, 20, 1 << 30, 0},
		"more than numbers": {1 << 63, 1 << 63, 12, 12, 20, 0, 0},
		"nothing":           nil,
	} {
		lying := bytes.Clone(file[:16])
		for _, x := range lie {
			lying = binary.AppendUvarint(lying, x)
		}
		refused(what, sealed(lying), "")
	}
}

// sealed appends the checksum of a file.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.ChecksumIEEE(body))
}

// TestPriorFile stores priors of either kind of code, and damages them.
func TestPriorFile(t *testing.T) {
	training, images := glyphs(t, 20)
	for _, model := range []models.Model{dense(t, 1), quantised(t)} {
		prior, err := codec.Fit(model, training, 1)
		if err != nil {
			t.Fatal(err)
		}
		var stored bytes.Buffer
		if err := prior.Write(&stored); err != nil {
			t.Fatal(err)
		}
		again, err := codec.ReadPrior(bytes.NewReader(stored.Bytes()), int64(stored.Len()))
		if err != nil {
			t.Fatal(err)
		}
		a, err := codec.New(model, again, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		step := stepOf(model)
		if b := open(t, model, training, 1); !bytes.Equal(compress(t, a, images, nil, step).Bytes, compress(t, b, images, nil, step).Bytes) {
			t.Error("the stored prior makes another file")
		}
		for i := 0; i < stored.Len(); i += 1 + stored.Len()/1000 {
			damaged := bytes.Clone(stored.Bytes())
			damaged[i] ^= 16
			if p, err := codec.ReadPrior(bytes.NewReader(damaged), int64(len(damaged))); err == nil {
				if _, err := codec.New(model, p, 1); err == nil {
					t.Errorf("a flipped bit in byte %d is accepted", i)
				}
			}
			if _, err := codec.ReadPrior(bytes.NewReader(damaged[:i]), int64(i)); err == nil {
				t.Errorf("%d bytes are accepted", i)
			}
		}
	}
}

// FuzzDecompress gives codecs of every kind of code any body under a right
// checksum: no panic, and what is accepted has the codes it claims.
func FuzzDecompress(f *testing.F) {
	training, images := glyphs(f, 20)
	kinds := []models.Model{dense(f, 1), quantised(f), told(f)}
	var codecs []*codec.Codec
	for i, model := range kinds {
		c := open(f, model, training, 1)
		codecs = append(codecs, c)
		for _, names := range [][]string{nil, strings.Fields(strings.Repeat("x.png ", 20))} {
			made, err := c.Compress(images, 20, names, stepOf(model), labelsOf(model, 20)...)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(i, made.Bytes[:len(made.Bytes)-4])
		}
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		which = int(uint(which) % uint(len(kinds)))
		read, err := codecs[which].Decompress(sealed(body))
		if err != nil {
			return
		}
		if len(read.Codes) != read.N*kinds[which].CodeSize() || read.Names != nil && len(read.Names) != read.N || len(read.Labels) != len(labelsOf(kinds[which], read.N)) {
			t.Fatalf("%d images, %d numbers of codes, %d names, %d labels", read.N, len(read.Codes), len(read.Names), len(read.Labels))
		}
	})
}

// A model that has been trained makes files of a few bytes an image; this one
// has not, and shows how.
func Example() {
	training, test, err := data.Open("glyphs:1x12x12,n=256,test=64", data.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	model, err := models.New(models.Linear(models.Shape{C: 1, H: 12, W: 12}, 4), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	prior, err := codec.Fit(model, training, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := codec.New(model, prior, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	image := make([]float32, 144)
	if err := test.Image(0, image); err != nil {
		fmt.Println(err)
		return
	}
	made, err := c.Compress(image, 1, []string{"glyph.png"}, 0.5)
	if err != nil {
		fmt.Println(err)
		return
	}
	read, err := c.Decompress(made.Bytes)
	if err != nil {
		fmt.Println(err)
		return
	}
	pixels, err := c.Decode(read.Codes, read.N)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(read.Names, len(pixels))
	// Output: [glyph.png] 144
}
