//go:build gpu

package cuda

import (
	"errors"
	"slices"
	"testing"
)

// One stream produces what another consumes; the event alone orders them.
func TestEventsOrderStreams(t *testing.T) {
	d := open(t)
	f := affine(t, d)
	producer, consumer, produced := stream(t, d), stream(t, d), event(t, d)
	const n = 1000
	in, out := pin(t, d, n), pin(t, d, n)
	a, b := memory(t, d, n), memory(t, d, n)
	for round := range 10 {
		want := float32(4*round + 3)
		for i := range in {
			in[i] = float32(round)
		}
		must(t, producer.CopyToDevice(a, Bytes(in)))
		must(t, d.Submit(producer, []Launch{apply(f, a, a, 2, 1)}))
		must(t, producer.Record(produced))
		must(t, consumer.Wait(produced))
		must(t, d.Submit(consumer, []Launch{apply(f, a, b, 2, 1)}))
		must(t, consumer.CopyToHost(Bytes(out), b))
		must(t, consumer.Synchronize())
		if i := slices.IndexFunc(out, func(y float32) bool { return y != want }); i >= 0 {
			t.Fatalf("round %d: y[%d] = %v, want %v", round, i, out[i], want)
		}
	}
}

func TestEventsTellTimeAndEnd(t *testing.T) {
	d := open(t)
	f, s, m := affine(t, d), stream(t, d), memory(t, d, 1)
	start, end, untimed := timedEvent(t, d), timedEvent(t, d), event(t, d)
	must(t, s.Record(start))
	must(t, s.Record(untimed))
	must(t, d.Submit(s, []Launch{apply(f, m, m, 0, 1)}))
	must(t, s.Record(end))
	must(t, end.Synchronize())
	for _, done := range []func() (bool, error){start.Done, end.Done, s.Done} {
		if is, err := done(); err != nil || !is {
			t.Errorf("done %v, %v, want true", is, err)
		}
	}
	if elapsed, err := end.Since(start); err != nil || elapsed < 0 {
		t.Errorf("elapsed %v, %v", elapsed, err)
	}
	_, err := end.Since(untimed)
	refused(t, err, "cuEventElapsedTime")
}

func TestCaptureAndReplay(t *testing.T) {
	d := open(t)
	f, s := affine(t, d), stream(t, d)
	const n = 200
	in, out := pin(t, d, n), pin(t, d, n)
	a := memory(t, d, n)
	must(t, s.Memset(a, 0))
	graph, err := d.Capture(s, func() error {
		return errors.Join(
			s.CopyToDevice(a, Bytes(in)),
			d.Submit(s, []Launch{apply(f, a, a, 2, 1), apply(f, a, a, 10, 0)}),
			s.CopyToHost(Bytes(out), a))
	})
	must(t, err)
	defer graph.Close()
	if graph.Nodes() != 4 {
		t.Errorf("%d nodes, want 2 copies and 2 kernels", graph.Nodes())
	}
	if got := download(t, d, a)[0]; got != 0 {
		t.Errorf("recording ran the work: %v", got)
	}
	for round := range 3 { // what pinned memory holds is read at each launch
		for i := range in {
			in[i] = float32(i + round)
		}
		must(t, graph.Launch(s))
		must(t, s.Synchronize())
		for i := range out {
			if want := (float32(i+round)*2 + 1) * 10; out[i] != want {
				t.Fatalf("round %d: out[%d] = %v, want %v", round, i, out[i], want)
			}
		}
	}
	must(t, graph.Close())
	refused(t, graph.Close(), "closed already")
}

// A second stream joins the recording by an event, and must come back.
func TestCaptureOfTwoStreams(t *testing.T) {
	d := open(t)
	f := affine(t, d)
	main, side := stream(t, d), stream(t, d)
	fork, join := event(t, d), event(t, d)
	a, b := memory(t, d, 8), memory(t, d, 8)
	must(t, main.Memset(a, 0))
	must(t, main.Memset(b, 0))
	must(t, main.Synchronize())
	graph, err := d.Capture(main, func() error {
		return errors.Join(
			d.Submit(main, []Launch{apply(f, a, a, 1, 1)}),
			main.Record(fork), side.Wait(fork),
			d.Submit(side, []Launch{apply(f, a, b, 3, 0)}),
			side.Record(join), main.Wait(join),
			d.Submit(main, []Launch{apply(f, b, a, 1, 0)}))
	})
	must(t, err)
	defer graph.Close()
	for _, want := range []float32{3, 12, 39} { // 3(x+1)
		must(t, graph.Launch(main))
		must(t, main.Synchronize())
		if got := download(t, d, a)[7]; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestCaptureFails(t *testing.T) {
	d := open(t)
	f, s, m := affine(t, d), stream(t, d), memory(t, d, 1)

	fault := errors.New("the recorder's own mistake")
	graph, err := d.Capture(s, func() error { return fault })
	if graph != nil || !errors.Is(err, fault) {
		t.Errorf("capture returns %v, %v, want the recorder's error", graph, err)
	}
	_, err = d.Capture(s, func() error { panic("a fault") })
	refused(t, err, "panicked: a fault")
	_, err = d.Capture(s, func() error {
		_, err := d.Alloc(4)
		return err
	})
	refused(t, err, "cuMemAlloc of 4 bytes", "before or after Capture")
	if u := d.Usage(); u.Graphs != 0 || u.Allocations != 1 {
		t.Errorf("usage %+v after failed captures", u)
	}

	must(t, s.Memset(m, 0)) // the stream goes on
	must(t, d.Submit(s, []Launch{apply(f, m, m, 1, 5)}))
	if got := download(t, d, m)[0]; got != 5 {
		t.Errorf("got %v, want 5", got)
	}
}
