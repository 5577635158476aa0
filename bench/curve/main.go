package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "curve:", err)
		os.Exit(1)
	}
}

// panel is one run.
type panel struct {
	title      string
	training   []point // smoothed
	validation []point
	levels     []level
}

type point struct {
	epoch, loss float64
	step        int
}

type level struct {
	name string
	loss float64
}

func run(out io.Writer, specs []string) error {
	if len(specs) == 0 {
		return errors.New("no run given; write 'title|metrics.jsonl|level=loss|...' for each panel")
	}
	var panels []panel
	for _, spec := range specs {
		p, err := read(spec)
		if err != nil {
			return err
		}
		panels = append(panels, p)
	}
	return draw(out, panels)
}

// read parses 'title|file|name=value|...' and the file.
func read(spec string) (panel, error) {
	parts := strings.Split(spec, "|")
	if len(parts) < 2 {
		return panel{}, fmt.Errorf("%q is no panel; write 'title|metrics.jsonl|level=loss|...'", spec)
	}
	p := panel{title: parts[0]}
	for _, text := range parts[2:] {
		name, value, _ := strings.Cut(text, "=")
		loss, err := strconv.ParseFloat(value, 64)
		if err != nil || !(loss > 0) {
			return panel{}, fmt.Errorf("%q is no level; write name=loss with a loss above 0", text)
		}
		p.levels = append(p.levels, level{name, loss})
	}
	file, err := os.Open(parts[1])
	if err != nil {
		return panel{}, err
	}
	defer file.Close()
	return p, p.parse(file)
}

// parse reads the lines of metrics.jsonl. The training loss is smoothed by an
// exponential mean over about 20 steps.
func (p *panel) parse(in io.Reader) error {
	smooth, lines := 0.0, bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Kind        string
			Epoch, Step int
			Loss        float64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return fmt.Errorf("a line of the metrics is no JSON: %w", err)
		}
		switch line.Kind {
		case "step":
			if smooth == 0 {
				smooth = line.Loss
			}
			smooth += 0.05 * (line.Loss - smooth)
			p.training = append(p.training, point{step: line.Step, loss: smooth})
		case "epoch":
			p.validation = append(p.validation, point{step: line.Step, epoch: float64(line.Epoch), loss: line.Loss})
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(p.training) == 0 || len(p.validation) == 0 {
		return errors.New("the metrics hold no epoch")
	}
	last := p.validation[len(p.validation)-1]
	for i := range p.training {
		p.training[i].epoch = float64(p.training[i].step) * last.epoch / float64(last.step)
	}
	return nil
}

// Sizes in pixels.
const (
	width, height         = 430, 300
	left, right           = 56, 90
	top, bottom           = 34, 38
	plotWidth, plotHeight = width - left - right, height - top - bottom
)

// draw writes the panels side by side. Losses are on a logarithmic axis.
func draw(out io.Writer, panels []panel) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" font-family=\"sans-serif\" font-size=\"11\">\n", width*len(panels), height, width*len(panels))
	fmt.Fprintf(w, "<!-- made by bench/curve -->\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fbfbf9\"/>\n")
	for i, p := range panels {
		fmt.Fprintf(w, "<g transform=\"translate(%d 0)\">\n", i*width)
		p.draw(w)
		fmt.Fprintln(w, "</g>")
	}
	fmt.Fprintln(w, "</svg>")
	return w.Flush()
}

func (p panel) draw(w io.Writer) {
	low, high := p.bounds()
	x := func(epoch float64) float64 {
		return left + plotWidth*epoch/p.validation[len(p.validation)-1].epoch
	}
	y := func(loss float64) float64 {
		return top + plotHeight*math.Log(high/min(max(loss, low), high))/math.Log(high/low)
	}
	fmt.Fprintf(w, "<text x=\"%d\" y=\"20\" font-size=\"13\" font-weight=\"bold\">%s</text>\n", left, html.EscapeString(p.title))
	for _, tick := range []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5} {
		if tick >= low && tick <= high {
			fmt.Fprintf(w, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e3e3de\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#666\">%g</text>\n", left, left+plotWidth, y(tick), y(tick), left-6, y(tick)+4, tick)
		}
	}
	for _, v := range p.validation {
		fmt.Fprintf(w, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#666\">%g</text>\n", x(v.epoch), height-bottom+16, v.epoch)
	}
	fmt.Fprintf(w, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#666\">epoch</text>\n", left+plotWidth/2, height-6)
	for _, l := range p.levels {
		fmt.Fprintf(w, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#b0553b\" stroke-dasharray=\"4 3\"/><text x=\"%d\" y=\"%.1f\" fill=\"#b0553b\">%s</text>\n", left, left+plotWidth, y(l.loss), y(l.loss), left+plotWidth+5, y(l.loss)+4, html.EscapeString(l.name))
	}
	line(w, p.training, x, y, "#9db4cc", 1)
	line(w, p.validation, x, y, "#1f4e79", 2)
	for _, v := range p.validation {
		fmt.Fprintf(w, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#1f4e79\"/>\n", x(v.epoch), y(v.loss))
	}
}

func line(w io.Writer, points []point, x, y func(float64) float64, colour string, thick int) {
	fmt.Fprintf(w, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%d\" points=\"", colour, thick)
	thin := len(points)/300 + 1 // more than a screen shows only makes the file large
	for i, p := range points {
		if i%thin == 0 || i == len(points)-1 {
			fmt.Fprintf(w, "%.1f,%.1f ", x(p.epoch), y(p.loss))
		}
	}
	fmt.Fprintln(w, "\"/>")
}

// bounds are those of everything drawn, with a margin.
func (p panel) bounds() (low, high float64) {
	low, high = math.Inf(1), 0
	for _, points := range [][]point{p.training, p.validation} {
		for _, q := range points {
			low, high = min(low, q.loss), max(high, q.loss)
		}
	}
	for _, l := range p.levels {
		low, high = min(low, l.loss), max(high, l.loss)
	}
	return low / 1.1, high * 1.1
}
