package bench

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
	"hourglass/models"
)

// threads are those of every benchmark of a whole step.
var threads = []int{1, 2}

// opened makes a trainer that is closed when the test ends.
func opened(tb testing.TB, open func(Workload, int) (*Trainer, error), w Workload, threads int) *Trainer {
	tb.Helper()
	t, err := open(w, threads)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { t.Close() })
	return t
}

// small are the workloads with batches that a test can afford, W3 with fewer
// channels and smaller images too.
func small() []Workload {
	w1, w2, w3 := W1(), W2(), W3()
	w1.Batch = 13 // no multiple of anything
	w2.Batch = 3
	w3.Batch, w3.Spec = 1, models.Residual(models.Shape{C: 3, H: 16, W: 16}, []int{8, 16, 32, 64}, 2, 4)
	return []Workload{w1, w2, w3}
}

// timed are the workloads of the benchmarks: with -short, which tries that they
// run, the small ones.
func timed() []Workload {
	if testing.Short() {
		return small()
	}
	return Workloads()
}

// TestThreadsGiveIdenticalWeights trains every workload with one, two and three
// threads.
func TestThreadsGiveIdenticalWeights(t *testing.T) {
	for _, w := range small() {
		var first []float32
		for threads := 1; threads <= 3; threads++ {
			trainer := opened(t, Open, w, threads)
			for range 2 {
				if _, err := trainer.Step(); err != nil {
					t.Fatal(err)
				}
			}
			if first == nil {
				first = trainer.Model.Store().Values
			}
			for i, v := range trainer.Model.Store().Values {
				if v != first[i] {
					t.Fatalf("%s: with %d threads, parameter %d is %g after 2 steps, and %g with one", w.Name, threads, i, v, first[i])
				}
			}
		}
	}
}

// TestStepsLearn wants the loss on one batch to fall.
func TestStepsLearn(t *testing.T) {
	for _, w := range small() {
		trainer := opened(t, Open, w, 2)
		first, err := trainer.Step()
		if err != nil {
			t.Fatal(err)
		}
		last := first
		for range 4 {
			if last, err = trainer.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if !(last < first) {
			t.Errorf("%s: the loss is %g, and %g after four more steps", w.Name, first, last)
		}
	}
}

// TestStepsAllocateTheSame holds a step of every workload to what Gorgonia's
// TapeMachine allocates for one of two nodes.
func TestStepsAllocateTheSame(t *testing.T) {
	for _, w := range small() {
		trainer := opened(t, Open, w, 1)
		const most = 16
		fewest := math.Inf(1)
		for tries := 0; fewest > most && tries < 10; tries++ { // the runtime allocates beside it now and then
			fewest = min(fewest, testing.AllocsPerRun(2, func() {
				if _, err := trainer.Step(); err != nil {
					t.Fatal(err)
				}
			}))
		}
		if fewest > most {
			t.Errorf("%s: %v allocations a step, want those of the TapeMachine, at most %d", w.Name, fewest, most)
		}
	}
}

// TestPlansShareMemory holds the training step of every workload, on a GPU and on
// the CPU, to two thirds of the memory that its buffers would take side by side.
func TestPlansShareMemory(t *testing.T) {
	for _, w := range Workloads() {
		p := opened(t, Open, w, 1).Program
		plan, onCPU := p.Plan(), p.Cost().Bytes
		t.Logf("%s: of %d bytes side by side the arena has %d on the CPU and %d on a GPU", w.Name, plan.Sum, onCPU, plan.Arena)
		if max(onCPU, plan.Arena)*3 > plan.Sum*2 {
			t.Errorf("%s: temporaries share %d bytes on the CPU and %d on a GPU, and are %d side by side, want at most two thirds\n%v", w.Name, onCPU, plan.Arena, plan.Sum, plan)
		}
	}
}

// TestCommentsTellTheWork compares the figures in each workload's comment with
// those of its program.
func TestCommentsTellTheWork(t *testing.T) {
	for _, w := range Workloads() {
		file := strings.ToLower(w.Name) + ".go"
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(strings.ReplaceAll(string(source), "//", "")), " ")
		if want := fmt.Sprintf("A training step is %v.", opened(t, Open, w, 1).Work()); !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", file, want)
		}
	}
}

// TestPictures wants the benchmark's pictures to come back as batches, epoch
// after epoch.
func TestPictures(t *testing.T) {
	const n, side, batch = 5, 32, 2
	folder := t.TempDir()
	if err := WritePictures(folder, n, side); err != nil {
		t.Fatal(err)
	}
	disk, err := OpenFolder(folder, batch)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	images := make([]float32, batch*side*side*3)
	for i := range 2 * n { // several epochs
		clear(images)
		if err := disk.Next(images); err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
		if images[0] == 0 && images[len(images)-1] == 0 {
			t.Fatalf("batch %d is empty", i)
		}
	}
}

// rates reports images and floating-point operations a second beside the time.
func rates(b *testing.B, images, flops int) {
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(float64(images)/seconds, "images/s")
	b.ReportMetric(float64(flops)/seconds/1e9, "GFLOP/s")
}

// each runs a benchmark for every workload and number of threads.
func each(b *testing.B, run func(b *testing.B, w Workload, threads int)) {
	for _, w := range timed() {
		for _, n := range threads {
			b.Run(fmt.Sprintf("%s/batch=%d/threads=%d", w.Name, w.Batch, n), func(b *testing.B) { run(b, w, n) })
		}
	}
}

// BenchmarkStep is a training step: forward, backward and optimiser.
func BenchmarkStep(b *testing.B) {
	step := func(b *testing.B, w Workload, threads int) {
		t := opened(b, Open, w, threads)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := t.Step(); err != nil {
				b.Fatal(err)
			}
		}
		rates(b, w.Batch, t.Work().FLOPs)
	}
	each(b, step)
	w := W1()
	w.Batch = 8
	b.Run("W1/batch=8/threads=2", func(b *testing.B) { step(b, w, 2) })
}

// BenchmarkGradients is a training step without its optimiser; less the time of
// BenchmarkForward it is the way back.
func BenchmarkGradients(b *testing.B) {
	each(b, func(b *testing.B, w Workload, threads int) { program(b, opened(b, Open, w, threads)) })
}

// BenchmarkForward is an evaluation: encoder, decoder and loss.
func BenchmarkForward(b *testing.B) {
	each(b, func(b *testing.B, w Workload, threads int) { program(b, opened(b, OpenForward, w, threads)) })
}

func program(b *testing.B, t *Trainer) {
	b.ReportAllocs()
	for b.Loop() {
		if err := t.Program.Run(); err != nil {
			b.Fatal(err)
		}
	}
	rates(b, t.Batch, t.Work().FLOPs)
}

// BenchmarkUpdate is the optimiser alone: the gradients' norm and the update.
func BenchmarkUpdate(b *testing.B) {
	each(b, func(b *testing.B, w Workload, threads int) {
		model, err := w.New(w.Spec, 1)
		if err != nil {
			b.Fatal(err)
		}
		store := model.Store()
		store.AddMoments(w.Optimiser)
		workers := cpu.NewWorkers(threads)
		defer workers.Close()
		update, err := cpu.NewUpdate(&cpu.Context{Workers: workers}, w.Optimiser)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(4 * 8 * len(store.Values)))
		for b.Loop() {
			update.Norm(store.Gradients)
			update.Step(store.Values, store.Gradients, store.Moments, w.Rate, 1, 1)
		}
	})
}

// BenchmarkLayer is every pass of every distinct convolution of the workloads,
// and of some with 256 and 512 channels, on two threads.
func BenchmarkLayer(b *testing.B) {
	workers := cpu.NewWorkers(2)
	defer workers.Close()
	run := func(b *testing.B, k *bound) {
		b.SetBytes(int64(k.bytes()))
		for b.Loop() {
			k.run()
		}
		b.ReportMetric(float64(k.op.FLOPs())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	}
	all := func(name string, geometries []kernels.Convolution) {
		for _, g := range geometries {
			for _, pass := range passes {
				b.Run(fmt.Sprintf("%s/%s/%s", name, layerName(g), pass.name), func(b *testing.B) {
					k, err := prepare(workers, pass.of(g))
					if err != nil {
						b.Fatal(err)
					}
					run(b, k)
				})
			}
		}
	}
	for _, w := range timed() {
		geometries, err := w.convolutions()
		if err != nil {
			b.Fatal(err)
		}
		all(w.Name, geometries)
	}
	if !testing.Short() {
		all("large", large())
	}
}

// BenchmarkDisk deals out batches of a folder of JPEG pictures of 128x128
// pixels, decoded and augmented: alone, and each trained on by W3.
func BenchmarkDisk(b *testing.B) {
	folder, w := b.TempDir(), timed()[2]
	if err := WritePictures(folder, 64, w.Spec.Input.H); err != nil {
		b.Fatal(err)
	}
	disk, err := OpenFolder(folder, w.Batch)
	if err != nil {
		b.Fatal(err)
	}
	defer disk.Close()
	b.Run("batches", func(b *testing.B) {
		images := make([]float32, w.Batch*w.Spec.Input.Size())
		for b.Loop() {
			if err := disk.Next(images); err != nil {
				b.Fatal(err)
			}
		}
		rates(b, w.Batch, 0)
	})
	b.Run("batches and steps/"+w.Name, func(b *testing.B) {
		t := opened(b, Open, w, 2)
		for b.Loop() {
			if err := disk.Next(t.Input()); err != nil {
				b.Fatal(err)
			}
			if _, err := t.Step(); err != nil {
				b.Fatal(err)
			}
		}
		rates(b, w.Batch, t.Work().FLOPs)
	})
}
