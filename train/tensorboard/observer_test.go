package tensorboard

import (
	"context"
	"encoding/json"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
	"hourglass/train"
)

var python = flag.String("python", "", "a Python that has TensorBoard, to read back with it what is written")

// observed is a run of two epochs, interrupted within the second and resumed,
// with what was to be written.
type observed struct {
	dir       string // the folder of runs
	run       string // the run's own
	losses    map[int]float64
	norms     map[int]float64
	epochs    map[int]train.Metrics
	parameter graph.Variable // the first
}

const (
	perEpoch   = 8
	batch      = 16
	shownCodes = 20
	codeSize   = 3
	settings   = 3 // hyperparameters
)

func hyperparameters() []Hyperparameter {
	return []Hyperparameter{{"train.rate", 1e-3}, {"data.flip", true}, {"model.encoder", "flatten | dense 8 relu"}}
}

// watch trains a small variational autoencoder.
func watch(t *testing.T) *observed {
	t.Helper()
	training, test, err := data.Open("glyphs:1x12x12,n=128,test=32", data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	dir := t.TempDir()
	all := &observed{dir: dir, run: filepath.Join(dir, "small"), losses: map[int]float64{}, norms: map[int]float64{}, epochs: map[int]train.Metrics{}}
	o := train.DefaultOptions()
	o.Epochs, o.Batch, o.Optimiser.ClipNorm = 2, batch, 1
	o.Checkpoints.Dir, o.Checkpoints.EverySteps = filepath.Join(dir, "checkpoints"), 5
	for _, last := range []int{13, 16} { // dies in step 13, and goes on from step 10
		model, err := models.NewVAE(models.VAESpec{Spec: models.MLP(models.Shape{C: 1, H: 12, W: 12}, []int{8}, codeSize, models.ReLU)}, 1)
		if err != nil {
			t.Fatal(err)
		}
		board, err := Observe(Options{
			Dir: all.run, Every: 3, Device: device, Model: model, Batch: batch, Images: test, Sheet: 4, Codes: shownCodes,
			Samples: 10, Hyperparameters: hyperparameters(),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		_, err = train.Fit(ctx, device, model, training, test, o, board, train.ObserverFunc(func(e train.Event) error {
			switch e := e.(type) {
			case *train.StepDone:
				if e.Step <= 10 || last == 16 {
					all.losses[e.Step], all.norms[e.Step] = e.Loss, e.GradientNorm
				}
				if e.Step == last && last == 13 {
					return os.ErrClosed
				}
			case *train.EpochDone:
				all.epochs[e.Step] = e.Validation
			}
			return nil
		}))
		cancel()
		if (err != nil) != (last == 13) {
			t.Fatal(err)
		}
		if err := board.Close(); err != nil {
			t.Fatal(err)
		}
		all.parameter = model.Store().Parameters[0]
		if last == 13 { // as if it had been killed: what was saved on the way out is gone
			if err := os.Remove(filepath.Join(o.Checkpoints.Dir, "step-00000013.safetensors")); err != nil {
				t.Fatal(err)
			}
		}
		o.Resume = true
	}
	return all
}

// TestObserver decodes the event files of a resumed run.
func TestObserver(t *testing.T) {
	all := watch(t)
	values, begins := contents(t, all.run)
	if !slices.Equal(begins, []int{1, 11}) {
		t.Errorf("files begin at steps %v, want 1 and 11", begins)
	}
	var steps []int
	for _, v := range values["train/loss"] {
		steps = append(steps, v.step)
		if got := v.fields[valueNumber][0].float(); v.step != 12 && got != float64(float32(all.losses[v.step])) {
			t.Errorf("the loss of step %d is %g, want %g", v.step, got, all.losses[v.step])
		}
	}
	if want := []int{1, 3, 6, 9, 12, 12, 15}; !slices.Equal(steps, want) { // 12 again after the restart
		t.Errorf("losses of steps %v, want %v", steps, want)
	}
	for _, tag := range []string{"train/kl", "train/reconstruction_loss", "train/rate", "train/gradient_norm", "train/images_per_second"} {
		if len(values[tag]) != len(steps) {
			t.Errorf("%d values of %s, want %d", len(values[tag]), tag, len(steps))
		}
	}
	for _, tag := range []string{"validation/loss", "validation/kl", "validation/mse", "validation/psnr", "epoch/train_loss", "reconstructions", "samples",
		"codes/all", "codes/00", "codes/02", "weights/encoder.1.weight", "gradients/fc_mu.bias"} {
		if len(values[tag]) != 2 || values[tag][0].step != perEpoch || values[tag][1].step != 2*perEpoch {
			t.Errorf("%d values of %s, want one after each epoch", len(values[tag]), tag)
		}
	}
	if n := len(values["_hparams_/session_start_info"]); n != 2 {
		t.Errorf("hyperparameters were written %d times, want once in each file", n)
	}
	if n := len(values["_hparams_/session_end_info"]); n != 1 {
		t.Errorf("the end was written %d times, want once", n)
	}
}

// TestGradientsAreWhole adds up the squares in the histograms of gradients, and
// wants the norm that the optimiser saw.
func TestGradientsAreWhole(t *testing.T) {
	all := watch(t)
	values, _ := contents(t, all.run)
	for k, step := range []int{perEpoch, 2 * perEpoch} {
		sum := 0.0
		for tag, list := range values {
			if strings.HasPrefix(tag, "gradients/") {
				sum += decode(t, list[k].fields[valueHistogram][0].bytes)[histogramSquares][0].double()
			}
		}
		if got, want := math.Sqrt(sum), all.norms[step]; !(math.Abs(got-want) <= 1e-5*want) || want <= 1 {
			t.Errorf("the gradients of step %d have norm %g in the histograms, want %g (more than it is clipped to)", step, got, want)
		}
	}
	last := decode(t, values["weights/"+all.parameter.Name][1].fields[valueHistogram][0].bytes)
	sum := 0.0
	for _, x := range all.parameter.Data {
		sum += float64(x)
	}
	if got := last[histogramSum][0].double(); math.Abs(got-sum) > 1e-9 {
		t.Errorf("the weights add up to %g in the histogram, want %g", got, sum)
	}
}

// TestStepAllocatesNothing observes steps that are written and such that are
// not.
func TestStepAllocatesNothing(t *testing.T) {
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	model, err := models.New(models.MLP(models.Shape{C: 1, H: 4, W: 4}, nil, 2, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	board, err := Observe(Options{Dir: t.TempDir(), Every: 2, Device: device, Model: model, Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	e := &train.StepDone{Step: 1, Terms: []train.Term{{Term: models.Term{Name: "kl"}, Value: 2}}}
	observe := func() {
		if err := board.Observe(e); err != nil {
			t.Fatal(err)
		}
		e.Step++
	}
	if err := board.Observe(&train.Started{}); err != nil {
		t.Fatal(err)
	}
	observe()
	if n := testing.AllocsPerRun(100, observe); n > 0 {
		t.Errorf("a step allocates %g objects, want none", n)
	}
}

// seen is what TensorBoard's readers find, by run and tag.
type seen struct {
	Scalars    map[string]map[string][][2]float64 // step and value
	Images     map[string]map[string][][5]int     // step, width and height, both again from the PNG
	Histograms map[string]map[string][][2]json.RawMessage
	Hparams    struct {
		Metrics []string
		Groups  []struct {
			Name    string
			Status  int
			Hparams map[string]any
		}
	}
	Projector map[string]*struct {
		Codes         [][]float64
		Metadata      [][]string
		Sprite, Image [2]int
	}
}

// readBack lets TensorBoard read a folder.
func readBack(t *testing.T, dir string) (s seen) {
	t.Helper()
	command := exec.Command(*python, "../../bench/peers/tensorboard_reader.py", "read", dir)
	command.Stderr = os.Stderr
	text, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return s
}

// TestReadByTensorBoard reads a run back with TensorBoard's own readers, one of
// each kind of record.
func TestReadByTensorBoard(t *testing.T) {
	if *python == "" {
		t.Skip("TensorBoard is not installed: not read back by it (make check-tensorboard does)")
	}
	all := watch(t)
	s := readBack(t, all.dir)
	var steps []int
	for _, pair := range s.Scalars["small"]["train/loss"] {
		step := int(pair[0])
		steps = append(steps, step)
		if pair[1] != float64(float32(all.losses[step])) {
			t.Errorf("TensorBoard reads the loss of step %d as %g, want %g", step, pair[1], all.losses[step])
		}
	}
	if want := []int{1, 3, 6, 9, 12, 15}; !slices.Equal(steps, want) { // 12 of the resumed run alone
		t.Errorf("TensorBoard reads losses of steps %v, want %v", steps, want)
	}
	for tag, across := range map[string]int{"reconstructions": 4, "samples": 8} {
		list := s.Images["small"][tag]
		if len(list) != 2 || list[1][0] != 2*perEpoch || list[1][1] < 84*across || list[1][1] != list[1][3] || list[1][2] != list[1][4] {
			t.Errorf("TensorBoard reads the images %s as %v", tag, list)
		}
	}
	for tag, want := range map[string]int{"codes/all": shownCodes * codeSize, "codes/01": shownCodes, "weights/encoder.1.weight": 144 * 8, "gradients/encoder.1.weight": 144 * 8} {
		list := s.Histograms["small"][tag]
		if len(list) != 2 {
			t.Errorf("TensorBoard reads %d histograms of %s, want 2", len(list), tag)
			continue
		}
		var buckets [][3]float64
		if err := json.Unmarshal(list[1][1], &buckets); err != nil {
			t.Fatal(err)
		}
		number := 0.0
		for _, b := range buckets {
			number += b[2]
		}
		if math.Abs(number-float64(want)) > 1e-6 {
			t.Errorf("TensorBoard reads %g numbers in the histogram of %s, want %d", number, tag, want)
		}
	}
	if g := s.Hparams.Groups; len(g) != 1 || g[0].Name != "small" || g[0].Status != statusSuccess || len(g[0].Hparams) != settings {
		t.Errorf("TensorBoard reads the hyperparameters as %+v", g)
	} else {
		for _, p := range hyperparameters() {
			if g[0].Hparams[p.Name] != p.Value {
				t.Errorf("TensorBoard reads %s as %v, want %v", p.Name, g[0].Hparams[p.Name], p.Value)
			}
		}
	}
	if !slices.Contains(s.Hparams.Metrics, "validation/loss") {
		t.Errorf("TensorBoard compares runs by %v, want validation/loss among them", s.Hparams.Metrics)
	}
	p := s.Projector["small"]
	if p == nil || len(p.Codes) != shownCodes || len(p.Codes[0]) != codeSize || len(p.Metadata) != shownCodes+1 || len(p.Metadata[0]) != 2 ||
		p.Image != [2]int{12, 12} || p.Sprite != [2]int{60, 60} {
		t.Errorf("the projector reads %+v", p)
	}
}
