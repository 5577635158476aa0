package terminal

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

const (
	// redraw is the shortest time between two drawings of a live line.
	redraw = 100 * time.Millisecond
	// interval is the time between two lines when they are piped.
	interval = 10 * time.Second
	// memory is how far back the rates look, as the time constant of an
	// exponential average.
	memory = 5 * time.Second
	// longestBar is the bar's length where there is room.
	longestBar = 24
)

// Status is how far the work has come.
type Status struct {
	Step   int     // steps done
	Images int     // images seen in them
	Loss   float64 // of the last step or a running mean
	Unit   string  // of the loss, such as "nats"
	Notes  string  // further figures, dropped first where there is no room
}

// Progress shows how work comes along, in one line that is drawn anew in place
// at most ten times a second:
//
//	epoch  7/20 ▕███████▌   ▏ 412/469  loss 108.3 nats  41.2k img/s  eta 0:38
//
// or, where nothing can be redrawn, in a plain line every ten seconds. Its
// methods may be called from several goroutines.
type Progress struct {
	terminal *Terminal
	label    string
	total    int

	lock    sync.Mutex
	status  Status
	start   time.Time
	shown   time.Time // of the last line
	visible bool      // a live line stands unfinished
	rates   rates
}

// Progress begins to show total steps of work called label.
func (t *Terminal) Progress(label string, total int) *Progress {
	now := t.now()
	return &Progress{terminal: t, label: clean(label), total: total, start: now, shown: now, rates: rates{at: now}}
}

// Update notes the status and shows it if it is time to.
func (p *Progress) Update(status Status) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.status = status
	now, pause := p.terminal.now(), interval
	if p.terminal.Live {
		pause = redraw
	}
	if now.Sub(p.shown) < pause {
		return
	}
	p.shown = now
	p.rates.note(now, status)
	p.show(p.line(p.eta()), false)
}

// Println writes lines above the progress line.
func (p *Progress) Println(lines ...string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	again := p.visible
	p.erase()
	p.terminal.Println(lines...)
	if again {
		p.show(p.line(p.eta()), false)
	}
}

// Done shows the last status, with the time and the mean rate of the whole
// work, and ends the line.
func (p *Progress) Done() {
	p.lock.Lock()
	defer p.lock.Unlock()
	elapsed := p.terminal.now().Sub(p.start)
	p.rates.images = float64(p.status.Images) / elapsed.Seconds()
	p.show(p.line("in "+Duration(elapsed)), true)
}

// Stop takes the line away, as if there had been none.
func (p *Progress) Stop() {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.erase()
}

func (p *Progress) erase() {
	if p.visible {
		fmt.Fprint(p.terminal.Out, "\r\x1b[K")
		p.visible = false
	}
}

// show draws the line over what stands there. The rest of the line is erased
// afterwards, not before, so that nothing flickers.
func (p *Progress) show(line string, last bool) {
	if !p.terminal.Live {
		fmt.Fprintln(p.terminal.Out, line)
		return
	}
	end := "\x1b[K"
	if last {
		end += "\n"
	}
	fmt.Fprint(p.terminal.Out, "\r"+line+end)
	p.visible = !last
}

func (p *Progress) eta() string {
	left := float64(p.total-p.status.Step) / p.rates.steps
	if !(left >= 0 && left < 1e8) { // no rate yet, or three years and more
		return "eta –"
	}
	return "eta " + clock(time.Duration(left*float64(time.Second)))
}

// line puts the parts together and leaves out what the terminal has no room
// for: first the bar's length, then the notes, then the bar.
func (p *Progress) line(last string) string {
	s := p.status
	digits := len(fmt.Sprint(p.total))
	steps := fmt.Sprintf("%*d/%d", digits, s.Step, p.total)
	loss := strings.TrimSpace("loss " + figure(s.Loss) + " " + clean(s.Unit))
	rate := Rate(p.rates.images, "img")
	full, brief := join(loss, clean(s.Notes), rate, last), join(loss, rate, last)
	if !p.terminal.Live {
		return join(p.label, steps, full)
	}
	room := p.terminal.Width() - 1 // the last column would wrap on some
	for _, figures := range []string{full, brief} {
		rest := join(steps, figures)
		const frame = 4 // two ends, two spaces
		if length := min(longestBar, room-width(p.label)-width(rest)-frame); length >= 8 {
			return strings.TrimSpace(p.label + " " + bar(s.Step, p.total, length) + " " + rest)
		}
	}
	return cut(join(p.label, steps, brief), room)
}

// join puts two spaces between the parts that are not empty.
func join(parts ...string) string {
	var line strings.Builder
	for _, part := range parts {
		if line.Len() > 0 && part != "" {
			line.WriteString("  ")
		}
		line.WriteString(part)
	}
	return line.String()
}

// figure writes a loss with enough digits to see it move, and no more.
func figure(x float64) string {
	switch size := math.Abs(x); {
	case size >= 10 && size < 1e6:
		return fmt.Sprintf("%.2f", x)
	case size >= 0.1 && size < 10:
		return fmt.Sprintf("%.4f", x)
	case size >= 1e-4 && size < 0.1:
		return fmt.Sprintf("%.5f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// bar is done/total of length columns, in eighths of a column.
func bar(done, total, length int) string {
	eighths := 0
	if total > 0 {
		eighths = int(int64(8*length) * int64(min(max(done, 0), total)) / int64(total))
	}
	blocks := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		blocks += string([]rune(" ▏▎▍▌▋▊▉")[part])
	}
	return "▕" + blocks + strings.Repeat(" ", length-width(blocks)) + "▏"
}

// rates are steps and images a second, averaged over the last seconds.
type rates struct {
	steps, images float64
	at            time.Time
	step, image   int
	known         bool
}

func (r *rates) note(now time.Time, s Status) {
	seconds := now.Sub(r.at).Seconds()
	if seconds <= 0 {
		return
	}
	weight := 1 - math.Exp(-seconds/memory.Seconds())
	if !r.known {
		weight, r.known = 1, s.Step > 0
	}
	r.steps += weight * (float64(s.Step-r.step)/seconds - r.steps)
	r.images += weight * (float64(s.Images-r.image)/seconds - r.images)
	r.at, r.step, r.image = now, s.Step, s.Images
}
