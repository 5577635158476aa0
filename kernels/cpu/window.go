package cpu

import "unsafe"

// sampling is the part of one image axis, rows or columns, that one class of
// results reads: result first + t·every, for t in count, takes source index
// t·step + shifts[j] through tap taps[j] of the filter. Shifts ascend.
type sampling struct {
	first, every, count int
	step                int
	taps, shifts        []int
}

// forwardSampling is that of a convolution with out results: one class.
func forwardSampling(out, taps, stride, pad, dilation int) []sampling {
	s := sampling{every: 1, count: out, step: stride}
	for r := range taps {
		s.taps = append(s.taps, r)
		s.shifts = append(s.shifts, r*dilation-pad)
	}
	return []sampling{s}
}

// backwardSampling is that of the input gradient: input y gathers from those
// outputs p and taps r with p·stride = y + pad − r·dilation. Which taps these
// are depends on y mod stride alone, so each remainder is a class, and within
// it the gradient is an ordinary convolution of step 1.
func backwardSampling(in, taps, stride, pad, dilation int) []sampling {
	var classes []sampling
	for first := range min(stride, in) {
		s := sampling{first: first, every: stride, count: ceilDivide(in-first, stride), step: 1}
		for r := taps - 1; r >= 0; r-- {
			if offset := first + pad - r*dilation; offset%stride == 0 {
				s.taps = append(s.taps, r)
				s.shifts = append(s.shifts, offset/stride)
			}
		}
		classes = append(classes, s)
	}
	return classes
}

// inside cuts classes into those of equal taps within the image, so that none
// reads beyond its first or last row, or column, of size: a convolution's into
// the results at the beginning, those in the midst and those at the end.
func inside(classes []sampling, size int) []sampling {
	var parts []sampling
	for _, s := range classes {
		for t := 0; t < s.count; {
			from, to := s.tapsInside(t, size)
			part := sampling{first: s.first + t*s.every, every: s.every, step: s.step, taps: s.taps[from:to]}
			for _, shift := range s.shifts[from:to] {
				part.shifts = append(part.shifts, t*s.step+shift)
			}
			for ; t < s.count; t++ {
				if f, l := s.tapsInside(t, size); f != from || l != to {
					break
				}
				part.count++
			}
			parts = append(parts, part)
		}
	}
	return parts
}

// tapsInside are the taps through which result t reads what is there.
func (s sampling) tapsInside(t, size int) (from, to int) {
	to = len(s.shifts)
	for from < to && t*s.step+s.shifts[from] < 0 {
		from++
	}
	for to > from && t*s.step+s.shifts[to-1] >= size {
		to--
	}
	return from, to
}

// bounds are the least and greatest source index minus t·step, and the
// greatest t plus 1, over all classes of an axis.
func bounds(classes []sampling) (least, greatest, count int) {
	found := false
	for _, s := range classes {
		count = max(count, s.count)
		if n := len(s.shifts); n > 0 {
			if !found {
				least, greatest, found = s.shifts[0], s.shifts[n-1], true
			}
			least, greatest = min(least, s.shifts[0]), max(greatest, s.shifts[n-1])
		}
	}
	return least, greatest, count
}

// window cuts images N,H,W,C into blocks that fit the second-level cache and
// lays each block out with its zero border, so that patches are read without
// a test for the edge. A block is some whole images or a band of one. Images
// that need no border are read in place.
type window struct {
	n, h, w, c int
	top, left  int // source index of the first row and column of the copy
	rows       int // of one image, or of a whole band, in the copy
	columns    int
	step       int // source rows between two result rows
	span       int // source rows that one result row reads
	inPlace    bool

	images  int // a block
	results int // result rows a block, of the count in each image
	count   int
}

// block is count images from n on, and of each the result rows from t on.
type block struct{ n, images, t, results int }

// blockFloats is the size of a block that leaves room for weights and
// results in a second-level cache of 512 KiB.
const blockFloats = 40 << 10

// channelsWorthSplitting is the number of channels from which on passes that
// end where taps are left out are long enough.
const channelsWorthSplitting = 16

// blockWish is what is asked of the blocks: a number of them, for the workers,
// and a number of results in each, for the work that is done once a block.
// Images that are read beyond their end are copied in any case.
type blockWish struct {
	atLeast, pixels int
	copied          bool
}

// newWindow lays out images for two samplings.
func newWindow(n, h, w, c int, vertical, horizontal []sampling, wish blockWish) *window {
	least, greatest, count := bounds(vertical)
	left, right, across := bounds(horizontal)
	win := &window{
		n: n, h: h, w: w, c: c, top: least, left: left, count: count,
		step: vertical[0].step, span: greatest - least + 1,
		columns: (across-1)*horizontal[0].step + right - left + 1,
	}
	bottom := (count-1)*win.step + greatest
	win.inPlace = !wish.copied && least >= 0 && left >= 0 && bottom < h && left+win.columns <= w
	if win.inPlace {
		win.columns = w
	}

	line, pixels := win.columns*c, count*across
	win.images, win.results = 1, count
	if whole := win.height(count) * line; whole > blockFloats {
		fit := (blockFloats/line-win.span)/win.step + 1
		win.results = min(count, max(fit, ceilDivide(wish.pixels, across)))
	} else {
		win.images = min(n, max(blockFloats/whole, ceilDivide(wish.pixels, pixels)))
		win.images = min(win.images, max(1, n/wish.atLeast))
	}
	if win.blocks() < wish.atLeast && win.images == 1 {
		bands := min(ceilDivide(wish.atLeast, n), max(1, pixels/wish.pixels))
		win.results = min(win.results, ceilDivide(count, bands))
	}
	win.rows = win.height(win.results)
	if win.inPlace && win.images > 1 {
		win.rows = h
	}
	return win
}

// leaveOutBorder returns the parts of both samplings that read nothing but the
// images, and lays blocks out for them, to be read in place, if that saves
// work: each class has tiles of its own, and the last may be incomplete. Blocks are of
// other numbers of images than fill the tiles where the worker that has most of them
// is done earlier.
func (w *window) leaveOutBorder(vertical, horizontal []sampling, shares, workers int) (v, h []sampling, saves bool) {
	if w.inPlace || w.bands() > 1 {
		return nil, nil, false
	}
	v, h = inside(vertical, w.h), inside(horizontal, w.w)
	whole := w.h * w.w * w.c
	most := min(w.n, max(tileRows, min(blockFloats/whole, w.n/shares)))
	longest := func(images int) int { return ceilDivide(ceilDivide(w.n, images), workers) * steps(v, h, images) }
	images := max(1, most/tileRows*tileRows) // fills the tiles of all classes
	for n := most; 2*n >= most; n-- {
		if 40*longest(n) < 39*longest(images) {
			images = n
		}
	}
	before, after := steps(vertical, horizontal, w.images)*images, steps(v, h, images)*w.images
	if 20*after > 19*before {
		return nil, nil, false
	}
	w.inPlace, w.images = true, images
	w.top, w.left, w.rows, w.columns = 0, 0, w.h, w.w
	return v, h, true
}

// steps is how many taps the tiles of a block of images go through.
func steps(vertical, horizontal []sampling, images int) int {
	sum := 0
	for _, v := range vertical {
		for _, h := range horizontal {
			sum += ceilDivide(images*v.count*h.count, tileRows) * max(1, len(v.taps)*len(h.taps))
		}
	}
	return sum
}

// height is the number of source rows that so many result rows read.
func (w *window) height(results int) int { return (results-1)*w.step + w.span }

// bands is the number of blocks into which an image is cut.
func (w *window) bands() int { return ceilDivide(w.count, w.results) }

func (w *window) blocks() int {
	return ceilDivide(w.n, w.images) * w.bands()
}

func (w *window) block(i int) block {
	bands := w.bands()
	n, t := i/bands*w.images, i%bands*w.results
	return block{n, min(w.images, w.n-n), t, min(w.results, w.count-t)}
}

// floats is the size of the copy of a block.
func (w *window) floats() int {
	if w.inPlace {
		return 0
	}
	return w.images * w.rows * w.columns * w.c
}

// load lays block b of x out in scratch and returns where its first row and
// column stand.
func (w *window) load(scratch, x []float32, b block) unsafe.Pointer {
	first := b.t*w.step + w.top
	if w.inPlace {
		return at(x, ((b.n*w.h+first)*w.w+w.left)*w.c)
	}
	line := w.columns * w.c
	before := min(max(0, -w.left), w.columns)
	from, to := max(0, w.left), max(max(0, w.left), min(w.w, w.left+w.columns))
	for image := range b.images {
		for i := range w.height(b.results) {
			row := scratch[(image*w.rows+i)*line:][:line]
			y := first + i
			if y < 0 || y >= w.h {
				clear(row)
				continue
			}
			clear(row[:before*w.c])
			source := ((b.n+image)*w.h + y) * w.w
			n := copy(row[before*w.c:], x[(source+from)*w.c:(source+to)*w.c])
			clear(row[before*w.c+n:])
		}
	}
	return at(scratch, 0)
}

// floatsOf are the floats of x from the first to the last that block b reads.
func (w *window) floatsOf(x []float32, b block) []float32 {
	first := b.t*w.step + w.top
	from, to := max(0, first), min(w.h, first+w.height(b.results))
	if from >= to {
		return nil
	}
	return x[(b.n*w.h+from)*w.w*w.c : ((b.n+b.images-1)*w.h+to)*w.w*w.c]
}

// offset is the distance in bytes of a source position (row t·step + shift of
// image i, likewise the column) from where a block begins.
func (w *window) offset(image, y, x int) int {
	return 4 * w.c * ((image*w.rows+y)*w.columns + x)
}
