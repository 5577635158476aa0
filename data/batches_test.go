package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// uneven is a set whose images take uneven time, fail or panic.
type uneven struct {
	Dataset
	fails, panics int
}

func (u *uneven) Image(i int, dst []float32) error {
	if i%8 == 3 {
		time.Sleep(time.Duration(i) * 5 * time.Microsecond)
	}
	switch i {
	case u.fails:
		return errors.New("cannot be read")
	case u.panics:
		panic("out of ink")
	}
	return u.Dataset.Image(i, dst)
}

// epoch reads batches to the end and returns the indices in order, checking
// that images and labels belong to them.
func epoch(t *testing.T, b *Batches) []int {
	t.Helper()
	var all []int
	for {
		batch, err := b.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, index := range batch.Indices {
			switch {
			case i >= batch.N && (index != -1 || batch.Labels[i] != -1 || batch.Images[i] != 0):
				t.Errorf("beyond N a batch holds image %d", index)
			case i < batch.N && (batch.Images[i] != unit[index] || batch.Labels[i] != index%3):
				t.Errorf("image %d has pixel %g and label %d", index, batch.Images[i], batch.Labels[i])
			}
		}
		all = append(all, batch.Indices[:batch.N]...)
		b.Release(batch)
	}
}

func TestBatchesArriveInOrder(t *testing.T) {
	ds := &uneven{counted(t, 103), -1, -1}
	want := Permutation(103, 9, 4)
	for workers := range 5 {
		for _, ahead := range []int{0, 1, 7} {
			b := NewBatches(ds, BatchOptions{Size: 10, Seed: 9, Epoch: 4, Shuffle: true, Workers: workers, Ahead: ahead})
			if got := epoch(t, b); b.Len() != 11 || !slices.Equal(got, want) {
				t.Errorf("%d workers, %d ahead: order %v, want %v", workers, ahead, got, want)
			}
			b.Close()
		}
	}
}

func TestBatchesResumeAndReset(t *testing.T) {
	b := NewBatches(counted(t, 25), BatchOptions{Size: 4, Seed: 1, Shuffle: true, Start: 2, DropLast: true, Workers: 2})
	defer b.Close()
	if got, want := epoch(t, b), Permutation(25, 1, 0)[8:24]; !slices.Equal(got, want) {
		t.Errorf("from batch 2 on: %v, want %v", got, want)
	}
	if _, err := b.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	for start := range 8 {
		b.Reset(5, start) // most of them before the epoch is at its end
		if start%2 == 0 {
			batch, err := b.Next()
			if start < 6 && (err != nil || batch.Indices[0] != Permutation(25, 1, 5)[4*start]) {
				t.Errorf("batch %d: %v, %v", start, batch, err)
			}
			b.Release(batch)
			b.Release(batch) // does nothing
		}
	}
	b.Reset(6, 0)
	if got, want := epoch(t, b), Permutation(25, 1, 6)[:24]; !slices.Equal(got, want) {
		t.Errorf("next epoch: %v, want %v", got, want)
	}
}

func TestBatchesAugmentByIndex(t *testing.T) {
	train, _, err := Open("glyphs:n=40,test=0", Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int][]float32{}
	for _, size := range []int{8, 5} {
		b := NewBatches(train, BatchOptions{Size: size, Seed: uint64(2), Shuffle: size == 8, Augment: Augment{Shift: 2}})
		for {
			batch, err := b.Next()
			if err == io.EOF {
				break
			}
			for i, index := range batch.Indices[:batch.N] {
				image := slices.Clone(batch.Images[i*784 : (i+1)*784])
				if old, ok := seen[index]; ok && !slices.Equal(image, old) {
					t.Errorf("image %d is augmented otherwise in another order", index)
				}
				seen[index] = image
			}
			b.Release(batch)
		}
		b.Close()
	}
}

func TestBatchesReportErrors(t *testing.T) {
	b := NewBatches(&uneven{counted(t, 30), 7, 23}, BatchOptions{Size: 5, Workers: 3})
	defer b.Close()
	var got []string
	for {
		batch, err := b.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, fmt.Sprint(batch.Indices[0]))
		b.Release(batch)
	}
	want := []string{"0", "image 7 of batch 1 of epoch 0: cannot be read", "10", "15",
		"image 23 of batch 4 of epoch 0: panic: out of ink", "25"}
	for i := range want {
		if len(got) != len(want) || !strings.HasSuffix(got[i], want[i]) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	for _, o := range []BatchOptions{{}, {Size: 1, Start: -1}, {Size: 1, Augment: Augment{Pad: 1}}} {
		wrong := NewBatches(counted(t, 3), o)
		if _, err := wrong.Next(); err == nil {
			t.Errorf("options %+v are not refused", o)
		}
		wrong.Reset(1, 0)
		wrong.Close()
	}
}

func TestBatchesAreBounded(t *testing.T) {
	b := NewBatches(counted(t, 100), BatchOptions{Size: 1, Workers: 2, Ahead: 2})
	defer b.Close()
	var held []*Batch
	for {
		batch, err := b.Next()
		if err != nil {
			break
		}
		held = append(held, batch)
	}
	if len(held) != 4 { // Ahead and the two of the consumer
		t.Errorf("%d batches exist, want 4", len(held))
	}
	for _, batch := range held {
		b.Release(batch)
	}
	if batch, err := b.Next(); err != nil || batch.Indices[0] != 4 {
		t.Errorf("after Release: %v", err)
	}
}

// TestBatchesLeaveNoGoroutine: synctest.Test wants all goroutines begun in it to end.
func TestBatchesLeaveNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			b := NewBatches(&uneven{counted(t, 100), -1, -1}, BatchOptions{Size: 5, Workers: 4})
			if _, err := b.Next(); err != nil {
				t.Fatal(err)
			}
			b.Close()
			b.Close()
			if _, err := b.Next(); err == nil || err == io.EOF {
				t.Errorf("after Close: %v", err)
			}
		}
	})
}

func TestBatchesAllocateNothing(t *testing.T) {
	b := NewBatches(counted(t, 256), BatchOptions{Size: 8, Shuffle: true, Workers: 2, Augment: Augment{Flip: true}})
	defer b.Close()
	next := uint64(0)
	round := func() {
		for {
			batch, err := b.Next()
			if err == io.EOF {
				next++
				b.Reset(next, 0)
				return
			}
			b.Release(batch)
		}
	}
	round()
	if allocs := testing.AllocsPerRun(20, round); allocs > 1 {
		t.Errorf("%g allocations in an epoch of 32 batches", allocs)
	}
}

// TestPicksMakeTheImages deals a set out read and unread, and wants the images of
// the one to be what the picks of the other make of the set.
func TestPicksMakeTheImages(t *testing.T) {
	ds, _, err := Open("glyphs:3x9x11,n=30", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := ds.Shape()
	for _, augment := range []Augment{{}, {Flip: true}, {Shift: 4}, {Pad: 6}, {Flip: true, Shift: 6, Pad: 3}} {
		o := BatchOptions{Size: 7, Seed: 3, Epoch: 2, Shuffle: true, Augment: augment}
		read := NewBatches(ds, o)
		o.Unread = true
		unread := NewBatches(ds, o)
		image := make([]float32, s.Size())
		for {
			want, err := read.Next()
			got, other := unread.Next()
			if err == io.EOF && other == io.EOF {
				break
			}
			if err != nil || other != nil || got.Images != nil || got.N != want.N || !slices.Equal(got.Indices, want.Indices) || !slices.Equal(got.Labels, want.Labels) {
				t.Fatalf("%+v: unread %v, %v, read %v, %v", augment, got, other, want.Indices, err)
			}
			for i, pick := range got.Picks[:got.N] {
				if int(pick.Image) != got.Indices[i] {
					t.Fatalf("%+v: pick %+v is of image %d", augment, pick, got.Indices[i])
				}
				if err := ds.Image(got.Indices[i], image); err != nil {
					t.Fatal(err)
				}
				for at, v := range want.Images[i*s.Size():][:s.Size()] {
					y, x, inside := pick.Source(at/s.C/s.W, at/s.C%s.W, s.H, s.W)
					if from := image[(y*s.W+x)*s.C+at%s.C]; inside && v != from || !inside && v != 0 {
						t.Fatalf("%+v: number %d of image %d is %g, the pick %+v makes %g of it", augment, at, pick.Image, v, pick, from)
					}
				}
			}
			read.Release(want)
			unread.Release(got)
		}
		read.Close()
		unread.Close()
	}
}

// TestToBytesKnowsWhatIsExact: every byte comes back, and a number between two is
// told of.
func TestToBytesKnowsWhatIsExact(t *testing.T) {
	all, back := make([]byte, 256), make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	values := make([]float32, 256)
	toUnit(values, all)
	if exact := ToBytes(back, values); !exact || !slices.Equal(back, all) {
		t.Errorf("bytes become %v, exact is %t", back, exact)
	}
	for _, v := range []float32{0.5, -0.1, 1.5, math.Nextafter32(unit[7], 1), float32(math.Copysign(0, -1)), float32(math.NaN())} {
		if ToBytes(back[:1], []float32{v}) {
			t.Errorf("%g is taken for the byte %d", v, back[0])
		}
	}
}
