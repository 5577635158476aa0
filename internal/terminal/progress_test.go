package terminal

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// stage is a terminal on a buffer with a clock that is turned by hand.
type stage struct {
	*Terminal
	buffer bytes.Buffer
	now    time.Time
	width  int
}

func newStage(live bool, width int) *stage {
	s := &stage{now: time.Unix(1_000_000, 0), width: width}
	s.Terminal = &Terminal{Out: &s.buffer, Live: live,
		Columns: func() int { return s.width }, Now: func() time.Time { return s.now }}
	return s
}

// written returns what was written since the last call.
func (s *stage) written() string {
	text := s.buffer.String()
	s.buffer.Reset()
	return text
}

// screen returns what a terminal shows after the text: what follows the last
// carriage return of each line.
func screen(text string) []string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = line[strings.LastIndex(line, "\r")+1:]
		lines[i] = strings.TrimSuffix(line, "\x1b[K")
	}
	return lines
}

func TestLiveProgress(t *testing.T) {
	s := newStage(true, 100)
	p := s.Progress("epoch  7/20", 400)
	p.Update(Status{Step: 1, Images: 128})
	if got := s.written(); got != "" {
		t.Errorf("drawn at once: %q", got)
	}
	s.now = s.now.Add(10 * time.Second)
	p.Update(Status{Step: 100, Images: 12_800, Loss: 108.314, Unit: "nats", Notes: "R 0.61"})
	want := "epoch  7/20 ▕██████                  ▏ 100/400  loss 108.31 nats  R 0.61  1.28k img/s  eta 0:30"
	if got := screen(s.written()); len(got) != 1 || got[0] != want {
		t.Errorf("the screen shows\n%q, want\n%q", got, want)
	}
	for range 30 { // three a redraw
		s.now = s.now.Add(redraw / 3)
		p.Update(Status{Step: 101, Images: 12_928})
	}
	if drawn := strings.Count(s.written(), "\r"); drawn < 6 || drawn > 10 {
		t.Errorf("drawn %d times in a second, want up to 10", drawn)
	}
	p.Println("a line above")
	if got := screen(s.written()); len(got) != 2 || got[0] != "\x1b[Ka line above" || !strings.Contains(got[1], "101/400") {
		t.Errorf("after a line above, the screen shows %q", got)
	}
	s.now = s.now.Add(29 * time.Second)
	p.Update(Status{Step: 400, Images: 51_200, Loss: 0.01234567, Unit: "mse/px"})
	s.written()
	p.Done()
	want = "epoch  7/20 ▕████████████████████████▏ 400/400  loss 0.01235 mse/px  1.28k img/s  in 0:40"
	if got := screen(s.written()); len(got) != 2 || got[0] != want || got[1] != "" {
		t.Errorf("at the end the screen shows\n%q, want\n%q", got, want)
	}
	p.Stop()
	if got := s.written(); got != "" {
		t.Errorf("stopping after the end wrote %q", got)
	}
}

func TestPipedProgress(t *testing.T) {
	s := newStage(false, 0)
	p := s.Progress("epoch", 1000)
	for step := 1; step <= 1000; step++ {
		s.now = s.now.Add(25 * time.Millisecond)
		p.Update(Status{Step: step, Images: 10 * step, Loss: 2})
	}
	p.Println("between")
	p.Done()
	want := "epoch   400/1000  loss 2.0000  400 img/s  eta 0:15\n" +
		"epoch   800/1000  loss 2.0000  400 img/s  eta 0:05\n" +
		"between\n" +
		"epoch  1000/1000  loss 2.0000  400 img/s  in 0:25\n"
	if got := s.written(); got != want {
		t.Errorf("written\n%s, want\n%s", got, want)
	}
}

func TestProgressFitsItsTerminal(t *testing.T) {
	s := newStage(true, 0)
	p := s.Progress("epoch 漢字\x1b[2J", 469)
	notes := "(recon 82.9 + kl 25.4)  R 0.61  active 15/16  |g| 1.9  lr 8.2e-4"
	for s.width = 1; s.width < 200; s.width++ {
		s.now = s.now.Add(time.Second)
		p.Update(Status{Step: s.width, Images: 128 * s.width, Loss: 108.31, Unit: "nats", Notes: notes})
		line := screen(s.written())[0]
		if got := width(line); got > s.width-1 {
			t.Errorf("on %d columns the line takes %d: %q", s.width, got, line)
		}
		if strings.Contains(line, "\x1b") {
			t.Errorf("an escape sequence came through: %q", line)
		}
		if has := strings.Contains(line, notes); s.width >= 150 && !has || s.width < 100 && has {
			t.Errorf("on %d columns the notes are there: %t: %q", s.width, has, line)
		}
	}
}

func TestProgressWithoutKnowledge(t *testing.T) {
	s := newStage(true, 80)
	p := s.Progress("", 0)
	s.now = s.now.Add(time.Second)
	p.Update(Status{})
	want := "▕                        ▏ 0/0  loss 0  0 img/s  eta –"
	if got := screen(s.written())[0]; got != want {
		t.Errorf("the screen shows\n%q, want\n%q", got, want)
	}
	s.now = s.now.Add(-time.Hour) // a clock set back must not break anything
	p.Update(Status{Step: 1})
	p.Done()
	p = s.Progress("x", 10)
	p.Done()
	if got := s.written(); !strings.Contains(got, "– img/s") {
		t.Errorf("work that took no time shows %q, want no rate", got)
	}
}

func TestRatesFollowTheLastSeconds(t *testing.T) {
	var r rates
	now := time.Unix(0, 0)
	r.at = now
	step := 0
	for second := range 100 {
		now = now.Add(time.Second)
		if second < 50 {
			step += 10
		} else {
			step += 20
		}
		r.note(now, Status{Step: step, Images: 4 * step})
	}
	if r.steps < 19.9 || r.steps > 20 || r.images != 4*r.steps {
		t.Errorf("after 50 s at 20 steps/s the rate is %v steps and %v images, want nearly 20 and 80", r.steps, r.images)
	}
}

func TestBar(t *testing.T) {
	for _, c := range []struct {
		done, total int
		want        string
	}{
		{0, 80, "▕          ▏"}, {1, 80, "▕▏         ▏"}, {79, 80, "▕█████████▉▏"},
		{80, 80, "▕██████████▏"}, {99, 80, "▕██████████▏"}, {-1, 80, "▕          ▏"}, {1, 0, "▕          ▏"},
	} {
		if got := bar(c.done, c.total, 10); got != c.want {
			t.Errorf("bar(%d, %d) = %q, want %q", c.done, c.total, got, c.want)
		}
	}
}
