package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// walk is a way through cases in processes of their own: one that loses the device, or
// hangs, is followed by another that begins behind the program at which it happened.
type walk struct {
	sizes  string // which cases, see [cases]
	every  int    // takes every nth of them
	shards int    // processes side by side
	under  []string
}

// event is a line of a process on its walk: that it begins with a program, that this one
// is wrong, or that it has come to the end.
type event struct {
	Place   *place   `json:"place,omitempty"`
	Failure *failure `json:"failure,omitempty"`
	Device  string   `json:"device,omitempty"`   // at the end
	LeftOut int      `json:"left_out,omitempty"` // programs that are not launched
}

// place is a program of a case, both counted from 0.
type place struct {
	Case    int    `json:"case"`
	Program int    `json:"program"`
	Name    string `json:"name"`   // of the case
	Kernel  string `json:"kernel"` // that does most of the work
}

// failure is a program that does not what it should, with all that is known of it.
type failure struct {
	place
	Precision string `json:"precision,omitempty"`
	Launches  string `json:"launches,omitempty"` // with their grids, blocks and arguments
	Error     string `json:"error"`
	Lost      bool   `json:"lost,omitempty"` // the device can do nothing more
}

// found is what a walk comes to.
type found struct {
	Device    string    `json:"device"`
	Cases     int       `json:"cases"`
	Programs  int       `json:"programs"`
	Failed    int       `json:"failed"` // programs
	Processes int       `json:"processes"`
	LeftOut   int       `json:"left_out,omitempty"` // programs: of kernels given up, or whose module does not load
	GivenUp   []string  `json:"given_up,omitempty"` // kernels that were not launched any more
	NotTried  []string  `json:"not_tried,omitempty"`
	Failures  []failure `json:"failures,omitempty"` // the first of them; the log has all
}

const (
	shown   = 40 // failures of a walk in the report
	strikes = 3  // after so many losses a kernel is launched no more
	quiet   = 45 * time.Second
)

// walk does what w says.
func (r *run) walk(w walk) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		s := &search{run: r, walk: w, cases: map[string]bool{}, losses: map[string]int{}}
		var shards sync.WaitGroup
		for i := range w.shards {
			shards.Go(func() { s.shard(ctx, i) })
		}
		shards.Wait()
		s.found.Cases = len(s.cases)
		for kernel, n := range s.losses {
			if n >= strikes {
				s.found.GivenUp = append(s.found.GivenUp, kernel)
			}
		}
		slices.Sort(s.found.GivenUp)
		err := cut(ctx, errors.Join(s.broken...))
		if s.found.Failed > 0 {
			first := s.found.Failures[0]
			return s.found, fmt.Errorf("%d of %d programs of %d cases are wrong; the first is %s: %s", s.found.Failed, s.found.Programs, s.found.Cases, first.Name, first.Error)
		}
		return s.found, err
	}
}

// search is a walk under way.
type search struct {
	*run
	walk
	mutex  sync.Mutex // of what follows
	found  found
	cases  map[string]bool
	losses map[string]int // of the device, by kernel
	broken []error        // why shards did not come to their end
}

// shard walks through every nth case, in as many processes as it takes.
func (s *search) shard(ctx context.Context, i int) {
	var last *place
	for {
		begun, done, err := s.process(ctx, i, last)
		switch {
		case done:
			return
		case ctx.Err() != nil:
			s.giveUp(i, cmp.Or(begun, last), context.Cause(ctx))
			return
		case begun == nil: // the next one would not get farther
			s.giveUp(i, last, err)
			return
		}
		last = begun
	}
}

// giveUp notes that a shard has not come to its end, and how far it has.
func (s *search) giveUp(shard int, last *place, why error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	at := "its beginning"
	if last != nil {
		at = fmt.Sprintf("program %d of its case %d, %s", last.Program, last.Case, last.Name)
	}
	s.broken = append(s.broken, why)
	s.found.NotTried = append(s.found.NotTried, fmt.Sprintf("shard %d of %d from %s on", shard, s.shards, at))
}

// process walks on from behind a program, nil for the beginning. last is the one that it
// began last, done whether it came to the end.
func (s *search) process(ctx context.Context, shard int, behind *place) (last *place, done bool, err error) {
	from := place{}
	if behind != nil {
		from = place{Case: behind.Case, Program: behind.Program + 1}
	}
	outer := ctx
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	args := []string{s.self, "cases", "-sizes", s.sizes, fmt.Sprintf("-every=%d", s.every), fmt.Sprintf("-shard=%d/%d", shard, s.shards),
		fmt.Sprintf("-from=%d.%d", from.Case, from.Program), "-without=" + s.without()}
	args = slices.Concat(s.under, args)
	c := command(ctx, args[0], args[1:]...)
	c.Dir = s.folder
	said := &tail{}
	c.Stderr = said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return nil, false, err
	}
	s.mutex.Lock()
	s.found.Processes++
	s.mutex.Unlock()
	silent := time.AfterFunc(s.patient(), stop) // one that hangs is ended
	reported := false
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		silent.Reset(s.patient())
		var e event
		if json.Unmarshal([]byte(line), &e) != nil {
			said.Write([]byte(line))
			continue
		}
		switch {
		case e.Place != nil:
			last, reported = e.Place, false
			s.began(*last)
		case e.Failure != nil:
			reported = e.Failure.Lost
			s.failed(*e.Failure)
		case e.Device != "":
			done = true
			s.arrived(e.Device)
		case e.LeftOut > 0:
			s.leaveOut(e.LeftOut)
		}
	}
	hung := !silent.Stop()
	err = c.Wait()
	if err == nil || done && len(s.under) == 0 {
		return last, done, nil
	}
	if outer.Err() != nil {
		return last, done, context.Cause(outer)
	}
	title := strings.Join(append([]string{filepath.Base(args[0])}, args[1:]...), " ")
	s.log.section(fmt.Sprintf("%s: %v", title, err), said.String())
	switch {
	case done: // the tool above has found something
		s.failed(failure{Error: fmt.Sprintf("%s: %s", title, shortened(said.String(), 4000)), place: place{Name: s.under[2]}})
		return last, done, nil
	case last != nil && !reported:
		what := fmt.Sprintf("the process ended: %v", err)
		if hung {
			what = fmt.Sprintf("it hung: nothing for %v", s.patient())
		}
		s.failed(failure{place: *last, Lost: true, Error: what + ": " + shortened(said.String(), 2000)})
	}
	return last, done, fmt.Errorf("%s: %w: %s", title, err, shortened(said.String(), 500))
}

// patient is how long a process may say nothing; a rehearsal may be on a machine as slow
// as it likes.
func (s *search) patient() time.Duration {
	if s.dry {
		return 24 * time.Hour
	}
	if len(s.under) > 0 {
		return 2 * quiet
	}
	return quiet
}

func (s *search) began(at place) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.found.Programs++
	s.cases[at.Name] = true
}

func (s *search) arrived(device string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.found.Device = device
}

func (s *search) leaveOut(programs int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.found.LeftOut += programs
}

func (s *search) failed(f failure) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.found.Failed++
	if f.Lost {
		s.losses[f.Kernel]++
	}
	if len(s.found.Failures) < shown {
		s.found.Failures = append(s.found.Failures, f)
	}
	s.log.section(fmt.Sprintf("%s by %s in %s", f.Name, f.Kernel, f.Precision), f.Error+"\n"+f.Launches)
}

// without are the kernels that have cost the device too often.
func (s *search) without() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var names []string
	for kernel, n := range s.losses {
		if n >= strikes {
			names = append(names, kernel)
		}
	}
	return strings.Join(names, ",")
}

// tail keeps the end of what a program says.
type tail struct {
	mutex sync.Mutex
	text  []byte
}

func (t *tail) Write(text []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.text = append(t.text, text...)
	if most := 1 << 16; len(t.text) > 2*most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(text), nil
}

func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return strings.TrimSpace(string(t.text))
}
