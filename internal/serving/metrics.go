package serving

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// family is a Prometheus metric with one label: a counter, or a histogram if it
// has bounds. The text is version 0.0.4 of the exposition format.
type family struct {
	name, help, labels string // names of the labels, separated by spaces
	bounds             []float64

	mutex  sync.Mutex
	series map[string]*series // by the values of the labels
}

type series struct {
	counts []uint64 // that are at most each bound, and above the one before; the last is of all others
	sum    float64
	total  uint64
}

func newFamily(name, help, labels string, bounds []float64) *family {
	return &family{name: name, help: help, labels: labels, bounds: bounds, series: make(map[string]*series)}
}

// observe counts a value. Those of several labels are separated by spaces.
func (f *family) observe(labels string, value float64) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	s := f.series[labels]
	if s == nil {
		s = &series{counts: make([]uint64, len(f.bounds)+1)}
		f.series[labels] = s
	}
	at, _ := slices.BinarySearch(f.bounds, value)
	s.counts[at]++
	s.sum += value
	s.total++
}

// write gives all series, in the order of their labels.
func (f *family) write(w io.Writer) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	kind := "histogram"
	if f.bounds == nil {
		kind = "counter"
	}
	header(w, f.name, f.help, kind)
	for _, labels := range slices.Sorted(maps.Keys(f.series)) {
		s, pairs := f.series[labels], f.pairs(labels)
		if f.bounds == nil {
			fmt.Fprintf(w, "%s{%s} %d\n", f.name, pairs, s.total)
			continue
		}
		below := uint64(0)
		for i, bound := range append(slices.Clone(f.bounds), math.Inf(1)) {
			below += s.counts[i]
			fmt.Fprintf(w, "%s_bucket{%s,le=\"%s\"} %d\n", f.name, pairs, number(bound), below)
		}
		fmt.Fprintf(w, "%s_sum{%s} %s\n%s_count{%s} %d\n", f.name, pairs, number(s.sum), f.name, pairs, s.total)
	}
}

// pairs writes name="value" for each label. Values are our own words, in which
// nothing needs escaping.
func (f *family) pairs(labels string) string {
	values := strings.Fields(labels)
	var pairs []string
	for i, name := range strings.Fields(f.labels) {
		pairs = append(pairs, name+`="`+values[i]+`"`)
	}
	return strings.Join(pairs, ",")
}

// gauge writes one number under each value of a label.
func gauge(w io.Writer, name, help, label string, values map[string]float64) {
	header(w, name, help, "gauge")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(w, "%s{%s=\"%s\"} %s\n", name, label, key, number(values[key]))
	}
}

// single writes a gauge or counter that has no label.
func single(w io.Writer, kind, name, help string, value float64) {
	header(w, name, help, kind)
	fmt.Fprintf(w, "%s %s\n", name, number(value))
}

func header(w io.Writer, name, help, kind string) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func number(x float64) string {
	if math.IsInf(x, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
