package report

import (
	"fmt"
	"io"

	"hourglass/internal/chart"
	"hourglass/internal/picture"
)

// Comparison is several runs side by side.
type Comparison struct {
	Runs []Compared
	// Table has a row for each figure: its name, and a cell for each run.
	Table [][]string
	// Differences has a row for each setting in which the runs differ.
	Differences [][]string
	// Sheet is what each run makes of the same images; the first row is the
	// images themselves. Empty if they cannot be compared.
	Sheet []picture.Row
	Note  string // on the sheet
}

// Compared is one of the runs: its curves, and what it makes of the same images
// as the others.
type Compared struct {
	Name string
	Run  Run // of which History, Verdict and Study are read
}

// comparisonView is a comparison as its template reads it.
type comparisonView struct {
	Comparison
	Names  []legend
	Charts []figure
	Rows   []strip
	Spaces []space
	Sprite inlined // of the images of all spaces
}

type strip struct {
	Name   string
	Images []inlined
}

// space is the code space of one run.
type space struct {
	legend
	Drawn     string // from what the samples' codes are
	Samples   []inlined
	Walks     []walk
	Map       codeMap
	Points    int
	Explained float64 // per cent
}

// Of each run a comparison shows less than its report.
const (
	SamplesBeside    = 20
	directionsBeside = 5
)

// spaces makes what the template shows of studies of the same images.
func (v *comparisonView) spaces() (err error) {
	for i, r := range v.Runs {
		study := r.Run.Study
		if study == nil {
			continue
		}
		one := space{legend: legend{r.Name, i % colours}, Drawn: study.Drawn, Map: study.codeMap(), Points: len(study.Points), Explained: 100 * study.Explained}
		if one.Samples, err = tiles(study.Samples); err != nil {
			return err
		}
		if one.Walks, err = study.walks(directionsBeside); err != nil {
			return err
		}
		if v.Spaces == nil {
			if v.Sprite, err = study.sprite(); err != nil {
				return err
			}
		}
		v.Spaces = append(v.Spaces, one)
	}
	return nil
}

// HTML writes the page.
func (c Comparison) HTML(w io.Writer) error {
	view := comparisonView{Comparison: c}
	for i, r := range c.Runs {
		view.Names = append(view.Names, legend{r.Name, i % colours})
	}
	view.Charts = c.curves()
	for _, row := range c.Sheet {
		images, err := tiles(row.Images)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, strip{row.Caption, images})
	}
	if err := view.spaces(); err != nil {
		return err
	}
	return write(w, fmt.Sprintf("%d runs compared · Hourglass", len(c.Runs)), compareTemplate, view)
}

// curves overlays the curves of the runs. Losses in different units have
// charts of their own.
func (c Comparison) curves() (all []figure) {
	overlay := func(title, unit, key string, epochs bool, of func(Run) bool) {
		overlaid := chart.Chart{Label: title, X: "step", Y: unit, MayLog: true}
		for i, r := range c.Runs {
			if r.Run.History == nil || !of(r.Run) {
				continue
			}
			records := r.Run.History.Steps
			if epochs {
				records = r.Run.History.Epochs
			}
			x, y := column(records, key)
			overlaid.Series = append(overlaid.Series, chart.Series{Name: r.Name, X: x, Y: y, Class: i % colours, Dots: epochs})
		}
		all = appendFigure(all, title, overlaid)
	}
	var units []string
	seen := map[string]bool{}
	for _, r := range c.Runs {
		if u := r.Run.unit(); !seen[u] {
			seen[u] = true
			units = append(units, u)
		}
	}
	for _, u := range units {
		same := func(r Run) bool { return r.unit() == u }
		overlay("Loss in training", u, "loss", false, same)
		overlay("Loss in validation", u, "loss", true, same)
	}
	every := func(Run) bool { return true }
	overlay("Squared error in validation", "mse/px", "mse", true, every)
	overlay("Divergence of the codes in validation", "nats/img", "kl", true, every)
	overlay("Throughput", "images/s", "images_per_second", false, every)
	return all
}
