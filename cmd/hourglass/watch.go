package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"hourglass/data"
	"hourglass/internal/config"
	"hourglass/internal/picture"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/train"
	"hourglass/train/tensorboard"
)

// watcher shows training as it goes, and writes what a run's folder holds
// beside checkpoints. The folder comes into being with the first event, so
// that a run that cannot start leaves none.
type watcher struct {
	*training
	started  train.Started
	metrics  *train.MetricsFile
	board    *tensorboard.Observer // nil if it is not wanted
	progress *terminal.Progress
	runner   *train.Runner
	images   []float32 // that every sheet shows
	labels   []int     // of them, if the model is told
	count    int
	before   float64 // loss of the epoch before; NaN in the first
}

// Observe implements train.Observer.
func (w *watcher) Observe(e train.Event) error {
	if started, ok := e.(*train.Started); ok {
		if err := w.start(*started); err != nil {
			return err
		}
	}
	if w.metrics != nil {
		if err := w.metrics.Observe(e); err != nil {
			return err
		}
	}
	if w.board != nil {
		if err := w.board.Observe(e); err != nil {
			return err
		}
	}
	switch e := e.(type) {
	case *train.StepDone:
		w.step(e)
	case *train.EpochDone:
		return w.epoch(e)
	case *train.Warned:
		w.say("warning: %s", e.Message)
	case *train.Stopped:
		w.stopProgress()
		if !e.Failed { // errors are told once, at the end
			w.say("stopped after step %d: %s", e.Step, e.Reason)
		}
	}
	return nil
}

func (w *watcher) start(e train.Started) error {
	w.started, w.before = e, math.NaN()
	if err := runs.Write(w.folder.Config(), config.Marshal(w.config)); err != nil {
		return err
	}
	if err := writeScript(w.folder, w.model); err != nil {
		return err
	}
	text, err := w.environment()
	if err != nil {
		return err
	}
	if err := runs.Write(w.folder.Environment(), text); err != nil {
		return err
	}
	if w.metrics, err = train.OpenMetrics(w.folder.Metrics()); err != nil {
		return err
	}
	if w.config.Out.TensorBoard {
		if w.board, err = w.tensorBoard(); err != nil {
			return err
		}
	}
	w.say("run:    %s", w.folder.Path)
	if err := w.recordTiles(); err != nil {
		return err
	}
	if _, words := w.device.Tiles(); words != "" {
		w.say("tiles:  %s", words)
	}
	if e.Batches != "" {
		w.say("batches: %s", e.Batches)
	}
	if e.ResumedFrom != "" {
		w.say("resuming from %s, step %d of %d", e.ResumedFrom, e.Step, e.TotalSteps)
	}
	return w.chooseImages()
}

// What TensorBoard is shown after each epoch.
const (
	boardCodes   = 512
	boardSamples = 32
)

// tensorBoard makes what writes event files. The configuration is its
// hyperparameters, but for what does not change the model.
func (w *watcher) tensorBoard() (*tensorboard.Observer, error) {
	images := w.sets.validation
	if images == nil {
		images, _ = w.sets.held()
	}
	var settings []tensorboard.Hyperparameter
	for _, k := range config.Keys() {
		if k.Section() == "out" {
			continue
		}
		text := k.Text(w.config)
		var value any = text
		if x, err := strconv.ParseFloat(text, 64); err == nil {
			value = x
		} else if text == "true" || text == "false" {
			value = text == "true"
		}
		settings = append(settings, tensorboard.Hyperparameter{Name: k.Name, Value: value})
	}
	return tensorboard.Observe(tensorboard.Options{
		Dir: w.folder.Path, Device: w.device, Model: w.model, Batch: w.config.Train.Batch, Images: images,
		Sheet: w.config.Out.Images, Codes: boardCodes, Samples: boardSamples, Hyperparameters: settings,
	})
}

// chooseImages keeps the images that the sheets show, held back from training.
func (w *watcher) chooseImages() error {
	from := w.sets.validation
	if from == nil {
		from, _ = w.sets.held()
	}
	from, err := data.InTurns(from, w.config.Out.Images)
	if err != nil {
		return err
	}
	w.count = from.Len()
	if w.images, err = firstImages(from, w.count); err != nil {
		return err
	}
	w.labels = labelsFor(w.model, from, w.count)
	if w.count > 0 {
		w.runner, err = train.NewRunner(w.device, w.model, min(w.count, w.config.Train.Batch))
	}
	return err
}

// firstImages reads the first n images of a set.
func firstImages(ds data.Dataset, n int) ([]float32, error) {
	size := ds.Shape().Size()
	images := make([]float32, n*size)
	for i := range n {
		if err := ds.Image(i, images[i*size:(i+1)*size]); err != nil {
			return nil, fmt.Errorf("reading image %d: %w", i, err)
		}
	}
	return images, nil
}

func (w *watcher) step(e *train.StepDone) {
	if w.progress == nil {
		w.progress = w.log.Progress(fmt.Sprintf("epoch %*d/%d", len(fmt.Sprint(w.started.Epochs)), e.Epoch, w.started.Epochs), e.StepsPerEpoch)
	}
	step := (e.Step-1)%e.StepsPerEpoch + 1
	w.progress.Update(terminal.Status{Step: step, Images: step * w.config.Train.Batch, Loss: e.Loss, Unit: w.started.Unit + split(e.Terms)})
}

func (w *watcher) stopProgress() {
	if w.progress != nil {
		w.progress.Stop()
		w.progress = nil
	}
}

// epoch shows one line, and the images.
func (w *watcher) epoch(e *train.EpochDone) error {
	w.stopProgress()
	rate := float64(e.Step-(e.Epoch-1)*w.started.StepsPerEpoch) * float64(w.config.Train.Batch) / e.Duration.Seconds()
	line := fmt.Sprintf("epoch %*d/%d  train %s", len(fmt.Sprint(w.started.Epochs)), e.Epoch, w.started.Epochs, digits(e.TrainLoss))
	loss := e.TrainLoss
	if e.Validated {
		loss = e.Validation.Loss
		line += fmt.Sprintf("  validation %s", digits(loss))
	}
	line += " " + w.started.Unit + split(e.Validation.Terms)
	if e.Validated {
		line += fmt.Sprintf("  %.1f dB", e.Validation.PSNR())
	}
	line += fmt.Sprintf("  %s  %s", terminal.Rate(rate, "img"), terminal.Duration(e.Duration))
	if loss > w.before {
		line += "  worse than before"
	}
	w.before = loss
	w.say("%s", line)
	return w.sheet(e.Epoch)
}

// sheet writes what the model makes of the images, and shows it in a terminal.
func (w *watcher) sheet(epoch int) error {
	if w.count == 0 {
		return nil
	}
	made, err := w.runner.Reconstruct(w.images, w.count, w.labels...)
	if err != nil {
		return err
	}
	rows := []picture.Row{
		{Caption: "input", Images: pictures(w.images, w.sets.training.Shape())},
		{Caption: "reconstruction", Images: pictures(made, w.sets.training.Shape())},
	}
	if err := writeSheet(w.folder.Sample(epoch), rows); err != nil {
		return err
	}
	if w.strips && w.log.Live {
		return w.strip(rows)
	}
	return nil
}

func (w *watcher) strip(rows []picture.Row) error {
	lines, err := picture.Strip(rows, w.log.Width(), w.log.Colours)
	if err == nil {
		w.log.Println(lines...)
	}
	return err
}

// pictures cuts n images, one after the other, apart.
func pictures(values []float32, shape data.Shape) []picture.Image {
	var images []picture.Image
	for size := shape.Size(); len(values) >= size; values = values[size:] {
		images = append(images, picture.Image{H: shape.H, W: shape.W, C: shape.C, Pixels: values[:size]})
	}
	return images
}

// writeSheet writes a contact sheet.
func writeSheet(path string, rows []picture.Row) error {
	return writeFile(path, picture.Sheet{Rows: rows}.PNG)
}

// close frees what start has made.
func (w *watcher) close() error {
	w.stopProgress()
	var errs []error
	if w.runner != nil {
		errs = append(errs, w.runner.Close())
	}
	if w.board != nil {
		errs = append(errs, w.board.Close())
	}
	if w.metrics != nil {
		errs = append(errs, w.metrics.Close())
	}
	return errors.Join(errs...)
}
