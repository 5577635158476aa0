package main

import (
	"fmt"
	"strings"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/baseline"
	"hourglass/internal/terminal"
	"hourglass/models"
	"hourglass/train"
	"hourglass/train/measure"
)

type probeCommand struct {
	chosenRun
	Labels     int    `placeholder:"N" help:"Fit to so many labelled images, drawn at random; 0 takes all of training."`
	Validation bool   `help:"Judge on the images for validation: so that runs can be chosen between without a look at those for test."`
	FineTune   bool   `help:"Train the encoder too, with a linear layer behind it, by the labels: from this run's weights, and for comparison from random ones."`
	Output     string `short:"o" placeholder:"FILE" help:"Safetensors file for the fine-tuned classifier: encoder.*, its layer to the code, and classifier.weight and classifier.bias."`
	Seed       uint64 `default:"1" help:"Seed of the order of the images, and of which are drawn."`
	machine
}

func (probeCommand) Help() string {
	return `Examples:

    hourglass probe last
    hourglass probe last --labels 500
    hourglass probe last --labels 100 --fine-tune -o classifier.safetensors
    hourglass probe last --validation`
}

// probed is what a linear classifier reads from one description of images.
type probed struct {
	Name     string  `json:"name"`
	Features int     `json:"features"`
	Accuracy float64 `json:"accuracy"`
}

func (c probeCommand) Run(s *session) error {
	if c.Labels < 0 {
		return usage{fmt.Errorf("--labels is %d; give a number of images, or 0 for all", c.Labels)}
	}
	if c.Output != "" && !c.FineTune {
		return usage{fmt.Errorf("-o is for the classifier of --fine-tune; add that, or leave out -o")}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	t.config.Data.Shape = t.shape.String()
	all, err := openSets(t.config)
	if err != nil {
		return err
	}
	if c.Validation {
		if all.validation == nil {
			return usage{fmt.Errorf("run %s put no images apart for validation; train with --validation 0.1, or leave out --validation", run.Name())}
		}
		all.test = nil
	}
	held, judgedOn := all.held()
	classes, err := countClasses(all.training, held)
	if err != nil {
		return err
	}
	var classifier *models.Classifier
	if c.FineTune {
		if classifier, err = models.NewClassifier(t.model, classes); err != nil {
			return usage{fmt.Errorf("--fine-tune: %w", err)}
		}
	}
	labelled := all.training
	if c.Labels > 0 {
		if labelled, err = c.draw(labelled); err != nil {
			return usage{err}
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
	s.say("fitting linear classifiers to %d images ...", labelled.Len())
	pca, err := baseline.Fit(probeRows{all.training}, min(t.model.CodeSize(), all.training.Len(), t.shape.Size()))
	if err != nil {
		return err
	}
	var results []probed
	for _, way := range []struct {
		name     string
		features int
		describe func(images []float32, labels []int) ([]float32, error)
	}{
		{"codes of this model", t.model.CodeSize(), encoding(runner)},
		{"PCA", pca.K(), linearCodes(pca)},
		{"raw pixels", t.shape.Size(), func(images []float32, _ []int) ([]float32, error) { return images, nil }},
	} {
		accuracy, err := c.probe(s, labelled, held, classes, way.features, way.describe)
		if err != nil {
			return err
		}
		results = append(results, probed{way.name, way.features, accuracy})
	}
	if c.FineTune {
		tuned, err := c.fineTune(s, device, t, classifier, labelled, held)
		if err != nil {
			return err
		}
		results = append(results, tuned...)
	}
	table := terminal.Table{
		Title: fmt.Sprintf("a linear classifier of %d labelled images, on %d %s images", labelled.Len(), held.Len(), judgedOn),
		Head:  []string{"", "numbers", "accuracy"},
	}
	for _, r := range results {
		table.Rows = append(table.Rows, []string{r.Name, fmt.Sprint(r.Features), fmt.Sprintf("%.4f", r.Accuracy)})
	}
	s.print("")
	s.table(table)
	if c.Output != "" {
		s.print("written: %s", c.Output)
	}
	return s.give(map[string]any{"run": run.Path, "checkpoint": t.path, "judged_on": judgedOn, "labels": labelled.Len(), "classes": classes, "results": results})
}

// countClasses wants every image to have a label, and returns one more than the
// highest.
func countClasses(training, held data.Dataset) (int, error) {
	highest := 0
	for _, ds := range []data.Dataset{training, held} {
		for i := range ds.Len() {
			label := ds.Label(i)
			if label < 0 {
				return 0, fmt.Errorf("%s has no label; a probe takes images with labels, such as a folder with a subfolder for each", data.Name(ds, i))
			}
			highest = max(highest, label)
		}
	}
	if highest == 0 {
		return 0, fmt.Errorf("all images have one label; a probe takes two at least")
	}
	return highest + 1, nil
}

// draw takes some of the images at random.
func (c probeCommand) draw(ds data.Dataset) (data.Dataset, error) {
	if c.Labels > ds.Len() {
		return nil, fmt.Errorf("--labels is %d, and there are %d images for training; give no more", c.Labels, ds.Len())
	}
	return data.Subset(ds, data.Permutation(ds.Len(), c.Seed, 0)[:c.Labels])
}

// probe fits a classifier to the labelled images as they are described, and
// returns its accuracy on those held back.
func (c probeCommand) probe(s *session, labelled, held data.Dataset, classes, features int, describe func([]float32, []int) ([]float32, error)) (float64, error) {
	var sets [2]struct {
		rows   []float32
		labels []int
	}
	for i, ds := range []data.Dataset{labelled, held} {
		d := &sets[i]
		err := train.EachBatch(s.ctx, ds, 256, func(images []float32, labels []int) error {
			rows, err := describe(images, labels)
			d.rows = append(d.rows, rows...)
			return err
		})
		if err != nil {
			return 0, err
		}
		for k := range ds.Len() {
			d.labels = append(d.labels, ds.Label(k))
		}
	}
	classifier, err := measure.FitClassifier(sets[0].rows, features, sets[0].labels, classes, measure.ClassifierOptions{Seed: c.Seed})
	if err != nil {
		return 0, err
	}
	return classifier.Accuracy(sets[1].rows, sets[1].labels)
}

// fineTune trains classifiers whose encoders learn too: the run's, and one of the
// same layers with the weights that training begins with.
func (c probeCommand) fineTune(s *session, device *graph.Device, t *trained, tuned *models.Classifier, labelled, held data.Dataset) ([]probed, error) {
	model, err := newModel(t.config, t.shape)
	if err != nil {
		return nil, err
	}
	fresh, err := models.NewClassifier(model, tuned.Classes())
	if err != nil {
		return nil, err
	}
	var results []probed
	for _, way := range []struct {
		name       string
		classifier *models.Classifier
	}{{"encoder, fine-tuned", tuned}, {"encoder from random weights", fresh}} {
		s.say("training: %s ...", way.name)
		if err := train.FineTune(s.ctx, device, way.classifier, labelled, train.FineTuning{Seed: c.Seed, Augment: t.config.Augment()}); err != nil {
			return nil, err
		}
		told, err := train.Classify(s.ctx, device, way.classifier, held, classifiedAtOnce)
		if err != nil {
			return nil, err
		}
		right := 0
		for i, class := range told {
			if class == held.Label(i) {
				right++
			}
		}
		results = append(results, probed{way.name, t.model.CodeSize(), float64(right) / float64(len(told))})
	}
	if c.Output == "" {
		return results, nil
	}
	metadata := map[string]string{"input": t.shape.String(), "classes": strings.Join(data.Classes(labelled), "\n")}
	return results, train.Snapshot(tuned.Store(), train.State{}, metadata).Weights().Write(c.Output)
}

// classifiedAtOnce is how many images are classified in one run of the encoder.
const classifiedAtOnce = 256

// probeRows is a set as the baselines read it.
type probeRows struct{ data.Dataset }

func (r probeRows) Size() int                      { return r.Shape().Size() }
func (r probeRows) Row(i int, dst []float32) error { return r.Image(i, dst) }

// encoding describes images by their codes.
func encoding(runner *train.Runner) func(images []float32, labels []int) ([]float32, error) {
	return func(images []float32, labels []int) ([]float32, error) {
		return runner.Encode(images, len(labels), runner.Conditions(labels)...)
	}
}

// linearCodes describes images by their principal components.
func linearCodes(pca *baseline.PCA) func(images []float32, labels []int) ([]float32, error) {
	return func(images []float32, labels []int) ([]float32, error) {
		n := len(labels)
		codes, size := make([]float32, n*pca.K()), len(images)/n
		for i := range n {
			if err := pca.Encode(codes[i*pca.K():(i+1)*pca.K()], images[i*size:(i+1)*size]); err != nil {
				return nil, err
			}
		}
		return codes, nil
	}
}
