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

// Compared is one of the runs: its curves.
type Compared struct {
	Name string
	Run  Run // of which History and Verdict are read
}

// comparisonView is a comparison as its template reads it.
type comparisonView struct {
	Comparison
	Names  []legend
	Charts []figure
	Rows   []strip
}

type strip struct {
	Name   string
	Images []inlined
}

// HTML writes the page.
func (c Comparison) HTML(w io.Writer) error {
	view := comparisonView{Comparison: c}
	for i, r := range c.Runs {
		view.Names = append(view.Names, legend{r.Name, i % colours})
	}
	view.Charts = c.curves()
	for _, row := range c.Sheet {
		line := strip{Name: row.Caption}
		for _, m := range row.Images {
			one, err := inline([]picture.Image{m}, 1, largestTile)
			if err != nil {
				return err
			}
			line.Images = append(line.Images, one)
		}
		view.Rows = append(view.Rows, line)
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
