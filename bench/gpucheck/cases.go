package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"hourglass/bench"
	"hourglass/graph"
	"hourglass/internal/cases"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
	"hourglass/kernels/launch"
	"hourglass/models"
)

// seed of the operands of all cases.
const seed = 1

// job is a case with the programs by which the GPU is to compute it.
type job struct {
	cases.Case
	programs []launch.Program
}

// selection says which cases a process walks through.
type selection struct {
	sizes         string // table, kernels, real or tiny
	every         int
	shard, shards int
	from          place // programs before it are left out
	without       []string
}

// cases compares the GPU with the definitions over the case table, or with the
// CPU's kernels over the operations of training steps, whose definitions would
// take too long. It writes [event]s, and ends where the device is lost.
func (sel selection) cases(out io.Writer) (err error) {
	events := json.NewEncoder(out)
	table, expect := []cases.Case(nil), (*walker).byDefinition
	switch sel.sizes {
	case "table", "kernels":
		table = cases.All()
	case "real":
		table, err = operations(training{bench.W1().Spec, 128},
			training{models.Convolutional(models.Shape{C: 3, H: 32, W: 32}, []int{64, 128, 256}, 3, 64, models.BatchNorm, models.ReLU), 64},
			training{models.Convolutional(models.Shape{C: 3, H: 64, W: 64}, []int{32, 64, 128}, 4, 128, models.ReLU), 32})
		expect = (*walker).byCPU
	case "tiny":
		table, err = operations(training{tiny(bench.W1()).Spec, 2})
		expect = (*walker).byCPU
	default:
		err = fmt.Errorf("sizes are %q; choose table, kernels, real or tiny", sel.sizes)
	}
	if err != nil {
		return err
	}
	w, err := newWalker(runtime.NumCPU() / sel.shards)
	if err != nil {
		return err
	}
	jobs, err := w.jobs(sel, table)
	if err != nil {
		return err
	}
	for i, j := range jobs {
		var inputs [][]float64
		judges := map[rounding]judge{}
		for k, program := range j.programs {
			at := place{i, k, j.Name, foremost(program)}
			if i < sel.from.Case || i == sel.from.Case && k < sel.from.Program {
				continue
			}
			if slices.Contains(sel.without, at.Kernel) || w.refuses(program) {
				if err := events.Encode(event{LeftOut: 1}); err != nil {
					return err
				}
				continue
			}
			if err := events.Encode(event{Place: &at}); err != nil {
				return err
			}
			if inputs == nil {
				inputs = j.Inputs(seed)
			}
			got, wrong := w.onGPU(j.Case, program, narrow(inputs))
			r := rounding{program.Precision, program.Rounded}
			if wrong == nil && judges[r] == nil {
				judges[r], wrong = expect(w, j.Case, inputs, r)
			}
			if wrong == nil {
				wrong = judges[r](got)
			}
			if wrong == nil {
				continue
			}
			failed := (*cuda.Error)(nil)
			lost := errors.As(wrong, &failed) && failed.Lost()
			f := failure{at, program.Precision.String(), fmt.Sprint(program.Launches), wrong.Error(), lost}
			if err := events.Encode(event{Failure: &f}); err != nil {
				return err
			}
			if lost {
				return wrong
			}
		}
	}
	name := w.device.GPU().Name
	w.workers.Close()
	if err := errors.Join(w.stream.Close(), w.device.Close()); err != nil {
		return err
	}
	return events.Encode(event{Device: name})
}

// jobs are the cases of a selection: of kernels those that it takes to launch each once,
// in the order of their modules, so that a process needs few of these.
func (w *walker) jobs(sel selection, table []cases.Case) (jobs []job, err error) {
	launched := map[string]bool{}
	for i := 0; i < len(table); i += max(1, sel.every) {
		if sel.sizes != "kernels" && len(jobs)%sel.shards != sel.shard { // programs are not made in vain
			jobs = append(jobs, job{})
			continue
		}
		programs, err := w.everyProgram(table[i].Op)
		if err != nil {
			return nil, err
		}
		if sel.sizes == "kernels" {
			programs = slices.DeleteFunc(programs, func(p launch.Program) bool { return !launchesMore(p, launched) })
			if len(programs) == 0 {
				continue
			}
		}
		jobs = append(jobs, job{table[i], programs})
	}
	if sel.sizes != "kernels" {
		return jobs, nil
	}
	slices.SortStableFunc(jobs, func(a, b job) int {
		return cmp.Compare(w.home[foremost(a.programs[0])], w.home[foremost(b.programs[0])])
	})
	return jobs[sel.shard*len(jobs)/sel.shards : (sel.shard+1)*len(jobs)/sel.shards], nil
}

// launchesMore tells whether a program has a kernel that was not launched, and notes all
// that it has.
func launchesMore(p launch.Program, launched map[string]bool) (more bool) {
	for _, l := range p.Alone().Launches {
		more = more || !launched[l.Kernel]
		launched[l.Kernel] = true
	}
	return more
}

// foremost is the kernel of a program that does the most arithmetic.
func foremost(p launch.Program) string {
	most := p.Launches[0]
	for _, l := range p.Launches {
		if l.FLOPs > most.FLOPs {
			most = l
		}
	}
	return most.Kernel
}

// everyProgram computes an operation in float32, and by every tile of the matrix
// units if they can.
func (w *walker) everyProgram(op kernels.Operation) ([]launch.Program, error) {
	exact, err := launch.Lower(op, kernels.FP32)
	if err != nil {
		return nil, err
	}
	programs := []launch.Program{exact}
	for _, precision := range []kernels.Precision{kernels.TF32, kernels.BF16} {
		rounded, err := launch.Variants(op, precision, w.capability())
		if err != nil {
			return nil, err
		}
		if rounded[0].Precision == precision {
			programs = append(programs, rounded...)
		}
	}
	return programs, nil
}

// training is a model to be trained on so many images a step.
type training struct {
	spec  models.Spec
	batch int
}

// operations are those of the training steps on a GPU, each once.
func operations(all ...training) ([]cases.Case, error) {
	var table []cases.Case
	seen := make(map[string]bool)
	for _, t := range all {
		model, err := models.New(t.spec, seed)
		if err != nil {
			return nil, err
		}
		b := graph.NewBuilder(model.Store(), true)
		model.Train(b, t.batch)
		outline, err := graph.OutlineOf(b, nil)
		if err != nil {
			return nil, err
		}
		for _, step := range outline.Plan().Steps {
			if name := fmt.Sprintf("%s: %+v", step.Op.Kind(), step.Op); !seen[name] {
				seen[name] = true
				table = append(table, cases.Case{Name: name, Op: step.Op})
			}
		}
	}
	return table, nil
}
