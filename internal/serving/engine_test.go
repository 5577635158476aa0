package serving

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hourglass/graph"
	"hourglass/models"
	"hourglass/train"
)

// shape is that of the models that are served in tests.
var shape = models.Shape{C: 1, H: 9, W: 7}

// variational has convolutions, batch norm and both heads.
func variational(t testing.TB) models.Model {
	t.Helper()
	m, err := models.NewVAE(models.VAESpec{Spec: models.Spec{Input: shape, Latent: 5, Encoder: models.Seq(
		models.Conv(4, models.K(3), models.S(2), models.BatchNorm, models.ReLU), models.Flatten(), models.Dense(33, models.ReLU))}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// conditional is told one of three classes.
func conditional(t testing.TB) models.Model {
	t.Helper()
	m, err := models.NewCVAE(models.CVAESpec{VAESpec: models.VAESpec{Spec: models.MLP(shape, []int{8}, 2, models.ReLU)}, Classes: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func deterministic(t testing.TB) models.Model {
	t.Helper()
	m, err := models.New(models.MLP(shape, []int{40}, 6, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wide takes the paths of the kernels that small models do not.
func wide(t testing.TB) models.Model {
	t.Helper()
	m, err := models.New(models.Convolutional(models.Shape{C: 3, H: 20, W: 20}, []int{32, 64}, 3, 32, models.ReLU), 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func openEngine(t testing.TB, m models.Model, b Batching) *Engine {
	t.Helper()
	device, err := graph.OpenDevice(graph.CPU, 2)
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewEngine(device, m, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(e.Close(), device.Close()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// noise draws n rows of numbers in [0,1).
func noise(n, size int) []float32 {
	random := rand.New(rand.NewPCG(3, 3))
	values := make([]float32, n*size)
	for i := range values {
		values[i] = random.Float32()
	}
	return values
}

// A row must be the same whoever its neighbours are and whatever it is padded
// with: each batch size is run with its rows at another place, and the joined
// batches of many callers at once are compared too.
func TestRowsDoNotDependOnTheirBatch(t *testing.T) {
	for name, model := range map[string]models.Model{"vae": variational(t), "ae": deterministic(t), "wide": wide(t)} {
		t.Run(name, func(t *testing.T) {
			const n = 48
			e := openEngine(t, model, Batching{Rows: 32, Wait: time.Millisecond, Queue: 4096})
			images, codes := noise(n, model.Input().Size()), noise(n, model.CodeSize())
			want := make([]train.Inspection, n)
			decoded, encoded := make([][]float32, n), make([][]float32, n)
			at := func(values []float32, i int) []float32 { return values[i*len(values)/n : (i+1)*len(values)/n] }
			for i := range n {
				var errs [3]error
				want[i], errs[0] = e.Inspect(t.Context(), at(images, i), 1)
				decoded[i], errs[1] = e.Decode(t.Context(), at(codes, i), 1)
				encoded[i], errs[2] = e.Encode(t.Context(), at(images, i), 1)
				if err := errors.Join(errs[:]...); err != nil {
					t.Fatal(err)
				}
			}
			check := func(first, count int) {
				in := func(values []float32) []float32 {
					size := len(values) / n
					return values[first*size : (first+count)*size]
				}
				got, err1 := e.Inspect(t.Context(), in(images), count)
				made, err2 := e.Decode(t.Context(), in(codes), count)
				code, err3 := e.Encode(t.Context(), in(images), count)
				if err := errors.Join(err1, err2, err3); err != nil {
					t.Error(err)
					return
				}
				for i := range count {
					cut := func(values []float32) []float32 { return values[i*len(values)/count : (i+1)*len(values)/count] }
					w := want[first+i]
					if !slices.Equal(cut(got.Codes), w.Codes) || !slices.Equal(cut(got.Reconstructions), w.Reconstructions) ||
						!slices.Equal(cut(got.LogVariances), w.LogVariances) || !slices.Equal(cut(made), decoded[first+i]) || !slices.Equal(cut(code), encoded[first+i]) {
						t.Errorf("row %d of %d from %d on is not what it is alone", i, count, first)
						return
					}
				}
			}
			for _, count := range []int{2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 45} {
				check(n-count, count)
			}
			var callers sync.WaitGroup
			for first := range n - 3 {
				callers.Go(func() { check(first, 1+first%3) })
			}
			callers.Wait()
		})
	}
}

// counting is a queue of rows of one number, which it doubles.
func counting(batch, limit int, wait time.Duration) (*queue, *[]int) {
	var sizes []int
	q := &queue{in: 1, sizes: answerSizes{codes: 1}, batch: batch, wait: wait, limit: limit,
		jobs: make(chan *job, limit), quit: make(chan struct{}), stopped: make(chan struct{}),
		observed: func(n int) { sizes = append(sizes, n) },
		run: func(rows []float32, n int) (answer, error) {
			time.Sleep(time.Second)
			if slices.Contains(rows, 13) {
				panic("thirteen")
			}
			doubled := slices.Clone(rows)
			for i := range doubled {
				doubled[i] *= 2
			}
			return answer{codes: doubled}, nil
		}}
	go q.loop()
	return q, &sizes
}

// ask sends a job and remembers what came of it.
func ask(ctx context.Context, q *queue, rows ...float32) *outcome {
	o := &outcome{}
	go func() { o.answer, o.err = q.do(ctx, rows, len(rows)) }()
	return o
}

// pass lets time pass, and everything happen that does until then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestJobsThatWaitAreJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, sizes := counting(4, 100, 0)
		first := ask(t.Context(), q, 1)
		synctest.Wait() // runs alone; these wait meanwhile
		two, three, four := ask(t.Context(), q, 2, 3), ask(t.Context(), q, 4), ask(t.Context(), q, 5, 6, 7)
		pass(10 * time.Second)
		if !slices.Equal(first.answer.codes, []float32{2}) || !slices.Equal(two.answer.codes, []float32{4, 6}) ||
			!slices.Equal(three.answer.codes, []float32{8}) || !slices.Equal(four.answer.codes, []float32{10, 12, 14}) {
			t.Errorf("got %v, %v, %v, %v", first, two, three, four)
		}
		total := 0
		for _, n := range *sizes {
			total += n
		}
		if total != 7 || len(*sizes) != 3 || slices.Max(*sizes) > 4 {
			t.Errorf("batches of %v, want three of at most 4 with 7 rows", *sizes)
		}
		close(q.quit)
	})
}

func TestTheFirstWaitsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, sizes := counting(4, 100, 50*time.Millisecond)
		a := ask(t.Context(), q, 1)
		pass(40 * time.Millisecond)
		b := ask(t.Context(), q, 2)
		pass(1055 * time.Millisecond)
		if !slices.Equal(*sizes, []int{2}) || a.answer.codes == nil || b.answer.codes == nil {
			t.Errorf("batches of %v, %v, %v; want one of 2 after 50 ms", *sizes, a, b)
		}
		close(q.quit)
	})
}

func TestQueuesHaveAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := counting(2, 3, 0)
		ask(t.Context(), q, 1)
		synctest.Wait() // runs
		ask(t.Context(), q, 2, 3)
		synctest.Wait()
		busy := ask(t.Context(), q, 4, 5)
		synctest.Wait()
		fits := ask(t.Context(), q, 6)
		pass(5 * time.Second)
		if !errors.Is(busy.err, ErrBusy) || fits.err != nil {
			t.Errorf("got %v and %v, want the first refused", busy.err, fits.err)
		}
		if alone := ask(t.Context(), q, 1, 2, 3, 4, 5); true {
			pass(5 * time.Second)
			if len(alone.answer.codes) != 5 {
				t.Errorf("a job larger than the queue, alone: %v", alone)
			}
		}
		if q.waiting.Load() != 0 {
			t.Errorf("%d rows wait in the end", q.waiting.Load())
		}
		close(q.quit)
	})
}

func TestJobsThatNobodyWaitsForAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, sizes := counting(4, 100, 0)
		ask(t.Context(), q, 1)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		late := ask(ctx, q, 2)
		pass(5 * time.Second)
		if !errors.Is(late.err, context.DeadlineExceeded) || !slices.Equal(*sizes, []int{1}) {
			t.Errorf("got %v and batches of %v", late.err, *sizes)
		}
		close(q.quit)
	})
}

func TestAPanicCostsItsBatchAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, _ := counting(4, 100, 0)
		bad := ask(t.Context(), q, 13)
		pass(2 * time.Second)
		good := ask(t.Context(), q, 1)
		pass(2 * time.Second)
		if bad.err == nil || !strings.Contains(bad.err.Error(), "thirteen") || good.err != nil {
			t.Errorf("got %v and %v", bad.err, good.err)
		}
		close(q.quit)
		synctest.Wait()
		if closed := ask(t.Context(), q, 1); true {
			synctest.Wait()
			if !errors.Is(closed.err, ErrClosed) {
				t.Errorf("after the end: %v", closed.err)
			}
		}
	})
}

func TestEngineRefuses(t *testing.T) {
	for want, b := range map[string]Batching{
		"a batch of at most 0":     {Rows: 0, Queue: 1},
		"a wait of -1s":            {Rows: 1, Wait: -time.Second, Queue: 1},
		"give at least a batch, 4": {Rows: 4, Queue: 3},
	} {
		if _, err := NewEngine(nil, nil, b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	e := openEngine(t, deterministic(t), Batching{Rows: 1, Queue: 1})
	if _, err := e.Encode(t.Context(), make([]float32, 3), 1); err == nil {
		t.Error("an image of three values passed")
	}
	if e.evaluate.batch != 1 {
		t.Error("the batch is not what was asked for")
	}
}
