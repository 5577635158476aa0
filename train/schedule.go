package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Decay is the way in which a schedule lowers the learning rate.
type Decay int

const (
	Constant  Decay = iota // no decay
	StepDecay              // times Gamma every Every epochs
	Cosine                 // half a cosine from 1 to Floor (Loshchilov and Hutter, "SGDR", 2017)
)

// Schedule says what the learning rate is multiplied by at each step. Its text
// form is a decay, with a linear warm-up before it if there is one:
//
//	constant    step 30 0.1    cosine    cosine 0.01    warmup 500, cosine 0.01
//
// The zero value is constant.
type Schedule struct {
	Decay  Decay
	Every  int     // of StepDecay: epochs
	Gamma  float64 // of StepDecay
	Floor  float64 // of Cosine: the factor at the end
	Warmup int     // steps over which the factor rises from 1/Warmup; 0: no warm-up
}

// Check says in one sentence what is wrong, or nil.
func (s Schedule) Check() error {
	switch {
	case s.Decay < Constant || s.Decay > Cosine:
		return fmt.Errorf("schedule: decay %d does not exist", int(s.Decay))
	case s.Warmup < 0:
		return fmt.Errorf("schedule: the warm-up is %d steps, want at least 1, or 0 for none", s.Warmup)
	case s.Decay == StepDecay && s.Every < 1:
		return fmt.Errorf("schedule: step decays every %d epochs, want at least 1", s.Every)
	case s.Decay == StepDecay && !(s.Gamma > 0 && s.Gamma <= 1):
		return fmt.Errorf("schedule: step multiplies by %g, want more than 0 and at most 1", s.Gamma)
	case s.Decay == Cosine && !(s.Floor >= 0 && s.Floor <= 1):
		return fmt.Errorf("schedule: cosine ends at %g of the learning rate, want 0 to 1", s.Floor)
	}
	return nil
}

// Rate is the factor of the learning rate at a step, counted from 1, of a run
// of total steps with perEpoch in each epoch. The cosine begins when the
// warm-up ends, and would reach its floor one step after the last.
func (s Schedule) Rate(step, total, perEpoch int) float64 {
	factor := 1.0
	switch s.Decay {
	case StepDecay:
		factor = math.Pow(s.Gamma, float64((step-1)/perEpoch/s.Every))
	case Cosine:
		if past := step - 1 - s.Warmup; past > 0 {
			t := min(1, float64(past)/float64(max(1, total-s.Warmup)))
			factor = s.Floor + (1-s.Floor)*(1+math.Cos(math.Pi*t))/2
		}
	}
	if step < s.Warmup {
		factor *= float64(step) / float64(s.Warmup)
	}
	return factor
}

// String prints the text form, which [ParseSchedule] reads.
func (s Schedule) String() string {
	text := "constant"
	switch s.Decay {
	case StepDecay:
		text = fmt.Sprintf("step %d %v", s.Every, s.Gamma)
	case Cosine:
		text = "cosine"
		if s.Floor != 0 {
			text = fmt.Sprintf("cosine %v", s.Floor)
		}
	}
	if s.Warmup > 0 {
		return fmt.Sprintf("warmup %d, %s", s.Warmup, text)
	}
	return text
}

// ParseSchedule reads the text form of a schedule.
func ParseSchedule(text string) (Schedule, error) {
	var s Schedule
	decay := text
	if before, after, found := strings.Cut(text, ","); found {
		words := strings.Fields(before)
		if len(words) != 2 || words[0] != "warmup" || !read(words[1], &s.Warmup) || s.Warmup < 1 {
			return Schedule{}, malformed(text)
		}
		decay = after
	}
	words := strings.Fields(decay)
	if len(words) == 0 {
		return Schedule{}, malformed(text)
	}
	ok := false
	switch name, values := words[0], words[1:]; {
	case name == "constant":
		ok = len(values) == 0
	case name == "step" && len(values) == 2:
		s.Decay = StepDecay
		ok = read(values[0], &s.Every) && read(values[1], &s.Gamma)
	case name == "cosine":
		s.Decay = Cosine
		ok = len(values) == 0 || len(values) == 1 && read(values[0], &s.Floor)
	}
	if !ok {
		return Schedule{}, malformed(text)
	}
	return s, s.Check()
}

func malformed(text string) error {
	return fmt.Errorf("schedule %q is none of: constant; step EPOCHS FACTOR; cosine [FLOOR]; warmup STEPS, then one of these", text)
}

// read parses a number into an *int, *uint64, *float64 or *string, and reports
// whether it is one.
func read(text string, to any) bool {
	var err error
	switch to := to.(type) {
	case *int:
		*to, err = strconv.Atoi(text)
	case *uint64:
		*to, err = strconv.ParseUint(text, 10, 64)
	case *float64:
		*to, err = strconv.ParseFloat(text, 64)
	case *string:
		*to = text
	}
	return err == nil
}
