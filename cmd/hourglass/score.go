package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hourglass/data"
	"hourglass/internal/baseline"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/models/codec"
	"hourglass/train"
	"hourglass/train/anomaly"
)

type scoreCommand struct {
	chosenRun
	Images   []string `arg:"" optional:"" help:"Picture files, or a folder of them: its test part if it has parts; without any, the run's test images of all labels."`
	Data     string   `placeholder:"SOURCE" help:"Score the test images of another source instead."`
	By       string   `default:"reconstruction" help:"What a score is: reconstruction is the squared error, elbo the negative evidence lower bound of a vae, mahalanobis the distance of the code from the training codes, both the larger of the first and the last."`
	Quantile float64  `default:"0.99" help:"Share of the validation images that the threshold calls normal."`
	Normal   string   `placeholder:"LABELS" help:"Labels of the images that are normal, all others being anomalous; without it, those of data.only."`
	Output   string   `short:"o" placeholder:"CSV" help:"File to write all scores to."`
	Sheet    string   `placeholder:"PNG" help:"Picture to write: the highest scores first, each original above its reconstruction and a map of the error."`
	Count    int      `short:"n" default:"24" help:"How many images the sheet and the table show."`
	conditioned
	machine
}

func (scoreCommand) Help() string {
	return `Examples:

    hourglass train mnist/conv --only 8 && hourglass score last --by both
    hourglass score last ./arrived -o scores.csv --sheet strangest.png
    hourglass score last --data folder:./bottles --normal good`
}

// scored is an image with its score.
type scored struct {
	Name    string  `json:"name"`
	Label   string  `json:"label,omitempty"`
	Score   float64 `json:"score"`
	Anomaly bool    `json:"anomaly"`
	index   int     // in the set
}

// scores is what the command gives, in JSON.
type scores struct {
	Run        string   `json:"run"`
	Checkpoint string   `json:"checkpoint"`
	By         string   `json:"by"`
	Quantile   float64  `json:"quantile"`
	Threshold  float64  `json:"threshold"`
	Fitted     string   `json:"threshold_from"`
	Normal     []string `json:"normal,omitempty"`
	Judgements []judged `json:"judgements,omitempty"` // this model first
	Flagged    int      `json:"flagged"`
	LeftOut    []string `json:"left_out,omitempty"` // why pictures of a folder have no score
	Images     []scored `json:"images"`             // the highest score first
}

// judged is how well one way to score tells anomalies.
type judged struct {
	Name string `json:"name"`
	anomaly.Judgement
}

func (c scoreCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return usage{err}
	}
	run, t, err := c.load()
	if err != nil {
		return err
	}
	if c.By == string(anomaly.ELBO) {
		if err := t.evidence(run); err != nil {
			return usage{fmt.Errorf("%w; score --by reconstruction, mahalanobis or both", err)}
		}
	}
	t.config.Data.Shape = t.shape.String()
	all, err := openSets(t.config)
	if err != nil {
		return err
	}
	set, leftOut, err := c.open(s, t, all)
	if err != nil {
		return err
	}
	if set, err = c.told(t, set); err != nil {
		return err
	}
	device, err := c.machine.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	runner, err := train.NewRunner(device, t.model, t.config.Train.Batch)
	if err != nil {
		return err
	}
	defer runner.Close()
	result := &scores{Run: run.Path, Checkpoint: t.path, By: c.By, Quantile: c.Quantile, LeftOut: leftOut}
	if err := c.score(s, runner, all, set, result); err != nil {
		return err
	}
	if c.By == string(anomaly.Reconstruction) {
		kept := threshold{codec.Identity(t.model), result.Threshold, result.Quantile, result.Fitted}
		if err := kept.write(run); err != nil {
			s.say("warning: serve will not know the threshold: %v", err)
		}
	}
	if err := c.judge(s, t, all, set, result); err != nil {
		return err
	}
	if err := c.write(runner, set, result); err != nil {
		return err
	}
	c.show(s, set, result)
	return s.give(result)
}

func (c scoreCommand) check() error {
	switch {
	case !slices.Contains(anomaly.Methods(), c.By):
		return fmt.Errorf("--by is %s%s", c.By, suggestion(c.By, anomaly.Methods(), "; choose among "+strings.Join(anomaly.Methods(), ", ")))
	case !(c.Quantile > 0 && c.Quantile <= 1):
		return fmt.Errorf("--quantile is %g; give a share above 0 and up to 1, such as 0.99", c.Quantile)
	case c.Count < 1 || c.Count > 1000:
		return fmt.Errorf("--count is %d; give a number of images from 1 to 1000", c.Count)
	case len(c.Images) > 0 && c.Data != "":
		return fmt.Errorf("both pictures and --data are given; name one of them")
	case c.Sheet != "":
		return checkPicture("--sheet", c.Sheet)
	}
	return nil
}

// open returns the images to score, and why others of a folder have no score.
func (c scoreCommand) open(s *session, t *trained, all sets) (data.Dataset, []string, error) {
	switch {
	case len(c.Images) > 0:
		found, err := s.openPictures(c.Images, t.shape)
		if err != nil {
			return nil, nil, err
		}
		return found.parts[len(found.parts)-1].images, found.leftOut, nil
	case c.Data != "":
		training, test, err := data.Open(c.Data, data.Options{Shape: t.shape})
		if err != nil || test == nil {
			return training, nil, err
		}
		return test, nil, nil
	case all.mixed != nil:
		return all.mixed, nil, nil
	}
	held, _ := all.held()
	return held, nil, nil
}

// score gives each image its score, the highest first.
func (c scoreCommand) score(s *session, runner *train.Runner, all sets, set data.Dataset, result *scores) error {
	s.say("scoring %d images ...", set.Len())
	detector, err := anomaly.Learn(s.ctx, runner, all.training, anomaly.Method(c.By))
	if err != nil {
		return err
	}
	normal, from := all.validation, "validation"
	if normal == nil {
		normal, from = all.training, "training"
	}
	result.Fitted = from
	if result.Threshold, err = detector.Threshold(s.ctx, normal, c.Quantile); err != nil {
		return err
	}
	values, err := detector.Scores(s.ctx, set)
	if err != nil {
		return err
	}
	for i, value := range values {
		one := scored{Name: data.Name(set, i), Label: labelName(set, i), Score: value, Anomaly: value > result.Threshold, index: i}
		if one.Anomaly {
			result.Flagged++
		}
		result.Images = append(result.Images, one)
	}
	slices.SortStableFunc(result.Images, func(a, b scored) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return nil
}

// labelName is the label of an image, or empty.
func labelName(ds data.Dataset, i int) string {
	label, classes := ds.Label(i), data.Classes(ds)
	switch {
	case label < 0:
		return ""
	case label < len(classes):
		return classes[label]
	}
	return strconv.Itoa(label)
}

// judge compares the scores with the labels, if it is known which are normal,
// beside those of PCA and of the mean image.
func (c scoreCommand) judge(s *session, t *trained, all sets, set data.Dataset, result *scores) error {
	result.Normal = t.config.Only()
	if c.Normal != "" {
		result.Normal = strings.Split(c.Normal, ",")
	}
	if result.Normal == nil || c.Normal == "" && len(c.Images)+len(c.Data) > 0 {
		result.Normal = nil
		return nil
	}
	labels, err := data.Labels(set, result.Normal)
	if err != nil {
		return usage{fmt.Errorf("--normal: %w", err)}
	}
	anomalous := make([]bool, set.Len())
	values := make([]float64, set.Len())
	for _, one := range result.Images {
		anomalous[one.index] = !slices.Contains(labels, set.Label(one.index))
		values[one.index] = one.Score
	}
	model, err := anomaly.Judge(values, anomalous)
	if err != nil {
		return err
	}
	result.Judgements = []judged{{"this model", model}}
	components := min(t.model.CodeSize(), all.training.Len(), t.shape.Size())
	linear, err := anomaly.Linear(all.training, components)
	if err != nil {
		return err
	}
	mean, err := anomaly.Mean(all.training)
	if err != nil {
		return err
	}
	for _, rival := range []struct {
		name     string
		detector *anomaly.Detector
	}{{baseline.Named(components), linear}, {"mean image", mean}} {
		values, err := rival.detector.Scores(s.ctx, set)
		if err != nil {
			return err
		}
		j, err := anomaly.Judge(values, anomalous)
		if err != nil {
			return err
		}
		result.Judgements = append(result.Judgements, judged{rival.name, j})
	}
	return nil
}

// write writes the files that were asked for.
func (c scoreCommand) write(runner *train.Runner, set data.Dataset, result *scores) error {
	if c.Output != "" {
		var text bytes.Buffer
		w := csv.NewWriter(&text)
		w.Write([]string{"name", "label", "score", "anomaly"})
		for _, one := range result.Images {
			w.Write([]string{one.Name, one.Label, strconv.FormatFloat(one.Score, 'g', -1, 64), strconv.FormatBool(one.Anomaly)})
		}
		w.Flush() // into memory: nothing can fail
		if err := runs.Write(c.Output, text.Bytes()); err != nil {
			return err
		}
	}
	if c.Sheet == "" {
		return nil
	}
	shown := result.Images[:min(c.Count, len(result.Images))]
	images, labels := make([]float32, len(shown)*set.Shape().Size()), make([]int, len(shown))
	for i, one := range shown {
		labels[i] = set.Label(one.index)
		if err := set.Image(one.index, images[i*set.Shape().Size():(i+1)*set.Shape().Size()]); err != nil {
			return err
		}
	}
	made, err := runner.Reconstruct(images, len(shown), runner.Conditions(labels)...)
	if err != nil {
		return err
	}
	rows, err := heatRows(images, made, set.Shape())
	if err != nil {
		return err
	}
	return writeSheet(c.Sheet, rows)
}

// show prints the highest scores and how good they are.
func (c scoreCommand) show(s *session, set data.Dataset, result *scores) {
	table := terminal.Table{Title: fmt.Sprintf("the highest of %d scores by %s", set.Len(), c.By), Head: []string{"score", "", "label", "image"}}
	for _, one := range result.Images[:min(c.Count, len(result.Images))] {
		mark := ""
		if one.Anomaly {
			mark = "anomaly"
		}
		table.Rows = append(table.Rows, []string{digits(one.Score), mark, one.Label, one.Name})
	}
	s.print("")
	s.table(table)
	s.print("")
	s.print("%d of %d images are above the threshold %s, which %.4g%% of the %s images do not pass.", result.Flagged, set.Len(), digits(result.Threshold), 100*c.Quantile, result.Fitted)
	if len(result.Judgements) > 0 {
		table := terminal.Table{Title: "anomalies against " + strings.Join(result.Normal, ", "), Head: []string{"", "ROC-AUC", "PR-AUC"}}
		for _, j := range result.Judgements {
			table.Rows = append(table.Rows, []string{j.Name, fmt.Sprintf("%.4f", j.ROCAUC), fmt.Sprintf("%.4f", j.PRAUC)})
		}
		s.print("")
		s.table(table)
	}
	for _, path := range []string{c.Output, c.Sheet} {
		if path != "" {
			s.print("written: %s", path)
		}
	}
}
