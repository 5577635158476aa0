package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hourglass/graph"
	"hourglass/internal/chart"
	"hourglass/internal/config"
	"hourglass/internal/report"
	"hourglass/internal/runs"
	"hourglass/internal/terminal"
	"hourglass/train"
)

type reportCommand struct {
	chosenRun
	Output string `short:"o" placeholder:"FILE" help:"HTML file to write; report.html in the run's folder without it."`
	machine
}

func (reportCommand) Help() string {
	return `Training writes the report of a run at its end; this writes it anew.

Examples:

    hourglass report last
    hourglass report last -o mnist.html --checkpoint latest`
}

func (c reportCommand) Run(s *session) error {
	run, t, err := c.load()
	if err != nil {
		return err
	}
	shaped := t.config
	shaped.Data.Shape = t.shape.String()
	all, err := openSets(shaped)
	if err != nil {
		return err
	}
	device, err := c.open(s)
	if err != nil {
		return err
	}
	defer device.Close()
	o := &outcome{}
	if c.Checkpoint == "best" { // which is what eval.json is about
		o = readOutcome(run)
	}
	if o.Verdict == nil {
		if o.Verdict, o.Judged, err = s.judge(device, t.model, all, t.config.Train.Batch); err != nil {
			return err
		}
	}
	path := c.Output
	if path == "" {
		path = run.Report()
	}
	if err := writeReport(path, run, device, t.model, t.config, all, o); err != nil {
		return err
	}
	s.print("report: %s", path)
	return s.give(map[string]any{"run": run.Path, "report": path, "checkpoint": t.path})
}

// readOutcome reads how a run ended; what cannot be read is left out.
func readOutcome(run runs.Run) *outcome {
	o := &outcome{}
	text, err := os.ReadFile(run.Evaluation())
	if err != nil || json.Unmarshal(text, o) != nil || o.Verdict == nil || len(o.Verdict.Rows) < 2 || o.Verdict.Rows[0].MSE == nil {
		return &outcome{}
	}
	return o
}

// prior is how many samples a report shows.
const prior = 48

// writeReport measures a model on the images that it was not trained on, and
// writes the report of its run.
func writeReport(path string, run runs.Run, device *graph.Device, model config.Network, c config.Config, all sets, o *outcome) error {
	runner, err := train.NewRunner(device, model, c.Train.Batch)
	if err != nil {
		return err
	}
	defer runner.Close()
	held, judged := all.held()
	subject := report.Subject{Model: model, Runner: runner, Images: held, Normal: variational(model), Samples: prior}
	r := report.Run{Name: run.Name(), Begun: begun(run), Judged: judged, Verdict: o.Verdict}
	if r.Study, err = report.Measure(subject); err != nil {
		return err
	}
	if r.History, err = train.ReadHistory(run.Metrics()); err != nil {
		return err
	}
	env := readEnvironment(run)
	r.About = fmt.Sprintf("%s, %s, %s", c.Data.Source, c.Model.Kind, c.Model.Loss)
	r.Facts = facts(model, r.History, o)
	r.Settings = settingsOf(c, env.Origins)
	r.Environment = env.facts()
	r.Commands = env.Commands
	r.Again = shellWords([]string{"hourglass", "train", "-c", filepath.ToSlash(run.Config()), "--name", run.Name() + "-again"})
	var page bytes.Buffer
	if err := r.HTML(&page); err != nil {
		return err
	}
	return runs.Write(path, page.Bytes())
}

// begun is when a run was begun, so far as is known.
func begun(run runs.Run) time.Time {
	if env := readEnvironment(run); !env.Started.IsZero() {
		return env.Started
	}
	return run.Begun
}

// facts are what a report shows in large letters.
func facts(model config.Network, h *train.History, o *outcome) []report.Fact {
	var all []report.Fact
	add := func(name, value string) { all = append(all, report.Fact{Name: name, Value: value}) }
	if v := o.Verdict; v != nil {
		add("squared error, mse/px", chart.Number(*v.Rows[0].MSE))
		if v.Unit != "mse/px" && v.Rows[0].Loss != nil {
			add("loss, "+v.Unit, chart.Number(*v.Rows[0].Loss))
		}
		if v.Rows[0].PSNR != nil {
			add("signal to noise", chart.Number(*v.Rows[0].PSNR)+" dB")
		}
	}
	add("parameters", chart.Number(float64(model.Store().Count())))
	add(fmt.Sprintf("numbers a code, for %d pixel values", model.Input().Size()), fmt.Sprint(model.CodeSize()))
	seconds, rate := spent(h)
	if n := len(h.Epochs); n > 0 {
		add("epochs", fmt.Sprint(h.Epochs[n-1].Epoch))
		add("of training", terminal.Duration(time.Duration(seconds*float64(time.Second))))
	}
	if rate > 0 {
		add("images/s in training", chart.Number(rate))
	}
	return all
}

// spent are the seconds of all epochs, and the mean throughput in images a
// second.
func spent(h *train.History) (seconds, rate float64) {
	for _, e := range h.Epochs {
		seconds += e.Values["seconds"]
	}
	sum := 0.0
	for _, s := range h.Steps {
		if r := s.Values["images_per_second"]; r > 0 {
			sum += 1 / r
		}
	}
	if sum > 0 {
		rate = float64(len(h.Steps)) / sum
	}
	return seconds, rate
}

// settingsOf lists a configuration with the origin of each value.
func settingsOf(c config.Config, origins map[string]config.Origin) (all []report.Setting) {
	for _, k := range config.Keys() {
		origin := origins[k.Name]
		text := k.Text(c)
		all = append(all, report.Setting{Name: k.Name, Value: text, Origin: string(origin), Chosen: text != k.Default})
	}
	return all
}

// readEnvironment reads what a run was made on; what cannot be read is left
// out.
func readEnvironment(run runs.Run) (e environment) {
	if text, err := os.ReadFile(run.Environment()); err == nil && json.Unmarshal(text, &e) != nil {
		return environment{}
	}
	return e
}

// facts are the lines of an environment.
func (e environment) facts() (all []report.Fact) {
	for _, f := range []report.Fact{
		{Name: "Hourglass", Value: strings.TrimSpace(e.Build.Version + " " + e.Build.Commit)},
		{Name: "Go", Value: e.Build.Go},
		{Name: "system", Value: strings.Trim(e.Build.OS+"/"+e.Build.Arch, "/")},
		{Name: "device", Value: e.Device},
		{Name: "CPU features", Value: strings.Join(e.Features, ", ")},
		{Name: "host", Value: e.Host},
	} {
		if f.Value != "" {
			all = append(all, f)
		}
	}
	return all
}

// shellWords joins words so that a shell takes them apart again.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		safe := w != "" && strings.IndexFunc(w, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,+@%", r))
		}) < 0
		if quoted[i] = w; !safe {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
