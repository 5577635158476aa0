//go:build gpu

package cuda

import (
	"errors"
	"time"
)

// Elapsed is the time that the GPU takes for what queue puts on s, by events.
func (d *Device) Elapsed(s *Stream, queue func() error) (elapsed time.Duration, err error) {
	var marks [2]*Event
	for i := range marks {
		if marks[i], err = d.NewTimedEvent(); err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, marks[i].Close()) }()
	}
	if err := s.Record(marks[0]); err != nil {
		return 0, err
	}
	if err := queue(); err != nil {
		return 0, err
	}
	if err := s.Record(marks[1]); err != nil {
		return 0, err
	}
	if err := marks[1].Synchronize(); err != nil {
		return 0, err
	}
	return marks[1].Since(marks[0])
}

// longest is how long launches are repeated for at most: then what it costs to
// begin a graph is less than a thousandth of it.
const longest = 10 * time.Millisecond

// Time is the time of the launches: `repeats` copies of them, or fewer where they
// take long, are recorded and replayed. What they read may come from the caches.
func (d *Device) Time(s *Stream, launches []Launch, repeats int) (one time.Duration, err error) {
	submit := func() error { return d.Submit(s, launches) }
	for range 2 { // the first warms up
		if one, err = d.Elapsed(s, submit); err != nil {
			return 0, err
		}
	}
	n := repeats
	if one > 0 {
		n = max(1, min(repeats, int(longest/one)))
	}
	replay, err := d.Capture(s, func() error {
		for range n {
			if err := submit(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, replay.Close()) }()
	var all time.Duration
	for range 2 { // the first warms up
		if all, err = d.Elapsed(s, func() error { return replay.Launch(s) }); err != nil {
			return 0, err
		}
	}
	return all / time.Duration(n), nil
}
