package graph

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"hourglass/kernels"
	"hourglass/kernels/cpu"
)

// TestPlacesNeverOverlap draws buffers at random and compares every pair.
func TestPlacesNeverOverlap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		buffers := make([]lifetime, 1+random.IntN(40))
		peak, sum := make([]int, 60), 0
		for i := range buffers {
			first := random.IntN(50)
			buffers[i] = lifetime{1 + random.IntN(5000), first, first + random.IntN(10)}
			for step := buffers[i].first; step <= buffers[i].last; step++ {
				peak[step] += aligned(buffers[i].bytes)
			}
			sum += aligned(buffers[i].bytes)
		}
		offsets, size := place(buffers)
		for i, a := range buffers {
			if offsets[i]%arenaAlignment != 0 || offsets[i]+a.bytes > size {
				t.Fatalf("buffer %d at %d of %d bytes does not lie in an arena of %d", i, offsets[i], a.bytes, size)
			}
			for j, b := range buffers[:i] {
				if a.meets(b) && offsets[i] < offsets[j]+b.bytes && offsets[j] < offsets[i]+a.bytes {
					t.Fatalf("buffers %d and %d live at once and share bytes", i, j)
				}
			}
		}
		least := 0
		for _, bytes := range peak {
			least = max(least, bytes)
		}
		if size < least || size > sum {
			t.Fatalf("the arena has %d bytes, want between the peak of %d and the sum of %d", size, least, sum)
		}
	}
}

// owners replays a plan over bytes that know which value was written to them
// last, and wants every operand to be read as it was written.
func owners(s *schedule, p *Plan) error {
	owner := make(map[int]int)    // by offset, in elements
	where := make(map[int]Buffer) // of results
	own := func(b Buffer, value int) {
		for i := range b.Shape.Size() {
			owner[b.Offset/4+i] = value
		}
	}
	intact := func(b Buffer, value int) bool {
		for i := range b.Shape.Size() {
			if owner[b.Offset/4+i] != value {
				return false
			}
		}
		return true
	}
	for i, in := range s.instructions {
		for k, v := range in.operands {
			if b := p.Steps[i].Operands[k]; b.Name == "" && !intact(b, v) {
				return fmt.Errorf("step %d reads value %d, which has been written over", i, v)
			}
		}
		for k, b := range p.Steps[i].results() {
			where[in.results()[k]] = b
			if b.Name == "" {
				own(b, in.results()[k])
			}
		}
	}
	for _, v := range s.roots {
		if b, made := where[v]; made && b.Name == "" && !intact(b, v) {
			return fmt.Errorf("root %d has been written over", v)
		}
	}
	return nil
}

func TestPlansKeepLiveBuffers(t *testing.T) {
	device, err := OpenDevice(CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for name, over := range map[string]overwriting{"a GPU": overOnGPU, "the CPU": cpu.Over} {
		t.Run(name, func(t *testing.T) { keepLiveBuffers(t, device, over) })
	}
}

func keepLiveBuffers(t *testing.T, device *Device, over overwriting) {
	saved, inPlace := 0, 0
	for seed := range uint64(100) {
		var texts []string
		for range 2 {
			b := randomGraph(t, seed)
			if seed%2 == 1 {
				withLoss(t, b, []float32{1})
			}
			p, err := Compile(device, b, nil)
			if err != nil {
				t.Fatal(err)
			}
			plan := p.planFor(over)
			if err := owners(&p.schedule, plan); err != nil {
				t.Fatalf("seed %d: %v\n%v", seed, err, plan)
			}
			n, err := sumsInPlace(&p.schedule, plan)
			if err != nil {
				t.Fatalf("seed %d: %v\n%v", seed, err, plan)
			}
			saved, inPlace = saved+plan.Sum-plan.Arena, inPlace+n
			texts = append(texts, plan.String())
		}
		if texts[0] != texts[1] {
			t.Fatalf("seed %d: two plans of one graph differ:\n%s\n%s", seed, texts[0], texts[1])
		}
	}
	if saved == 0 {
		t.Error("no plan shares any memory")
	}
	if inPlace == 0 {
		t.Error("no sum is added to one of its terms")
	}
}

// sumsInPlace counts the sums that are written over one of their terms, as those
// of gradients are where a value is used twice. It is an error if one is not, and
// a term of its size is read for the last time.
func sumsInPlace(s *schedule, p *Plan) (n int, err error) {
	last := s.lastReads()
	for i, in := range s.instructions {
		sum, ok := in.op.(kernels.Combine)
		if !ok || sum.Arithmetic != kernels.Add || p.Steps[i].Result.Name != "" {
			continue
		}
		ends, over := false, false
		for k, b := range p.Steps[i].Operands {
			if b.Name == "" && b.Shape.Size() == sum.Result().Size() && last[in.operands[k]] == i {
				ends, over = true, over || b.Offset == p.Steps[i].Result.Offset
			}
		}
		if ends && !over {
			return n, fmt.Errorf("step %d adds two values into a third buffer, where one of them ends", i)
		}
		if over {
			n++
		}
	}
	return n, nil
}

// TestAValueReadTwiceIsWrittenOverOnce doubles a value, which is both operands of
// a sum: its memory may be taken only where a kernel allows it of both.
func TestAValueReadTwiceIsWrittenOverOnce(t *testing.T) {
	shape := kernels.Shape{4}
	s := &schedule{values: []value{{shape: shape, name: "x", producer: -1}}}
	v := s.emit(kernels.Map{Function: kernels.Exp, Size: 4}, shape, []int{0})
	s.roots = []int{s.emit(kernels.Combine{A: shape, B: shape}, shape, []int{v, v})}
	for _, c := range []struct {
		over    []int
		buffers int
	}{{nil, 2}, {[]int{0}, 2}, {[]int{1}, 2}, {[]int{0, 1}, 1}} {
		plan := s.plan(nil, func(op kernels.Operation) []int {
			if len(op.Operands()) == 2 {
				return c.over
			}
			return nil
		})
		if n := len(plan.Temporaries); n != c.buffers {
			t.Errorf("over operands %v there are %d buffers, want %d", c.over, n, c.buffers)
		}
	}
}

// TestOwnersSeesAnOverwrite plants the fault that the checker is for.
func TestOwnersSeesAnOverwrite(t *testing.T) {
	shape := kernels.Shape{4}
	s := &schedule{values: []value{{shape: shape, name: "x", producer: -1}}}
	a := s.emit(kernels.Map{Function: kernels.Exp, Size: 4}, shape, []int{0})
	b := s.emit(kernels.Map{Function: kernels.Square, Size: 4}, shape, []int{0})
	s.roots = []int{s.emit(kernels.Combine{A: shape, B: shape}, shape, []int{a, b})}
	p := s.plan(nil, overOnGPU)
	if err := owners(s, p); err != nil {
		t.Fatal(err)
	}
	p.Steps[1].Result.Offset = p.Steps[0].Result.Offset
	p.Steps[2].Operands[1].Offset = p.Steps[0].Result.Offset
	if err := owners(s, p); err == nil || !strings.Contains(err.Error(), "written over") {
		t.Errorf("two live values at one offset gave %v", err)
	}
}
