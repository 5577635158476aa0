package tensorboard

import (
	"bufio"
	"bytes"
	"image"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

// TestGolden makes the events that TensorBoard's own library has written, and
// wants the same bytes.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.tfevents")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	clock := time.Unix(1_700_000_000, 0)
	w := &Writer{out: bufio.NewWriter(&got), now: func() time.Time { return clock }}
	w.event = appendText(appendDouble(nil, eventTime, seconds(clock)), eventVersion, version)
	if err := w.put(); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(250 * time.Millisecond)
	w.Scalar("train/loss", 0.125)
	w.Histogram("codes", []float32{0.75, 0.5, float32(math.NaN()), 0.53125, float32(math.Inf(1))})
	w.encoded("sheet", []byte("no picture"), image.Pt(5, 3), 1)
	if err := w.Write(300); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(750 * time.Millisecond)
	if err := w.Begin(301); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	ours, theirs := records(t, got.Bytes()), records(t, want)
	if !slices.EqualFunc(ours, theirs, bytes.Equal) {
		t.Errorf("records %x, want %x", ours, theirs)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the file is %x, want %x", got.Bytes(), want)
	}
}

// TestHistogram puts numbers of all sizes into buckets that hold them.
func TestHistogram(t *testing.T) {
	values := []float32{0, 0, -3e38, 3e38, 1e-30, -1e-30, 1, -1, 0.1, 1e20, 1e-12}
	var h histogram
	for range 2 { // the second counts anew
		h.count(values)
	}
	first, end := h.span()
	total := 0.0
	for i := first; i < end; i++ {
		total += h.counts[i]
		low := math.Inf(-1)
		if i > 0 {
			low = limits[i-1]
		}
		inside := 0.0
		for _, v := range values {
			if x := float64(v); x >= low && x < limits[i] {
				inside++
			}
		}
		if h.counts[i] != inside {
			t.Errorf("the bucket from %g to %g counts %g numbers, want %g", low, limits[i], h.counts[i], inside)
		}
	}
	if int(total) != len(values) || h.number != total || h.counts[first] == 0 || h.counts[end-1] == 0 {
		t.Errorf("%g of %d numbers in buckets %d to %d, %g counted", total, len(values), first, end, h.number)
	}
	if h.count([]float32{float32(math.NaN())}); h.number != 0 {
		t.Error("NaN was counted")
	}
	if !slices.IsSorted(limits) {
		t.Error("the limits do not ascend")
	}
}

// TestNothingAllocated writes scalars and histograms, once the buffers have
// their sizes.
func TestNothingAllocated(t *testing.T) {
	w := &Writer{out: bufio.NewWriter(io.Discard), now: time.Now}
	values := []float32{1, 2, 3}
	event := func() {
		w.Scalar("train/loss", 1)
		w.Histogram("weights", values)
		if err := w.Write(7); err != nil {
			t.Fatal(err)
		}
	}
	event()
	if n := testing.AllocsPerRun(100, event); n > 0 {
		t.Errorf("an event allocates %g objects, want none", n)
	}
}

// TestCreate makes two files in one second, and refuses values of no kind.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		w, err := Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Hyperparameters("x", []Hyperparameter{{"n", 3}}); err == nil {
			t.Error("a hyperparameter of type int was accepted")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%d files, want 2", len(entries))
	}
	if _, err := Create("testdata/golden.tfevents/x"); err == nil {
		t.Error("a file was taken for a folder")
	}
}
