package cpu

import "unsafe"

// A product is cut into tiles of tileRows x tileColumns sums, which stand in
// twelve of the sixteen vector registers of AVX2, or 24 of the 32 of NEON,
// while the inner axis runs. AVX-512 takes two tiles of rows and two panels of
// columns at once, in 24 of its 32.
const (
	tileRows    = 6
	tileColumns = 16

	// depth is the length of the inner axis that one pass sums: a panel of
	// depth x tileColumns floats is 24 KiB and stays in the first-level cache
	// while all rows of a block go past it; two of them, with AVX-512, come
	// from the second and keep up.
	depth = 384

	// depthOfPatches is that of convolutions. Deep models are made of them: with a
	// third of the length kl-f8's first images are 7.5e-6 from PyTorch's in float64, with
	// half of it 1.1e-5.
	depthOfPatches = 128
)

// piece is a contiguous run of the inner axis: bytes [from, to) counted from
// where a row begins.
type piece struct{ from, to int }

// rowTiles multiplies rows that stand anywhere in memory by a panel:
//
//	c[i][0:columns] = first + Σ_j row(i)[j] · panel[j][0:columns]
//
// for i in tileRows·tiles rows, j running over all pieces of a row. first is
// c itself with accumulate, else bias, else zero. c is added last, so that the
// rounding of a long sum grows with the length of a pass and the number of
// passes, and not with their product. With relu, max(·, 0) is stored. A
// convolution reads its patches in place: src says where each patch begins,
// pieces which parts of the image belong to it. The fields are read by the
// assembly, which also counts tiles down and done up.
type rowTiles struct {
	a, b, c unsafe.Pointer
	src     unsafe.Pointer // *int32, a row: bytes from a
	dst     unsafe.Pointer // *int32, a row: bytes from c
	pieces  unsafe.Pointer // *piece
	count   int            // pieces
	stride  int            // bytes between rows of the panel
	bias    unsafe.Pointer // columns floats, or nil
	tiles   int
	columns int // 1 to tileColumns, or to twice as many where two panels go together
	flags   int
	done    int // bytes of src and dst that are behind; no pointer may point past its memory
	further int // bytes from the panel to the second, of the columns from tileColumns on

	// Of multiplyRowsWide alone; see errand.
	ahead uintptr // what the second-level cache is asked for next
	pace  int     // bytes of it in four steps

	// Of multiplyRowsWide alone: the panel that is multiplied next, or nil, and how many
	// bytes of it, and of a second one further behind, are brought near in four steps.
	next     unsafe.Pointer
	nextPace int
}

// bringNext lets a product of rows with a panel of so many steps bring the next panel
// near, at most one line of it in four steps, and as much of a second: the first rows
// would wait for it, and only the others find it in a near cache.
func (t *rowTiles) bringNext(next unsafe.Pointer, nextSteps, rows, steps int) {
	turns := ceilDivide(rows, 2*tileRows) * max(1, steps/4)
	t.next = next
	t.nextPace = min(4*cacheLine, ceilDivide(4*tileColumns*nextSteps, turns))
}

const (
	accumulate = 1 << iota
	relu
)

// cacheWays is how many lines of a set the first-level cache holds; 0 if nobody says.
var cacheWays int

// panelsOfStripe is how many panels rowTiles takes at most.
func panelsOfStripe() int {
	if routines.multiplyRowsWide != nil {
		return 2
	}
	return 1
}

// panelTile multiplies packed panels into a tile:
//
//	c[i][0:16] = first + Σ_j a[j][i] · b[j][0:16]
//
// with first c itself or zero. multiplyPanels takes a of 6 or 4 rows and one
// panel, both packed. multiplyPatches takes 12, 8 or 4 rows and one panel or two,
// which may stand anywhere: row j of a at j·strideA bytes, or, of two panels, at
// srcA[j] if there is such a table, of b at src[j], and that of a second panel further
// behind. It adds c last, as rowTiles does, and
// meanwhile has something else brought near.
type panelTile struct {
	a, b, c unsafe.Pointer
	steps   int // length of the inner axis
	stride  int // bytes between rows of c
	rows    int
	flags   int // accumulate

	// Of multiplyPatches alone; strides are in bytes.
	src      unsafe.Pointer // *int32
	strideA  int
	further  int
	furtherC int // between the two panels' sums
	panels   int
	ahead    uintptr // as in rowTiles
	pace     int
	srcA     unsafe.Pointer // *int32, or nil
}

// tileArguments is one worker's copy of the arguments, kept apart from the
// stack so that passing them to assembly allocates nothing, with the rows of
// its last, incomplete tile.
type tileArguments struct {
	rows      rowTiles
	panel     panelTile
	taps      tapTile
	channels  channelTile
	transform matrixTransform
	src, dst  [tileRows]int32
	_         [64]byte
}

// multiply runs t over all rows of src and dst. A last tile of fewer rows is
// filled up with its last row, which is then computed more than once.
func (arguments *tileArguments) multiply(src, dst []int32) {
	t := &arguments.rows
	run := routines.multiplyRows
	if t.columns > tileColumns {
		run = routines.multiplyRowsWide
	}
	whole := len(src) / tileRows
	if whole > 0 {
		t.src, t.dst, t.tiles = unsafe.Pointer(&src[0]), unsafe.Pointer(&dst[0]), whole
		t.done = 0
		run(t)
	}
	if last := len(src) - 1; last >= whole*tileRows {
		for i := range tileRows {
			row := min(whole*tileRows+i, last)
			arguments.src[i], arguments.dst[i] = src[row], dst[row]
		}
		t.src, t.dst, t.tiles = unsafe.Pointer(&arguments.src), unsafe.Pointer(&arguments.dst), 1
		t.done = 0
		run(t)
	}
}

// at is the address of element i. It must exist: a pointer past the end of its
// memory would keep alive, or bring back, what stands there.
func at(floats []float32, i int) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(floats)), 4*i)
}

// floatsAt is the n floats at an address.
func floatsAt(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }

func multiplyRowsPortable(t *rowTiles) {
	src := unsafe.Slice((*int32)(t.src), t.tiles*tileRows)
	dst := unsafe.Slice((*int32)(t.dst), t.tiles*tileRows)
	for ; len(src) > 0; src, dst = src[tileRows:], dst[tileRows:] {
		// All rows are read before the first is written: they may be the same.
		var sums [tileRows][tileColumns]float32
		for i := range sums {
			if t.flags&accumulate == 0 && t.bias != nil {
				copy(sums[i][:], floatsAt(t.bias, t.columns))
			}
		}
		for i := 0; i < tileRows; i += 2 {
			t.addProducts(&sums[i], &sums[i+1], int(src[i]), int(src[i+1]))
		}
		for i := range sums {
			if t.flags&accumulate != 0 {
				for j, v := range floatsAt(unsafe.Add(t.c, int(dst[i])), t.columns) {
					sums[i][j] += v
				}
			}
		}
		for i := range sums {
			if t.flags&relu != 0 {
				rectifyPortable(sums[i][:], sums[i][:])
			}
			copy(floatsAt(unsafe.Add(t.c, int(dst[i])), t.columns), sums[i][:])
		}
	}
}

// addProducts adds the products of two rows and the panel: two, so that an
// element of the panel is read once for both.
func (t *rowTiles) addProducts(sums0, sums1 *[tileColumns]float32, row0, row1 int) {
	step := 0
	for _, p := range unsafe.Slice((*piece)(t.pieces), t.count) {
		n := (p.to - p.from) / 4
		a0 := floatsAt(unsafe.Add(t.a, row0+p.from), n)
		a1 := floatsAt(unsafe.Add(t.a, row1+p.from), n)
		for j, x0 := range a0 {
			x1 := a1[j]
			for k, w := range floatsAt(unsafe.Add(t.b, step*t.stride), t.columns) {
				sums0[k] += x0 * w
				sums1[k] += x1 * w
			}
			step++
		}
	}
}

func multiplyPanelsPortable(t *panelTile) {
	a := floatsAt(t.a, t.steps*t.rows)
	b := floatsAt(t.b, t.steps*tileColumns)
	for i := range t.rows {
		c := (*[tileColumns]float32)(unsafe.Add(t.c, i*t.stride))
		var sums [tileColumns]float32
		if t.flags&accumulate != 0 {
			sums = *c
		}
		for j := range t.steps {
			x := a[j*t.rows+i]
			row := (*[tileColumns]float32)(b[j*tileColumns:])
			for k, w := range row {
				sums[k] += x * w
			}
		}
		*c = sums
	}
}
