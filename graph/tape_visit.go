package graph

// updated is state that the schedule updates, and a copy from before the last
// step.
type updated struct{ state, before []float32 }

// rememberState copies what the schedule updates, a few numbers a channel or a
// codebook, so that a step can be run again.
func (t *tape) rememberState() {
	for _, u := range t.updated {
		copy(u.before, u.state)
	}
}

func (t *tape) putStateBack() {
	for _, u := range t.updated {
		copy(u.state, u.before)
	}
}

// visit runs the last step once more, one instruction after another, and shows
// each result before its memory is given to another. Inputs and clock are still
// those of that step, and so are the parameters if it did not update them. State
// is put back to what it was before the step, and stays there.
func (t *tape) visit(look func(value int, result []float32) bool) error {
	t.putStateBack()
	defer t.putStateBack()
	i := -t.noises()
	for _, s := range t.stages {
		for k := range s.calls {
			if err := s.run(k, k+1); err != nil {
				return err
			}
			if i >= 0 && !t.show(i, look) {
				return nil
			}
			i++
		}
	}
	return nil
}

// show shows the results of an instruction until look returns false.
func (t *tape) show(instruction int, look func(value int, result []float32) bool) bool {
	for _, v := range t.schedule.instructions[instruction].results() {
		if !look(v, t.buffers[v]) {
			return false
		}
	}
	return true
}

// noises is how many calls stand before those of the instructions.
func (t *tape) noises() int {
	calls := 0
	for _, s := range t.stages {
		calls += len(s.calls)
	}
	return calls - len(t.schedule.instructions)
}
