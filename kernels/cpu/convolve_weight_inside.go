package cpu

import "unsafe"

// Where tiles read patches and dy in place, images need no border: each tap is summed
// over the pixels whose patch has it within the image, and those that would meet zeros
// are left out. Of 3x3 filters at stride 2 on 14x14 that is a tenth of all products,
// and the copies of the images with their border were another.
//
//	pixels of a block that tap (r,s) reads ──tables──► dy, in place ──►┐
//	                                                   x, in place ────┴─ tile ──► sums

// insideTap is a tap as the pixels of one kind of block meet it.
type insideTap struct {
	pixels *insidePixels
	dy, x  int // floats from where the block begins in dy, and in x, to the first of them
}

// insidePixels are the pixels of a full block that lie in a rectangle of each image.
type insidePixels struct {
	image int     // of one image
	dy, x []int32 // where each stands, in bytes from the first
}

// readsInside reports whether pixels are left out instead of images copied: every
// stripe of panels has to be of one tap, and every panel of filters full.
func (w *weightGradient) readsInside() bool {
	return !w.window.inPlace && readsPatches(w.channels) && w.channels%(panelsOfStripe()*tileColumns) == 0 && w.padded == w.filters
}

// placeInside tabulates all taps for each band of blocks.
func (w *weightGradient) placeInside(v, h sampling) {
	type rectangle struct{ rows, columns int }
	known := make(map[rectangle]*insidePixels)
	win, across := w.window, w.px/w.window.count
	for band := range win.bands() {
		begin := band * win.results
		var taps []insideTap
		for _, down := range v.shifts {
			top, bottom := within(down, v.step, win.h, begin, min(begin+win.results, win.count))
			for _, right := range h.shifts {
				first, last := within(right, h.step, win.w, 0, across)
				r := rectangle{bottom - top, last - first}
				if known[r] == nil {
					known[r] = w.pixelsInside(r.rows, r.columns, v.step, h.step)
				}
				tap := insideTap{pixels: known[r]}
				if known[r].image > 0 {
					tap.dy = ((top-begin)*across + first) * w.k
					tap.x = ((top*v.step+down)*win.w + first*h.step + right) * win.c
				}
				taps = append(taps, tap)
			}
		}
		w.inside = append(w.inside, taps)
	}
}

// within cuts the results [from, to) of one axis to those t whose source t·step + shift
// lies within its size.
func within(shift, step, size, from, to int) (first, last int) {
	first = max(from, ceilDivide(max(0, -shift), step))
	last = min(to, ceilDivide(max(0, size-shift), step))
	return first, max(first, last)
}

// pixelsInside tabulates a rectangle of dy, and what it reads of x, in all images of
// a block.
func (w *weightGradient) pixelsInside(rows, columns, down, right int) *insidePixels {
	win := w.window
	p := &insidePixels{image: rows * columns}
	for image := range win.images {
		for t := range rows {
			for u := range columns {
				p.dy = append(p.dy, int32(4*w.k*(image*w.px+t*(w.px/win.count)+u)))
				p.x = append(p.x, int32(4*win.c*((image*win.h+t*down)*win.w+u*right)))
			}
		}
	}
	return p
}

// sumInside sums a block for the panels [from, to) of one group.
func (w *weightGradient) sumInside(t *panelTile, partial []float32, i, group, from, to int) {
	b := w.window.block(i)
	taps := w.inside[i%w.window.bands()]
	dy := (b.n*w.px+b.t*(w.px/w.window.count))*w.k + group*w.filters
	x := b.n*w.window.h*w.window.w*w.window.c + group*w.channels
	ahead := w.aheadOfBlock(i+1, taps, b.images)
	for panel := from; panel < to; panel += panelsOfStripe() {
		tap := &taps[panel*tileColumns/w.channels]
		pixels := tap.pixels.image * b.images
		t.b = at(w.x, x) // of which a tap without pixels reads nothing
		t.panels, t.further = min(panelsOfStripe(), to-panel), 4*tileColumns
		flags := t.flags
		runs := max(1, ceilDivide(pixels, runPixels))
		for run := range runs {
			begin, end := span(pixels, runs, run)
			t.steps = end - begin
			t.ahead, t.pace = ahead.give(max(1, len(w.rows)*t.steps))
			if t.steps > 0 {
				t.b = at(w.x, x+tap.x+panel*tileColumns%w.channels)
				t.src, t.srcA = unsafe.Pointer(&tap.pixels.x[begin]), unsafe.Pointer(&tap.pixels.dy[begin])
			}
			for _, p := range w.rows {
				t.rows = p.rows
				t.a = at(w.dy, dy+tap.dy+p.first)
				t.c, t.furtherC = at(partial, w.sums(p, panel)), 4*p.rows*tileColumns
				routines.multiplyPatches(t)
			}
			t.flags = accumulate
		}
		t.flags = flags
	}
	t.flags, t.srcA = accumulate, nil
}

// aheadOfBlock is what the tiles of a block of so many images have brought near: x and
// dy of the next one.
func (w *weightGradient) aheadOfBlock(next int, taps []insideTap, images int) errand {
	if next == w.window.blocks() {
		return errand{}
	}
	steps := 0
	for i := range taps {
		steps += taps[i].pixels.image
	}
	b := w.window.block(next)
	pixel := b.n*w.px + b.t*(w.px/w.window.count)
	dy := w.dy[pixel*w.k:][:((b.images-1)*w.px+b.results*(w.px/w.window.count))*w.k]
	stripes := ceilDivide(w.channels, panelsOfStripe()*tileColumns)
	return newErrand(dy, w.window.floatsOf(w.x, b), steps*images*stripes*len(w.rows))
}
