package chart

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// drawn are the numbers of each element in an SVG, which must be well-formed,
// and the points for the script.
func drawn(t *testing.T, svg string) (elements map[string]int, hovers []hover) {
	t.Helper()
	elements = map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return elements, hovers
		}
		if err != nil {
			t.Fatalf("%v in %s", err, svg)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		elements[start.Name.Local]++
		for _, a := range start.Attr {
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Errorf("%s has %s=%q", start.Name.Local, a.Name.Local, a.Value)
			}
			if a.Name.Local == "data-points" {
				if err := json.Unmarshal([]byte(a.Value), &hovers); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestChart draws a curve of a thousand points, one of few, one of none and a
// line, with names that need escaping.
func TestChart(t *testing.T) {
	c := Chart{Label: `loss & "terms"`, X: "step", Y: "nats/img", Lines: []Line{{"<mean>", 205.8}, {"none", math.Inf(1)}}}
	long := Series{Name: "a<b", Class: 0}
	for i := range 1000 {
		long.X, long.Y = append(long.X, float64(i)), append(long.Y, 100+100/float64(1+i))
	}
	c.Series = []Series{long, {Name: "few", X: []float64{0, 500, 999}, Y: []float64{200, math.NaN(), 150}, Class: 1, Dots: true}, {Name: "none"}}
	elements, hovers := drawn(t, c.SVG())
	if elements["polyline"] != 2 || elements["circle"] != 2 || len(hovers) != 2 || len(hovers[0].Points) != most || len(hovers[1].Points) != 2 {
		t.Errorf("drew %v with %d series of points", elements, len(hovers))
	}
	if svg := c.SVG(); strings.Index(svg, "&lt;mean&gt;") < strings.LastIndex(svg, "<circle") {
		t.Error("the name of a line lies below the curves")
	}
	if p := hovers[1].Points[1]; p.At[0] != Width-right || p.Text != [2]string{"step 999", "150"} {
		t.Errorf("the last point is %+v, want one at the right edge", p)
	}
	for _, h := range hovers {
		for _, p := range h.Points {
			if p.At[0] < left || p.At[0] > Width-right || p.At[1] < top || p.At[1] > Height-bottom {
				t.Errorf("point %+v of %s lies outside the axes", p, h.Name)
			}
		}
	}
	if svg := (Chart{Series: []Series{{X: []float64{1}, Y: []float64{math.NaN()}}}}).SVG(); svg != "" {
		t.Errorf("no point drew %s", svg)
	}
	drawn(t, Chart{Series: []Series{{X: []float64{1}, Y: []float64{0}}}}.SVG()) // one point, of value zero
}

func TestBars(t *testing.T) {
	names, values := []string{}, []float64{}
	for i := range 100 {
		names, values = append(names, fmt.Sprint(i)), append(values, float64(100-i)/20)
	}
	elements, hovers := drawn(t, Bars{Label: "kl", Y: "nats", Names: names, Values: values, Faint: 0.1}.SVG())
	if elements["rect"] != 100 || len(hovers[0].Points) != 100 {
		t.Errorf("drew %v", elements)
	}
	if (Bars{}).SVG() != "" {
		t.Error("no bars drew something")
	}
}

// Names of bars stand apart, however long they are and many.
func TestNamesOfBars(t *testing.T) {
	at := regexp.MustCompile(fmt.Sprintf(`<text x="([0-9.]+)" y="%d"[^>]*>z`, Height-bottom+15))
	for _, n := range []int{1, 8, 32, 64} {
		for _, width := range []int{2, 3, 5} {
			bars := Bars{Values: make([]float64, n)}
			for i := range n {
				bars.Values[i] = 1
				bars.Names = append(bars.Names, fmt.Sprintf("z%0*d", width-1, i%10))
			}
			last := -100.0
			for _, found := range at.FindAllStringSubmatch(bars.SVG(), -1) {
				x, err := strconv.ParseFloat(found[1], 64)
				if err != nil || x-last < letter*float64(width) {
					t.Errorf("of %d names of %d letters one stands at %s, and one at %g before it (%v)", n, width, found[1], last, err)
				}
				last = x
			}
			if last < 0 {
				t.Errorf("none of %d names of %d letters stands there", n, width)
			}
		}
	}
}

// TestScale wants round values that lie within the scale, and as many as can be
// read.
func TestScale(t *testing.T) {
	for _, values := range [][]float64{{0, 1}, {0.0052, 0.0675}, {105.3, 210}, {-3, 3}, {1e-7, 3e-3}, {5, 5}, {0, 0}, {1e-3, math.Nextafter(1e-3, 1)}, {-5, -5}, {1000, 1001}, nil} {
		s := fit(values, 214, 12, true)
		ticks := s.ticks(6)
		if len(ticks) < 3 || len(ticks) > 11 {
			t.Errorf("%g has ticks %g", values, ticks)
		}
		for _, v := range append(ticks, values...) {
			if at := s.at(v); !(at >= 12-1e-9 && at <= 214+1e-9) {
				t.Errorf("%g: %g lies at %g, outside 12 to 214", values, v, at)
			}
		}
	}
	for x, want := range map[float64]string{0: "0", 0.00523456: "0.005235", 105.3: "105.3", 20000: "20k", 1234567: "1235k", 2.5e7: "25M", 1e-6: "1e-06", -0.5: "-0.5", 4290: "4290"} {
		if got := Number(x); got != want {
			t.Errorf("Number(%g) = %s, want %s", x, got, want)
		}
	}
}
