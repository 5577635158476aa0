package cpu

import (
	"slices"

	"hourglass/kernels"
)

// weightPanels packs filters (K, C/Groups, R, S) as right-hand panels:
//
//	[group][panel][tap][inner channel][16 columns]
//
// Columns are the filters and the inner axis the input channels in a forward
// convolution; in the input gradient it is the other way round. Groups with
// fewer columns than a tile are joined, as many as fill it, with zeros where
// a column does not see a channel: a tile of zeros costs less than one that
// is empty but for one column.
type weightPanels struct {
	groups  int // after joining
	joined  int // groups of the convolution in each of them
	columns int // of each group, joined
	inner   int // inner channels of each group, joined
	panels  int // of each group
	taps    int // R·S
	width   int // S

	// Strides, in floats, of a group, a column and an inner channel in the
	// filters.
	groupStride, columnStride, innerStride int

	order   []int    // tap r·S + s in the order in which taps stand in a panel
	rows    []tapRow // of each of them
	offsets []int32
}

// forwardPanels are those of a convolution.
func forwardPanels(g kernels.Convolution) weightPanels {
	w := joinGroups(g, g.K, g.C)
	w.columnStride, w.innerStride = g.C/g.Groups*g.R*g.S, g.R*g.S
	return w
}

// backwardPanels are those of its input gradient.
func backwardPanels(g kernels.Convolution) weightPanels {
	w := joinGroups(g, g.C, g.K)
	w.columnStride, w.innerStride = g.R*g.S, g.C/g.Groups*g.R*g.S
	return w
}

// joinGroups chooses how many groups go together.
func joinGroups(g kernels.Convolution, columns, inner int) weightPanels {
	joined := 1
	for j := 2; j <= g.Groups && j*(columns/g.Groups) <= tileColumns; j++ {
		if g.Groups%j == 0 {
			joined = j
		}
	}
	w := weightPanels{
		groups: g.Groups / joined, joined: joined,
		columns: columns / g.Groups * joined, inner: inner / g.Groups * joined,
		taps: g.R * g.S, width: g.S,
		groupStride: g.K / g.Groups * g.C / g.Groups * g.R * g.S,
	}
	w.panels = ceilDivide(w.columns, tileColumns)
	return w
}

// panel is the size of one panel and total the number of all.
func (w *weightPanels) panel() int { return w.taps * w.inner * tileColumns }
func (w *weightPanels) total() int { return w.groups * w.panels }

// stripes is the number of stripes of columns, of as many panels of a group as
// one tile multiplies.
func (w *weightPanels) stripes() int { return w.groups * w.stripesOfGroup() }

func (w *weightPanels) stripesOfGroup() int { return ceilDivide(w.panels, panelsOfStripe()) }

// stripe is the group of a stripe, the first of its panels and that panel's
// first column in the group.
func (w *weightPanels) stripe(i int) (group, panel, column int) {
	group, inGroup := i/w.stripesOfGroup(), i%w.stripesOfGroup()*panelsOfStripe()
	return group, group*w.panels + inGroup, inGroup * tileColumns
}

// firstChannel is the first channel of the result that a stripe computes.
func (w *weightPanels) firstChannel(stripe int) int {
	group, _, column := w.stripe(stripe)
	return group*w.columns + column
}

// innerTogether is how many inner channels follow each other in the filters,
// taps between them, so that they are packed in one go.
func (w *weightPanels) innerTogether() int {
	if w.innerStride == w.taps {
		return w.inner / w.joined
	}
	return 1
}

// tapRow is the row of taps, behind one another in a panel, that one belongs to.
type tapRow struct {
	begin, taps int
	first       bool // of its results' rows
}

// appendTaps lets the taps of some rows and columns of the filter stand behind
// one another in a panel.
func (w *weightPanels) appendTaps(rows, columns []int) {
	for i, r := range rows {
		row := tapRow{begin: len(w.order), taps: len(columns), first: i == 0}
		for _, s := range columns {
			w.order, w.rows = append(w.order, r*w.width+s), append(w.rows, row)
		}
	}
}

// position is where in a panel tap (r,s) stands, counted in taps.
func (w *weightPanels) position(r, s int) int { return slices.Index(w.order, r*w.width+s) }

// tabulate computes, once order is complete, where in a panel each float of
// innerTogether channels goes. Taps that no result reads, as of images smaller than the
// stride, go behind the others.
func (w *weightPanels) tabulate() {
	w.offsets = make([]int32, w.innerTogether()*w.taps)
	order := slices.Clone(w.order)
	for tap := range w.taps {
		if !slices.Contains(order, tap) {
			order = append(order, tap)
		}
	}
	for position, tap := range order {
		for channel := range w.innerTogether() {
			w.offsets[channel*w.taps+tap] = int32(4 * tileColumns * (position*w.inner + channel))
		}
	}
}

// pack fills one panel, which begins at to.
func (w *weightPanels) pack(to, filters []float32, panel int) {
	to = to[:w.panel()]
	group, first := panel/w.panels, panel%w.panels*tileColumns
	columns := min(tileColumns, w.columns-first)
	if columns < tileColumns || w.joined > 1 {
		clear(to)
	}
	// Within a joined group, the columns of member m see its channels alone.
	memberColumns, memberInner := w.columns/w.joined, w.inner/w.joined
	for c := 0; c < columns; {
		member := (first + c) / memberColumns
		n := min(columns-c, (member+1)*memberColumns-(first+c))
		from := (group*w.joined+member)*w.groupStride + (first+c)%memberColumns*w.columnStride
		if w.columnStride == 1 && n == tileColumns { // 1x1 filters, columns side by side
			routines.packStrided(at(to, member*memberInner*tileColumns), at(filters, from), 4*w.innerStride, memberInner, tileColumns)
			c += n
			continue
		}
		for inner := 0; inner < memberInner; inner += w.innerTogether() {
			transposeRows(to[(member*memberInner+inner)*tileColumns+c:], filters[from+inner*w.innerStride:], w.offsets, n, w.columnStride)
		}
		c += n
	}
}
