package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/picture"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/models"
	"hourglass/train"
	"hourglass/train/measure"
)

type denoiseCommand struct {
	chosenRun
	Pictures []string `arg:"" optional:"" help:"Noisy picture files, or a folder of them, of any size."`
	Output   string   `short:"o" placeholder:"FOLDER" help:"Folder for the denoised pictures, under the same names."`
	Clean    string   `placeholder:"FOLDER" help:"Clean pictures under the same names, to measure by."`
	Noise    string   `placeholder:"KIND:AMOUNT" help:"Add noise to the run's held-back images instead, and compare with the best median or Gaussian filter: gaussian:0.4, saltpepper:0.2, mask:0.25, speckle:0.3, blur:1."`
	Count    int      `short:"n" default:"1000" help:"How many images --noise takes."`
	Sheet    string   `placeholder:"PNG" help:"Picture of some of the images of --noise, to write."`
	Seed     uint64   `default:"1" help:"Seed of the noise."`
	conditioned
	machine
}

func (denoiseCommand) Help() string {
	return `Examples:

    hourglass train mnist/conv --corrupt 'gaussian 0.4' && hourglass denoise last --noise gaussian:0.4
    hourglass denoise last ./noisy -o ./denoised --clean ./clean`
}

func (c denoiseCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return usage{err}
	}
	_, t, err := c.load()
	if err != nil {
		return err
	}
	var labels []int // of the pictures; the run's own images have theirs
	if c.Noise == "" || c.Label != "" {
		if labels, err = c.labels(t, 1); err != nil {
			return err
		}
	}
	device, err := c.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	runner, err := train.NewRunner(device, t.model, t.config.Train.Batch)
	if err != nil {
		return err
	}
	defer runner.Close()
	if c.Noise != "" {
		return c.held(s, device, runner, t, labels)
	}
	return c.files(s, denoiser{runner, t.shape, labels})
}

func (c denoiseCommand) check() error {
	switch {
	case c.Noise == "" && len(c.Pictures) == 0:
		return fmt.Errorf("there is nothing to denoise; name pictures or a folder, or give --noise gaussian:0.4 to try the run's own images")
	case c.Noise != "" && len(c.Pictures) > 0:
		return fmt.Errorf("both pictures and --noise are given; name one of them")
	case c.Noise == "" && c.Output == "":
		return fmt.Errorf("there is nowhere to write to; name a folder by -o")
	case c.Noise == "" && c.Sheet != "":
		return fmt.Errorf("--sheet is of the images of --noise; leave it out, or give --noise")
	case c.Noise != "" && c.Clean+c.Output != "":
		return fmt.Errorf("--noise takes the run's own images, which are clean; leave out --clean and -o")
	case c.Count < 1:
		return fmt.Errorf("--count is %d; give a number of images from 1", c.Count)
	case c.Sheet != "":
		return checkPicture("--sheet", c.Sheet)
	}
	return nil
}

// quality is how near images are to clean ones, averaged over the images.
type quality struct {
	Name string  `json:"name"`
	PSNR float64 `json:"psnr"`
	SSIM float64 `json:"ssim"`
	n    int
}

// add takes in an image.
func (q *quality) add(made, clean []float32, shape data.Shape) error {
	mse, err := measure.MSE(made, clean)
	if err != nil {
		return err
	}
	ssim, err := measure.SSIM(made, clean, measure.Size{H: shape.H, W: shape.W, C: shape.C})
	if err != nil {
		return err
	}
	const best = 1e-10 // 100 dB, so that a perfect image leaves the mean finite
	q.n++
	q.PSNR += (measure.PSNR(math.Max(mse, best)) - q.PSNR) / float64(q.n)
	q.SSIM += (ssim - q.SSIM) / float64(q.n)
	return nil
}

// held adds noise to images that were held back, and takes it away again. A label
// stands for those of all images.
func (c denoiseCommand) held(s *session, device *graph.Device, runner *train.Runner, t *trained, label []int) error {
	corruptions, err := models.ParseCorruptions(c.Noise)
	if err != nil {
		return usage{fmt.Errorf("--noise: %w", err)}
	}
	t.config.Data.Shape = t.shape.String()
	all, err := openSets(t.config)
	if err != nil {
		return err
	}
	held, judgedOn := all.held()
	if held, err = data.InTurns(held, c.Count); err != nil {
		return err
	}
	n := held.Len()
	clean, err := firstImages(held, n)
	if err != nil {
		return err
	}
	labels := labelsFor(t.model, held, n)
	if label != nil {
		labels = slices.Repeat(label, n)
	}
	noisy, err := train.Corrupt(device, corruptions, clean, t.model.Input(), n, c.Seed)
	if err != nil {
		return err
	}
	made, err := runner.Reconstruct(noisy, n, labels...)
	if err != nil {
		return err
	}
	s.say("looking for the best filter ...")
	filter, err := measure.FindBestFilter(noisy, clean, measure.Size{H: t.shape.H, W: t.shape.W, C: t.shape.C})
	if err != nil {
		return err
	}
	results := []quality{{Name: "noisy"}, {Name: "this model"}, {Name: filter.Name}}
	size := t.shape.Size()
	for k, images := range [][]float32{noisy, made, filter.Images} {
		for at := 0; at < len(images); at += size {
			if err := results[k].add(images[at:at+size], clean[at:at+size], t.shape); err != nil {
				return err
			}
		}
	}
	if c.Sheet != "" {
		if err := noiseSheet(c.Sheet, t.shape, []string{"clean", "noisy", "this model", filter.Name}, clean, noisy, made, filter.Images); err != nil {
			return err
		}
	}
	showQuality(s, fmt.Sprintf("%d %s images with noise %v", n, judgedOn, corruptions), results)
	s.print("The model gains %.2f dB, the best of the filters %.2f dB.", results[1].PSNR-results[0].PSNR, results[2].PSNR-results[0].PSNR)
	if c.Sheet != "" {
		s.print("written: %s", c.Sheet)
	}
	return s.give(map[string]any{"checkpoint": t.path, "noise": corruptions.String(), "judged_on": judgedOn, "images": n, "results": results})
}

// noiseSheet shows the first images of several sets below each other.
func noiseSheet(path string, shape data.Shape, captions []string, sets ...[]float32) error {
	var rows []picture.Row
	for i, images := range sets {
		rows = append(rows, picture.Row{Caption: captions[i], Images: pictures(images[:min(len(images), compared*shape.Size())], shape)})
	}
	return writeSheet(path, rows)
}

func showQuality(s *session, title string, results []quality) {
	table := terminal.Table{Title: title, Head: []string{"", "PSNR dB", "SSIM"}}
	for _, q := range results {
		table.Rows = append(table.Rows, []string{q.Name, fmt.Sprintf("%.2f", q.PSNR), fmt.Sprintf("%.4f", q.SSIM)})
	}
	s.print("")
	s.table(table)
	s.print("")
}

// files denoises picture files.
func (c denoiseCommand) files(s *session, d denoiser) error {
	files, err := c.list()
	if err != nil {
		return err
	}
	results := []quality{{Name: "noisy"}, {Name: "denoised"}}
	var written []string
	var damaged []error
	for _, file := range files {
		noisy, shape, err := readWhole(file.path)
		if err != nil && file.found {
			damaged = append(damaged, err)
			continue
		}
		if err != nil {
			return err
		}
		made, err := d.apply(noisy, shape)
		if err != nil {
			return err
		}
		target, err := writePicture(filepath.Join(c.Output, file.below), made, shape)
		if err != nil {
			return err
		}
		written = append(written, target)
		if c.Clean == "" {
			continue
		}
		clean, other, err := readWhole(filepath.Join(c.Clean, file.below))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has no clean picture: there is no %s in %s; give clean pictures the names of the noisy ones", file.path, file.below, c.Clean)
		}
		if err != nil {
			return err
		}
		if other != shape {
			return fmt.Errorf("%s is %v and its clean picture %v; give pictures of one size", file.path, shape, other)
		}
		for k, image := range [][]float32{noisy, made} {
			if err := results[k].add(image, clean, shape); err != nil {
				return err
			}
		}
	}
	leftOut, err := s.leaveOut(damaged, len(written))
	if err != nil {
		return err
	}
	if c.Clean == "" {
		results = nil
	} else {
		showQuality(s, plural(len(written), "picture"), results)
	}
	s.print("%s written to %s", plural(len(written), "picture"), c.Output)
	result := map[string]any{"written": written, "results": results}
	if leftOut != nil {
		result["left_out"] = leftOut
	}
	return s.give(result)
}

// list finds the pictures, no two of which are to be written to one place.
func (c denoiseCommand) list() ([]pictureFile, error) {
	files, err := listPictures(c.Pictures)
	if err != nil {
		return nil, err
	}
	from := make(map[string]string)
	for _, file := range files {
		target := filepath.Join(c.Output, file.below)
		if before, taken := from[target]; taken {
			return nil, usage{fmt.Errorf("%s and %s would both become %s; denoise them into different folders", before, file.path, target)}
		}
		from[target] = file.path
		if same(target, file.path) {
			return nil, usage{fmt.Errorf("%s would be overwritten; name another folder by -o", file.path)}
		}
	}
	return files, nil
}

// same reports whether two paths are of one file.
func same(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// readWhole reads a picture in its own size.
func readWhole(path string) ([]float32, data.Shape, error) {
	ds, _, err := data.Open("folder:"+path, data.Options{OnCorrupt: data.Fail})
	if err != nil {
		return nil, data.Shape{}, err
	}
	image := make([]float32, ds.Shape().Size())
	return image, ds.Shape(), ds.Image(0, image)
}

// jpegQuality is that of the pictures written.
const jpegQuality = 95

// writePicture writes a picture in the format that its name tells; one in a
// format that is only read becomes a PNG. It returns the name.
func writePicture(path string, values []float32, shape data.Shape) (string, error) {
	encode := png.Encode
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
	case ".jpg", ".jpeg":
		encode = func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, &jpeg.Options{Quality: jpegQuality}) }
	case ".bmp":
		encode = bmp.Encode
	case ".tif", ".tiff":
		encode = func(w io.Writer, m image.Image) error { return tiff.Encode(w, m, nil) }
	default:
		path += ".png"
	}
	var file bytes.Buffer
	if err := encode(&file, drawing(values, shape)); err != nil {
		return path, fmt.Errorf("writing %s: %w", path, err)
	}
	return path, runs.Write(path, file.Bytes())
}

// drawing rounds values in [0,1] to eight bits.
func drawing(values []float32, shape data.Shape) image.Image {
	level := func(v float32) uint8 { return uint8(min(max(v, 0), 1)*255 + 0.5) }
	bounds := image.Rect(0, 0, shape.W, shape.H)
	if shape.C == 1 {
		grey := image.NewGray(bounds)
		for i, v := range values {
			grey.Pix[i] = level(v)
		}
		return grey
	}
	colours := image.NewNRGBA(bounds)
	for i := range shape.H * shape.W {
		colours.SetNRGBA(i%shape.W, i/shape.W, color.NRGBA{level(values[3*i]), level(values[3*i+1]), level(values[3*i+2]), 255})
	}
	return colours
}
