package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/internal/picture"
	"hourglass/internal/runs"
	"hourglass/internal/verdict"
	"hourglass/kernels/cpu"
	"hourglass/train"
)

type trainCommand struct {
	source
	machine
	arithmetic
	Resume string `placeholder:"RUN" help:"Go on with a run: its path, the beginning of its name, or last. Other flags change its configuration."`
}

func (trainCommand) Help() string {
	return `Examples:

    hourglass train                              conv on drawn digits
    hourglass train mnist/conv --epochs 20       after: hourglass data fetch mnist
    hourglass train ./pictures/mlp --shape 3x32x32 --latent 64
    hourglass train mnist/vae-400-20             a variational autoencoder
    hourglass train --encoder "conv 16 k5 s2 relu | conv 32 k3 s2 batchnorm relu" --loss bernoulli
    hourglass train -c my.yaml --set train.rate=0.01
    hourglass train --resume last

Ctrl-C finishes the step and saves; a second Ctrl-C ends at once.`
}

func (c trainCommand) Run(s *session) error {
	job := training{session: s, machine: c.machine, arithmetic: c.arithmetic}
	var err error
	if c.Resume == "" {
		err = c.begin(&job)
	} else {
		err = c.resume(&job)
	}
	if err != nil {
		return err
	}
	_, err = job.run()
	return err
}

// begin makes a new run.
func (c trainCommand) begin(job *training) error {
	settings, err := c.resolve(job.session)
	if err != nil {
		return err
	}
	job.config, job.settings = settings.Config, settings
	name := job.config.Out.Name
	if name == "" {
		name = runs.NewName(time.Now(), job.config.Data.Source, settings.Preset)
	}
	job.folder = runs.Run{Path: filepath.Join(job.config.Out.Dir, name)}
	if _, err := os.Stat(job.folder.Config()); err == nil {
		return usage{fmt.Errorf("the run %s exists; go on with it by --resume %s, or choose another --name", job.folder.Path, job.folder.Path)}
	}
	return job.folder.CheckWritable()
}

// resume takes up a run with its own configuration, which flags may change.
func (c trainCommand) resume(job *training) error {
	if c.Preset != "" || c.Config != "" {
		return usage{fmt.Errorf("--resume takes the run's own configuration; leave out the preset and --config")}
	}
	dir := c.Keys.Out.Dir
	if dir == "" {
		dir = config.Default().Out.Dir
	}
	run, err := runs.Find(dir, c.Resume)
	if err != nil {
		return err
	}
	settings := config.New()
	if err := settings.ApplyFile(run.Config()); err != nil {
		return usage{err}
	}
	if err := c.apply(job.session, settings); err != nil {
		return err
	}
	if err := settings.Config.Validate(); err != nil {
		return usage{err}
	}
	job.config, job.settings, job.folder, job.resumed = settings.Config, settings, run, true
	return nil
}

// training is a run from its configuration to its verdict.
type training struct {
	*session
	machine
	arithmetic
	config   config.Config
	settings *config.Settings // from which config came
	folder   runs.Run
	resumed  bool
	strips   bool // show reconstructions in the terminal after each epoch
	remedied *remedied

	device *graph.Device
	model  config.Network
	sets   sets
}

// outcome is what training gives, in JSON.
type outcome struct {
	Run        string           `json:"run"`
	Checkpoint string           `json:"checkpoint"`
	Steps      int              `json:"steps"`
	Epochs     int              `json:"epochs"`
	Seconds    float64          `json:"seconds"`
	Judged     string           `json:"judged_on"`
	Verdict    *verdict.Verdict `json:"result"`
}

func (j *training) run() (*outcome, error) {
	var err error
	if j.device, err = j.open(j.session); err != nil {
		return nil, err
	}
	defer j.device.Close()
	if err := j.setArithmetic(); err != nil {
		return nil, err
	}
	if j.sets, err = openSets(j.config); err != nil {
		return nil, err
	}
	j.say("data:   %s: %v", j.config.Data.Source, j.sets)
	if shape := j.sets.training.Shape(); j.config.Data.Shape == "" && shape.Size() > largeImage {
		j.say("shape:  %v, as the images have it; --shape %v makes a smaller and faster model", shape, reduced(shape))
	}
	if err := tellClasses(j.settings, j.sets.training); err != nil {
		return nil, err
	}
	if err := j.suit(j.sets.training.Len()); err != nil {
		return nil, err
	}
	j.config = j.settings.Config
	result, err := j.fit()
	var failed *train.FailedError
	if j.config.Train.OnCollapse == config.Fix && errors.As(err, &failed) {
		if err := errors.Join(j.remedy(failed.Finding), j.device.Release(j.model.Store())); err != nil {
			return nil, err
		}
		result, err = j.fit()
	}
	if err != nil {
		return nil, j.explain(err, result)
	}
	return j.conclude(result)
}

// largeImage is from how many values on an image is larger than most autoencoders
// take, those of 256x256 pixels in colour.
const largeImage = 3 * 256 * 256

// reduced is a shape of about the same aspect ratio whose longer side is at most
// 128, both being multiples of 8 so that three strides of 2 divide them.
func reduced(shape data.Shape) data.Shape {
	const side, multiple = 128, 8
	longer := max(shape.H, shape.W)
	fit := func(n int) int { return max(multiple, (n*side/longer+multiple/2)/multiple*multiple) }
	return data.Shape{C: shape.C, H: fit(shape.H), W: fit(shape.W)}
}

// fit makes the model and trains it.
func (j *training) fit() (result train.Result, err error) {
	options, err := j.options()
	if err != nil {
		return result, err
	}
	if j.model, err = newModel(j.config, j.sets.training.Shape()); err != nil {
		return result, err
	}
	options.Metadata = metadata(j.config, j.sets.training.Shape())
	j.say("model:  %d parameters, code of %s for %d pixel values", j.model.Store().Count(), code(j.model), j.model.Input().Size())
	if j.config.Train.Pretrain > 0 && !j.resumed {
		if err := j.pretrain(options); err != nil {
			return result, err
		}
		options.Resume = true // from what pretraining has left
	}
	watcher := &watcher{training: j}
	result, err = train.Fit(j.ctx, j.device, j.model, j.sets.training, j.sets.validation, options, watcher)
	return result, errors.Join(err, watcher.close())
}

// options are the terms of training.
func (j *training) options() (train.Options, error) {
	c := j.config
	o := train.DefaultOptions()
	o.Epochs, o.Batch, o.Seed = c.Train.Epochs, c.Train.Batch, c.Train.Seed
	o.Optimiser, o.Rate, o.Augment = c.Optimiser(), c.Train.Rate, c.Augment()
	o.EarlyStopping.Patience, o.Diagnose, o.StopOn = c.Train.Patience, true, j.stopOn()
	o.Checkpoints = train.Checkpoints{Dir: j.folder.Checkpoints(), EverySteps: c.Out.Every, Keep: c.Out.Keep}
	if c.Out.Every == 0 {
		o.Checkpoints.EveryEpochs = 1
	}
	o.Resume, o.Resident = j.resumed, c.Train.Resident == config.Auto
	var err error
	if o.Schedule, err = c.Schedule(); err != nil {
		return o, usage{err}
	}
	return o, nil
}

// explain says how to go on with a run that was interrupted.
func (j *training) explain(err error, result train.Result) error {
	if !errors.Is(err, train.ErrInterrupted) || result.Checkpoint == "" {
		return err
	}
	return fmt.Errorf("%w after step %d, saved in %s; go on with `hourglass train --resume %s`", train.ErrInterrupted, result.Step, result.Checkpoint, j.folder.Path)
}

// conclude judges the best weights of the run.
func (j *training) conclude(result train.Result) (*outcome, error) {
	path, err := bestOf(j.folder)
	if err != nil {
		return nil, err
	}
	checkpoint, err := train.LoadCheckpoint(path)
	if err != nil {
		return nil, err
	}
	if err := checkpoint.Restore(j.model.Store()); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	if err := j.device.Push(j.model.Store()); err != nil {
		return nil, err
	}
	if err := j.recordTiles(); err != nil { // with those of what was compiled since the start
		return nil, err
	}
	o := &outcome{Run: j.folder.Path, Checkpoint: path, Steps: result.Step, Epochs: result.Epoch, Seconds: result.Duration.Seconds()}
	if o.Verdict, o.Judged, err = j.judge(j.device, j.model, j.sets, j.config.Train.Batch); err != nil {
		return nil, err
	}
	if damaged := data.Corrupt(j.sets.training); len(damaged) > 0 {
		j.say("warning: %s replaced by the next of the class, the first because of: %v", plural(len(damaged), "damaged picture"), damaged[0])
	}
	if n := data.Resized(j.sets.training); n > 0 && j.config.Data.Shape == "" {
		j.say("%s scaled and cut to %v, the size of the first; --shape names another", plural(n, "picture"), j.sets.training.Shape())
	}
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the verdict: %w", err)
	}
	if err := runs.Write(j.folder.Evaluation(), append(text, '\n')); err != nil {
		return nil, err
	}
	if err := j.compare(o.Verdict); err != nil {
		return nil, err
	}
	if err := writeReport(j.folder.Report(), j.folder, j.device, j.model, j.config, j.sets, o); err != nil {
		return nil, err
	}
	j.show(o.Verdict, o.Judged)
	j.print("")
	j.print("run:    %s", j.folder.Path)
	j.print("report: %s", j.folder.Report())
	j.print("images: %s", j.folder.Reconstructions())
	return o, j.give(o)
}

// judge measures a model beside the baselines.
func (s *session) judge(device *graph.Device, model config.Network, all sets, batch int) (*verdict.Verdict, string, error) {
	held, name := all.held()
	s.say("measuring on the %s images, and fitting PCA ...", name)
	metrics, err := train.Evaluate(s.ctx, device, model, held, batch)
	if err != nil {
		return nil, "", err
	}
	v, err := verdict.Of(metrics, verdict.Loss{Unit: model.Unit(), OfMSE: model.LossOfMSE}, codeLength(model), all.training, held)
	return v, name, err
}

// compared is how many images the sheet at the end of a run shows.
const compared = 12

// compare draws held-back images above what the model and PCA make of them.
func (j *training) compare(v *verdict.Verdict) error {
	held, _ := j.sets.held()
	held, err := data.InTurns(held, compared)
	if err != nil {
		return err
	}
	count := held.Len()
	images, err := firstImages(held, count)
	if err != nil {
		return err
	}
	runner, err := train.NewRunner(j.device, j.model, count)
	if err != nil {
		return err
	}
	defer runner.Close()
	made, err := runner.Reconstruct(images, count, labelsFor(j.model, held, count)...)
	if err != nil {
		return err
	}
	linear, err := v.Linear(images, count)
	if err != nil {
		return err
	}
	shape := held.Shape()
	return writeSheet(j.folder.Reconstructions(), []picture.Row{
		{Caption: "original", Images: pictures(images, shape)},
		{Caption: "model", Images: pictures(made, shape)},
		{Caption: fmt.Sprintf("PCA %d", v.Components), Images: pictures(linear, shape)},
	})
}

// environment is what a run is made on.
type environment struct {
	Build    build     `json:"build"`
	Device   string    `json:"device"`
	Threads  int       `json:"threads"`
	Features []string  `json:"cpu_features"`
	Host     string    `json:"host,omitempty"`
	Started  time.Time `json:"started"`
	// Commands are what was typed to make the run and to go on with it.
	Commands []string  `json:"commands"`
	Remedied *remedied `json:"remedied,omitempty"`
	// Origins say where each key of the configuration has its value from.
	Origins map[string]config.Origin `json:"origins"`
}

func (j *training) environment() ([]byte, error) {
	host, _ := os.Hostname() // a machine without a name is as good
	env := environment{
		Build: version(), Device: j.device.String(), Threads: j.device.Threads(),
		Features: cpu.Features(), Host: host, Started: time.Now().UTC(), Origins: make(map[string]config.Origin), Remedied: j.remedied,
	}
	var before environment
	if j.resumed {
		before = readEnvironment(j.folder)
	}
	if !before.Started.IsZero() {
		env.Started = before.Started
	}
	if env.Remedied == nil {
		env.Remedied = before.Remedied
	}
	env.Commands = append(before.Commands, shellWords(append([]string{"hourglass"}, j.parsed.Args...)))
	for _, k := range config.Keys() {
		origin := j.settings.Origin(k.Name)
		if old, known := before.Origins[k.Name]; known && origin != config.FromFlag {
			origin = old // the run's own file says what an earlier command did
		}
		env.Origins[k.Name] = origin
	}
	text, err := json.MarshalIndent(env, "", "  ")
	return append(text, '\n'), err
}
