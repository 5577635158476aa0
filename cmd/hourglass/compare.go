package main

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/chart"
	"hourglass/internal/config"
	"hourglass/internal/picture"
	"hourglass/internal/report"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/train"
)

type compareCommand struct {
	Which  []string `arg:"" name:"run" help:"Runs: their paths, the beginnings of their names, or last."`
	Dir    string   `default:"runs" help:"Folder that holds the runs."`
	Output string   `short:"o" placeholder:"FILE" help:"HTML file to write: curves laid over each other, what each run makes of the same images, and the spaces of their codes."`
	machine
}

func (compareCommand) Help() string {
	return `Examples:

    hourglass compare first second
    hourglass compare runs/* -o compare.html
    hourglass compare first second --json`
}

// beside is one run beside others.
type beside struct {
	Name      string   `json:"name"`
	Path      string   `json:"path"`
	Unit      string   `json:"unit,omitempty"` // of the loss
	Loss      *float64 `json:"loss,omitempty"`
	MSE       *float64 `json:"mse,omitempty"`
	PSNR      *float64 `json:"psnr,omitempty"`
	PCARatio  *float64 `json:"pca_ratio,omitempty"`
	Step      int      `json:"steps"`
	Epochs    int      `json:"epochs"`
	Seconds   float64  `json:"seconds"`
	Rate      float64  `json:"images_per_second"`
	Source    string   `json:"source"`
	run       runs.Run
	config    config.Config
	history   *train.History
	evaluated *outcome
}

func (c compareCommand) Run(s *session) error {
	if len(c.Which) < 2 {
		return usage{fmt.Errorf("only %d run is named; name at least two, as in `hourglass compare first second`", len(c.Which))}
	}
	all := make([]*beside, len(c.Which))
	for i, which := range c.Which {
		var err error
		if all[i], err = readCompared(c.Dir, which); err != nil {
			return err
		}
	}
	figures, differences := figuresOf(all), differencesOf(all)
	settings := map[string][]string{}
	for _, row := range differences[1:] {
		settings[row[0]] = slices.Clone(row[1:])
		for i, text := range row {
			if text == "" {
				row[i] = "–"
			}
		}
	}
	if c.Output != "" {
		if err := c.page(s, all, figures, differences); err != nil {
			return err
		}
	}
	s.table(terminal.Table{Head: figures[0], Rows: figures[1:]})
	s.print("")
	if len(differences) > 1 {
		s.table(terminal.Table{Head: differences[0], Rows: differences[1:]})
	} else {
		s.print("Their configurations differ in nothing but where they are written to.")
	}
	if c.Output != "" {
		s.print("")
		s.print("page: %s", c.Output)
	}
	return s.give(map[string]any{"runs": all, "differences": settings})
}

// readCompared reads what a run's files say of it.
func readCompared(dir, which string) (*beside, error) {
	run, err := runs.Find(dir, which)
	if err != nil {
		return nil, err
	}
	r := &beside{Name: run.Name(), Path: run.Path, run: run, evaluated: readOutcome(run)}
	if r.config, err = config.Load(run.Config()); err != nil {
		return nil, err
	}
	if r.history, err = train.ReadHistory(run.Metrics()); err != nil {
		return nil, err
	}
	r.Source = r.config.Data.Source
	r.Seconds, r.Rate = spent(r.history)
	if n := len(r.history.Steps); n > 0 {
		r.Step = r.history.Steps[n-1].Step
	}
	if n := len(r.history.Epochs); n > 0 {
		r.Epochs = r.history.Epochs[n-1].Epoch
	}
	if v := r.evaluated.Verdict; v != nil {
		r.Unit, r.Loss, r.MSE, r.PSNR = v.Unit, v.Rows[0].Loss, v.Rows[0].MSE, v.Rows[0].PSNR
		if pca := v.Rows[1].MSE; pca != nil && *pca > 0 {
			ratio := *r.MSE / *pca
			r.PCARatio = &ratio
		}
	}
	return r, nil
}

// figuresOf is the table of how runs ended, a column each; the first row names
// them.
func figuresOf(all []*beside) [][]string {
	table := [][]string{{""}, {"squared error, mse/px"}, {"signal to noise, dB"}, {"beside PCA's error"}, {"loss"}, {"images"}, {"steps"}, {"epochs"}, {"time"}, {"images/s"}}
	optional := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return chart.Number(*x)
	}
	for _, r := range all {
		ratio, loss := "–", "–"
		if r.PCARatio != nil {
			ratio = fmt.Sprintf("%.2f times", *r.PCARatio)
		}
		if r.Loss != nil {
			loss = optional(r.Loss) + " " + r.Unit
		}
		judged := "not judged yet"
		if v := r.evaluated.Verdict; v != nil {
			judged = fmt.Sprintf("%d %s", v.Images, r.evaluated.Judged)
		}
		for i, cell := range []string{
			r.Name, optional(r.MSE), optional(r.PSNR), ratio, loss, judged, fmt.Sprint(r.Step), fmt.Sprint(r.Epochs),
			terminal.Duration(time.Duration(r.Seconds * float64(time.Second))), chart.Number(r.Rate),
		} {
			table[i] = append(table[i], cell)
		}
	}
	return table
}

// differencesOf is the table of the settings in which runs differ, but for
// where they are written to; the first row names the runs.
func differencesOf(all []*beside) [][]string {
	head := []string{"setting"}
	for _, r := range all {
		head = append(head, r.Name)
	}
	table := [][]string{head}
	for _, k := range config.Keys() {
		row, differ := []string{k.Name}, false
		for _, r := range all {
			text := k.Text(r.config)
			differ = differ || text != k.Text(all[0].config)
			row = append(row, text)
		}
		if differ && k.Name != "out.dir" && k.Name != "out.name" {
			table = append(table, row)
		}
	}
	return table
}

// sideBySide is how many images a page of several runs shows.
const sideBySide = 10

// page writes the page.
func (c compareCommand) page(s *session, all []*beside, figures, differences [][]string) error {
	page := report.Comparison{Table: figures, Differences: differences}
	for _, r := range all {
		page.Runs = append(page.Runs, report.Compared{Name: r.Name, Run: report.Run{History: r.history, Verdict: r.evaluated.Verdict}})
	}
	device, err := c.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	if err := pictured(&page, device, all); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := page.HTML(&text); err != nil {
		return err
	}
	return runs.Write(c.Output, text.Bytes())
}

// pictured adds what each run makes of images that the first held back. Runs on
// images of another shape are left out.
func pictured(page *report.Comparison, device *graph.Device, all []*beside) error {
	var common shared
	for i, r := range all {
		path, err := bestOf(r.run)
		if err != nil {
			return fmt.Errorf("run %s has no checkpoint yet: %w", r.Name, err)
		}
		t, err := loadTrained(path)
		if err != nil {
			return err
		}
		if i == 0 {
			var judged string
			if common, judged, err = heldBy(t); err != nil {
				return err
			}
			page.Note = fmt.Sprintf("Some %s images of %s, on which it was not trained.", judged, r.Name)
			page.Sheet = append(page.Sheet, picture.Row{Caption: "images", Images: pictures(common.images, t.shape)})
		}
		if r.Source != all[0].Source {
			page.Note += fmt.Sprintf(" %s was trained on other images (%s).", r.Name, r.Source)
		}
		if t.shape != common.held.Shape() {
			page.Note += fmt.Sprintf(" %s takes images of %v and is left out.", r.Name, t.shape)
			continue
		}
		made, err := common.look(device, t)
		if err != nil {
			return fmt.Errorf("looking at run %s: %w", r.Name, err)
		}
		page.Runs[i].Run.Study = common.study
		page.Sheet = append(page.Sheet, picture.Row{Caption: r.Name, Images: pictures(made, t.shape)})
	}
	return nil
}

// shared are the images at which all runs look.
type shared struct {
	held   data.Dataset
	few    data.Dataset // of the held ones, those in images
	images []float32
	study  *report.Study // of the run that looked last
}

// heldBy are the images that a model was not trained on.
func heldBy(t *trained) (all shared, judged string, err error) {
	c := t.config
	c.Data.Shape = t.shape.String()
	sets, err := openSets(c)
	if err != nil {
		return all, "", err
	}
	all.held, judged = sets.held()
	if all.few, err = data.InTurns(all.held, sideBySide); err == nil {
		all.images, err = firstImages(all.few, all.few.Len())
	}
	return all, judged, err
}

// look returns what a model makes of the few images, and studies what it makes
// of all.
func (s *shared) look(device *graph.Device, t *trained) (made []float32, err error) {
	defer device.Release(t.model.Store()) // once the runner is closed; a GPU that fails here has failed before
	runner, err := train.NewRunner(device, t.model, t.config.Train.Batch)
	if err != nil {
		return nil, err
	}
	defer runner.Close()
	if made, err = runner.Reconstruct(s.images, s.few.Len(), labelsFor(t.model, s.few, s.few.Len())...); err != nil {
		return nil, err
	}
	subject := report.Subject{Model: t.model, Runner: runner, Images: s.held, Normal: variational(t.model), Samples: report.SamplesBeside, Beside: s.study}
	s.study, err = report.Measure(subject)
	return made, err
}
