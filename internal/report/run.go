package report

import (
	"fmt"
	"io"
	"time"

	"hourglass/internal/chart"
	"hourglass/internal/picture"
	"hourglass/internal/verdict"
	"hourglass/train"
)

// Setting is a key of a run's configuration.
type Setting struct {
	Name, Value, Origin string
	Chosen              bool // other than the default
}

// Fact is a line about a run: its device, say.
type Fact struct{ Name, Value string }

// Run is everything that the report on a run shows. What is not known is left
// at its zero value, and its section out.
type Run struct {
	Name        string
	About       string // of the model and its images, in a line
	Begun       time.Time
	Judged      string // which images the verdict is about
	Verdict     *verdict.Verdict
	History     *train.History
	Study       *Study
	Facts       []Fact // in large letters, at the top
	Settings    []Setting
	Environment []Fact
	// Commands were given to make the run; Again makes it anew from its own
	// configuration.
	Commands []string
	Again    string
}

// HTML writes the report.
func (r Run) HTML(w io.Writer) error {
	view := runView{Run: r, Charts: curves(r)}
	if r.Study != nil {
		if err := view.pictures(r.Study); err != nil {
			return err
		}
	}
	for _, s := range r.Settings {
		if s.Chosen {
			view.Chosen = append(view.Chosen, s)
		}
	}
	if r.Verdict != nil {
		view.Rows = verdictRows(r.Verdict)
	}
	return write(w, r.Name+" · Hourglass", runTemplate, view)
}

// runView is a run as its template reads it.
type runView struct {
	Run
	Rows          []verdictRow
	Charts        []figure
	Groups        []group
	Samples       []inlined
	Walks         []walk
	Map           codeMap
	Sprite        inlined
	Bars          figure
	BarsNote      string
	Magnification int
	Explained     float64   // per cent
	Chosen        []Setting // other than the default
}

// figure is a chart with its name and, where there is more than one curve, the
// names of those.
type figure struct {
	Title  string
	Legend []legend
	SVG    markup
}

type legend struct {
	Name  string
	Class int
}

type group struct {
	Title, Note string
	Tiles       []tile
}

type tile struct {
	Name     string
	MSE      float64
	Pictures [3]inlined // image, reconstruction, difference
}

type verdictRow struct {
	Name            string
	MSE, PSNR, Loss string
	Model           bool
}

func verdictRows(v *verdict.Verdict) (rows []verdictRow) {
	text := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return chart.Number(*x)
	}
	for i, r := range v.Rows {
		rows = append(rows, verdictRow{r.Name, text(r.MSE), text(r.PSNR), text(r.Loss), i == 0})
	}
	return rows
}

// unit is that of the run's losses.
func (r Run) unit() string {
	if r.Verdict == nil {
		return "loss"
	}
	return r.Verdict.Unit
}

// column reads one value of each record.
func column(records []train.Record, name string) (x, y []float64) {
	for _, r := range records {
		if v, ok := r.Values[name]; ok {
			x, y = append(x, float64(r.Step)), append(y, v)
		}
	}
	return x, y
}

// curves are the charts of a run.
func curves(r Run) (all []figure) {
	if r.History == nil {
		return nil
	}
	unit, terms := r.unit(), []train.Term(nil)
	var lossLines, mseLines []chart.Line
	if v := r.Verdict; v != nil {
		terms = v.Terms
		for _, row := range v.Rows[1:] {
			if row.Loss != nil {
				lossLines = append(lossLines, chart.Line{Name: row.Name, Value: *row.Loss})
			}
			if row.MSE != nil {
				mseLines = append(mseLines, chart.Line{Name: row.Name, Value: *row.MSE})
			}
		}
	}
	steps, epochs := r.History.Steps, r.History.Epochs
	series := func(name string, records []train.Record, key string, class int) chart.Series {
		x, y := column(records, key)
		return chart.Series{Name: name, X: x, Y: y, Class: class, Dots: class > 0 && len(x) <= 60}
	}
	add := func(title, y string, lines []chart.Line, curves ...chart.Series) {
		all = appendFigure(all, title, chart.Chart{Label: title, X: "step", Y: y, Lines: lines, Series: curves, MayLog: lines != nil})
	}
	add("Loss", unit, lossLines, series("training", steps, "loss", 0), series("validation", epochs, "loss", 1))
	for _, t := range terms {
		title := map[string]string{"reconstruction_loss": "Term: reconstruction", "kl": "Term: divergence of the codes"}[t.Name]
		if title == "" {
			title = "Term: " + t.Name
		}
		if t.Weight != 1 {
			title += fmt.Sprintf(" (weighs %g)", t.Weight)
		}
		add(title, unit, nil, series("training", steps, t.Name, 0), series("validation", epochs, t.Name, 1))
	}
	if unit != "mse/px" {
		add("Squared error, validation", "mse/px", mseLines, series("validation", epochs, "mse", 1))
	}
	add("Peak signal-to-noise ratio, validation", "dB", nil, series("validation", epochs, "psnr", 1))
	add("Norm of the gradient", "", nil, series("gradient", steps, "gradient_norm", 0))
	add("Learning rate", "", nil, series("rate", steps, "rate", 0))
	add("Throughput", "images/s", nil, series("training", steps, "images_per_second", 0))
	return all
}

// appendFigure appends a chart, unless it is empty.
func appendFigure(all []figure, title string, c chart.Chart) []figure {
	f := figure{Title: title, SVG: markup(c.SVG())}
	if f.SVG == "" {
		return all
	}
	for _, s := range c.Series {
		if len(s.X) > 0 {
			f.Legend = append(f.Legend, legend{s.Name, s.Class})
		}
	}
	return append(all, f)
}

// pictures makes what the template shows of a study.
func (v *runView) pictures(s *Study) (err error) {
	v.Magnification, v.Explained = magnified, 100*s.Explained
	for _, g := range []struct {
		title, note string
		pairs       []Pair
	}{{"Worst", "Where the model fails.", s.Worst}, {"Typical", "Around the median error.", s.Typical}, {"Best", "", s.Best}} {
		one := group{Title: g.title, Note: g.note}
		for _, p := range g.pairs {
			t := tile{Name: p.Name, MSE: p.MSE}
			for i, m := range []picture.Image{p.Image, p.Made, p.Differences} {
				if t.Pictures[i], err = inline([]picture.Image{m}, 1, largestTile); err != nil {
					return err
				}
			}
			one.Tiles = append(one.Tiles, t)
		}
		v.Groups = append(v.Groups, one)
	}
	if v.Samples, err = tiles(s.Samples); err != nil {
		return err
	}
	if v.Walks, err = s.walks(directions); err != nil {
		return err
	}
	if v.Sprite, err = s.sprite(); err != nil {
		return err
	}
	v.Map = s.codeMap()
	v.drawBars(s)
	return nil
}

// barsShown is how many numbers of a code have a bar.
const barsShown = 64

// drawBars draws what each number of the code says.
func (v *runView) drawBars(s *Study) {
	order, values := s.ByDivergence(), s.Deviation
	bars := chart.Bars{Label: "Standard deviation of each number of the code", Y: "deviation"}
	title, used := "Spread of each number of the code", 0
	if s.Divergence != nil {
		values, title = s.Divergence, "Divergence of each number of the code"
		bars = chart.Bars{Label: title, Y: "nats", Faint: activeNats}
	}
	largest := values[order[0]]
	if s.Divergence == nil {
		bars.Faint = largest / 100
	}
	total := 0.0
	for i, k := range order {
		total += values[k]
		if values[k] >= bars.Faint && values[k] > 0 {
			used++
		}
		if i < barsShown {
			bars.Names, bars.Values = append(bars.Names, fmt.Sprint(k)), append(bars.Values, values[k])
		}
	}
	v.Bars = figure{Title: title, SVG: markup(bars.SVG())}
	if s.Divergence != nil {
		v.BarsNote = fmt.Sprintf("%d of %d numbers say at least %g nats about an image; together they say %s nats.", used, len(order), activeNats, chart.Number(total))
	} else {
		v.BarsNote = fmt.Sprintf("%d of %d numbers vary by at least a hundredth of what the most varying one does.", used, len(order))
	}
	if len(order) > barsShown {
		v.BarsNote += fmt.Sprintf(" The largest %d are shown.", barsShown)
	}
}

// activeNats is what a number of a code must say to count.
const activeNats = 0.05
