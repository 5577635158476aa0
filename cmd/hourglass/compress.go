package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"hourglass/data"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/models"
	"hourglass/models/codec"
	"hourglass/train"
)

type compressCommand struct {
	chosenRun
	Images  []string `arg:"" optional:"" help:"Picture files, or folders of them, whose paths are kept; without any, images that the run held back."`
	Output  string   `short:"o" default:"images.hgz" help:"File to write."`
	Count   int      `short:"n" default:"100" help:"How many images of the run, if none are named."`
	Step    *float64 `placeholder:"0.5" help:"Distance between quantised numbers of the code, in deviations of the code, 1/64 to 64: larger makes a smaller file and worse images. Codes of a vq are whole numbers, and have none."`
	Curve   bool     `help:"Write no file, and show bits and error at steps from 1/16 to 8, next to JPEG."`
	Threads int      `default:"0" help:"CPU threads; 0 for all. The file is the same for any number; it is always made on the CPU."`
	conditioned
}

func (compressCommand) Help() string {
	return `Examples:

    hourglass compress last
    hourglass compress last ./pets -o pets.hgz
    hourglass compress last *.png -o pets.hgz --step 0.25
    hourglass compress last *.png --label 7
    hourglass compress last --curve
    hourglass decompress last pets.hgz`
}

// mostCompressed bounds --count.
const mostCompressed = 100_000

func (c compressCommand) Run(s *session) error {
	if c.Count < 1 || c.Count > mostCompressed {
		return usage{fmt.Errorf("--count is %d; give a number of images from 1 to %d", c.Count, mostCompressed)}
	}
	if c.Step != nil && !(*c.Step >= 1.0/64 && *c.Step <= 64) {
		return usage{fmt.Errorf("--step is %g; give a number from 1/64 (0.015625) to 64", *c.Step)}
	}
	if c.Threads < 0 {
		return usage{fmt.Errorf("--threads is %d; give a number of CPU threads, or 0 for all", c.Threads)}
	}
	if c.Curve && c.Step != nil {
		return usage{fmt.Errorf("--curve takes steps of its own; leave out --step")}
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	step, err := c.step(t)
	if err != nil {
		return err
	}
	from, err := c.read(s, t)
	if err != nil {
		return err
	}
	prior, err := s.priorFor(t, c.Threads)
	if err != nil {
		return err
	}
	k, err := codec.New(t.model, prior, c.Threads)
	if err != nil {
		return err
	}
	defer k.Close()
	if c.Curve {
		return c.curve(s, t, k, from)
	}
	made, r, err := compress(k, t, from, step)
	if err != nil {
		return err
	}
	if err := runs.Write(c.Output, made.Bytes); err != nil {
		return err
	}
	r.Output = c.Output
	r.show(s, t)
	return s.give(r)
}

// defaultStep is fine enough that most of the error is the model's own.
const defaultStep = 0.5

// step is the one asked for; 0 for a model whose codes are whole numbers.
func (c compressCommand) step(t *trained) (float64, error) {
	_, quantised := t.model.(models.Quantised)
	switch {
	case quantised && c.Step != nil:
		return 0, usage{fmt.Errorf("the run is of kind %s, whose codes are whole numbers already; leave out --step", t.config.Model.Kind)}
	case quantised:
		return 0, nil
	case c.Step != nil:
		return *c.Step, nil
	}
	return defaultStep, nil
}

// compressible are images to compress.
type compressible struct {
	images  []float32
	labels  []int    // where the model is told them
	names   []string // that the file keeps, of pictures that were named: their paths in a folder
	resized int      // how many had another shape than the model's
	leftOut []string // why others of a folder are not among them
}

// read returns the pictures that were named, or images that the run held back.
func (c compressCommand) read(s *session, t *trained) (*compressible, error) {
	if len(c.Images) > 0 {
		return c.named(s, t)
	}
	all, err := t.openSets()
	if err != nil {
		return nil, err
	}
	held, _ := all.held()
	if held, err = data.InTurns(held, c.Count); err != nil {
		return nil, err
	}
	if held, err = c.told(t, held); err != nil {
		return nil, err
	}
	images, err := firstImages(held, held.Len())
	return &compressible{images: images, labels: labelsFor(t.model, held, held.Len())}, err
}

// named reads the pictures that were named.
func (c compressCommand) named(s *session, t *trained) (*compressible, error) {
	files, err := listPictures(c.Images)
	if err != nil {
		return nil, err
	}
	if len(files) > mostCompressed {
		return nil, fmt.Errorf("these are %d pictures, and one file holds at most %d; compress them in parts", len(files), mostCompressed)
	}
	labels, err := c.labels(t, 1)
	if err != nil {
		return nil, err
	}
	set, err := s.readPictures(files, t.shape)
	if err != nil {
		return nil, err
	}
	from := &compressible{images: set.images, labels: slices.Repeat(labels, set.Len()), leftOut: set.leftOut}
	example := ""
	for _, file := range set.files {
		from.names = append(from.names, filepath.ToSlash(file.below))
		ds, _, err := data.Open(file.path, data.Options{OnCorrupt: data.Fail})
		if err != nil {
			return nil, err
		}
		if shape := ds.Shape(); shape != t.shape {
			from.resized, example = from.resized+1, fmt.Sprintf("%s is %v", file.path, shape)
		}
	}
	if from.resized > 0 {
		s.say("%d of %s are scaled and cut to the model's %v, and stay so in the file; %s", from.resized, plural(set.Len(), "picture"), t.shape, example)
	}
	return from, nil
}

// priorPath is where the distribution of a model's codes is kept: beside its
// checkpoint, under the model's name, for a run has several.
func (t *trained) priorPath() string {
	return filepath.Join(filepath.Dir(t.path), priorName(codec.Identity(t.model)))
}

func priorName(model string) string { return "codec-" + model + ".safetensors" }

// readPrior reads the distribution of a model's codes.
func (t *trained) readPrior() (*codec.Prior, error) {
	path := t.priorPath()
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	prior, err := codec.ReadPrior(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove it, and `hourglass compress` fits it again", path, err)
	}
	return prior, nil
}

// priorFor returns the distribution of a model's codes, which it finds from the
// training images the first time.
func (s *session) priorFor(t *trained, threads int) (*codec.Prior, error) {
	prior, err := t.readPrior()
	if !errors.Is(err, fs.ErrNotExist) {
		return prior, err
	}
	all, err := t.openSets()
	if err != nil {
		return nil, fmt.Errorf("finding how the codes of the run's training images are distributed: %w", err)
	}
	if prior, err = codec.Fit(t.model, all.training, threads); err != nil {
		return nil, fmt.Errorf("finding how the codes of the run's training images are distributed: %w", err)
	}
	if err := writeFile(t.priorPath(), prior.Write); err != nil {
		return nil, err
	}
	s.say("how the training images' codes are distributed is kept in %s; decompress needs it beside the checkpoint", t.priorPath())
	return prior, nil
}

// compression is the result as JSON.
type compression struct {
	Output   string    `json:"output,omitempty"` // empty for a point of a curve
	Images   int       `json:"images"`
	Resized  int       `json:"resized"`
	LeftOut  []string  `json:"left_out,omitempty"` // why pictures of a folder are not in it
	Step     float64   `json:"step,omitempty"`     // 0 for codes of whole numbers
	Bytes    int       `json:"bytes"`
	Header   int       `json:"header_bytes"`
	Expected float64   `json:"expected_bits"` // of the codes
	PerPixel float64   `json:"bits_per_pixel"`
	Ratio    float64   `json:"ratio"` // of the images in eight bits a value to the file
	MSE      float64   `json:"mse"`   // in eight bits a value
	Model    float64   `json:"model_mse"`
	Each     jpegFiles `json:"jpeg_each"`
	Sheet    jpegFiles `json:"jpeg_sheet"`
	Lossless int       `json:"png_bytes"` // of the smaller of one picture of all and a file for each
}

// compress makes a file of images, and compares it with what the model and JPEG can
// do.
func compress(k *codec.Codec, t *trained, from *compressible, step float64) (*codec.Compressed, *compression, error) {
	r := &compression{Images: len(from.images) / t.shape.Size(), Resized: from.resized, LeftOut: from.leftOut, Step: step}
	made, err := k.Compress(from.images, r.Images, from.names, step, from.labels...)
	if err != nil {
		return nil, nil, err
	}
	r.Bytes, r.Header, r.Expected = len(made.Bytes), made.Header, made.Rate
	r.PerPixel = 8 * float64(r.Bytes) / float64(r.Images*t.shape.H*t.shape.W)
	r.Ratio = float64(len(from.images)) / float64(r.Bytes)
	for _, side := range []struct {
		codes []float32
		mse   *float64
	}{{made.Codes, &r.MSE}, {made.Exact, &r.Model}} {
		decoded, err := k.Decode(side.codes, r.Images, from.labels...)
		if err != nil {
			return nil, nil, err
		}
		*side.mse = squaredError(from.images, decoded)
	}
	originals, err := rasters(pictures(from.images, t.shape))
	if err != nil {
		return nil, nil, err
	}
	if r.Each, err = jpegOfSize(separate(originals), r.Bytes); err != nil {
		return nil, nil, err
	}
	sheet, err := together(originals)
	if err != nil {
		return nil, nil, err
	}
	if r.Sheet, err = jpegOfSize(sheet, r.Bytes); err != nil {
		return nil, nil, err
	}
	r.Lossless, err = smallestPNG(originals)
	return made, r, err
}

// show prints the result.
func (r *compression) show(s *session, t *trained) {
	s.print("%s of %v in %s: %d bytes, %d of header and %d of codes, for which their distribution expects %.1f",
		plural(r.Images, "image"), t.shape, r.Output, r.Bytes, r.Header, r.Bytes-r.Header, r.Expected/8)
	s.print("")
	table := terminal.Table{Head: []string{"", "bytes", "bits/pixel", "ratio", "PSNR dB"}}
	raw := float64(r.Images * t.shape.Size())
	row := func(name string, size int, mse float64) {
		table.Rows = append(table.Rows, []string{name, fmt.Sprint(size), digits(r.PerPixel * float64(size) / float64(r.Bytes)), digits(raw / float64(size)), decibels(mse)})
	}
	row("hourglass"+atStep(r.Step), r.Bytes, r.MSE)
	if r.Images > 1 {
		row(fmt.Sprintf("JPEG, all in one picture, quality %d", r.Sheet.Quality), r.Sheet.Bytes, r.Sheet.MSE)
	}
	row(fmt.Sprintf("JPEG, a file for each, quality %d", r.Each.Quality), r.Each.Bytes, r.Each.MSE)
	table.Rows = append(table.Rows, []string{"PNG, which loses nothing", fmt.Sprint(r.Lossless), digits(r.PerPixel * float64(r.Lossless) / float64(r.Bytes)), digits(raw / float64(r.Lossless)), "–"})
	if r.Step > 0 {
		table.Rows = append(table.Rows, []string{"the model, codes not rounded", "–", "–", "–", decibels(r.Model)})
	}
	s.table(table)
	s.print("")
	s.print("%s", r.verdict())
	s.print("Neither counts its decoder: this one is the run's model, %s of weights.", terminal.Bytes(float64(4*t.model.Store().Count())))
}

// atStep says by what step codes were rounded; nothing if by none.
func atStep(step float64) string {
	if step == 0 {
		return ""
	}
	return fmt.Sprintf(", step %g", step)
}

// rival is the better of JPEG's two ways, which for little images is the one
// picture.
func (r *compression) rival() jpegFiles {
	if r.Each.Bytes < r.Sheet.Bytes || r.Each.Bytes == r.Sheet.Bytes && r.Each.MSE < r.Sheet.MSE {
		return r.Each
	}
	return r.Sheet
}

// verdict compares with JPEG.
func (r *compression) verdict() string {
	rival := r.rival()
	gain := 10 * math.Log10(rival.MSE/r.MSE)
	switch {
	case r.MSE == 0 || rival.MSE == 0:
		return "Nothing is lost in one of them; compare their sizes."
	case rival.Quality == 1 && rival.Bytes > r.Bytes && gain >= 0:
		return fmt.Sprintf("JPEG cannot go lower: its smallest is %s times as large, and %.2f dB worse.", digits(float64(rival.Bytes)/float64(r.Bytes)), gain)
	case rival.Quality == 1 && rival.Bytes > r.Bytes:
		return fmt.Sprintf("JPEG cannot go lower: its smallest is %s times as large, and %.2f dB better.", digits(float64(rival.Bytes)/float64(r.Bytes)), -gain)
	case gain >= 0:
		return fmt.Sprintf("The model beats JPEG of about this size by %.2f dB.", gain)
	}
	return fmt.Sprintf("The model loses to JPEG of about this size by %.2f dB; train longer, take a longer code, or use JPEG.", -gain)
}

// squaredError is that of images in eight bits a value, white being 1.
func squaredError(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		d := eightBits(a[i]) - eightBits(b[i])
		sum += d * d
	}
	return sum / float64(len(a))
}

func eightBits(x float32) float64 { return math.Floor(min(max(float64(x), 0), 1)*255+0.5) / 255 }

// decibels is the peak signal-to-noise ratio of a squared error.
func decibels(mse float64) string {
	if mse == 0 {
		return "–" // nothing differs
	}
	return fmt.Sprintf("%.2f", train.Metrics{MSE: mse}.PSNR())
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
