package cpu

// tileEdge is the number of results, in each direction, that one tile of minimal
// filtering computes.
const tileEdge = 2

// tileGrid numbers the tiles of all images, row by row.
type tileGrid struct{ images, high, wide int }

// newTileGrid covers images of so many results.
func newTileGrid(images, high, wide int) tileGrid {
	return tileGrid{images, ceilDivide(high, tileEdge), ceilDivide(wide, tileEdge)}
}

func (g tileGrid) tiles() int { return g.images * g.high * g.wide }

// tileRun is some tiles beside one another: of one image, in row i from column j on.
type tileRun struct{ image, i, j, count int }

// run is the longest that begins at a tile and ends at another.
func (g tileGrid) run(tile, end int) tileRun {
	j := tile % g.wide
	return tileRun{tile / g.wide / g.high, tile / g.wide % g.high, j, min(g.wide-j, end-tile)}
}

// lattice is every step-th pixel of images N,H,W,C in both directions, as tiles see them:
// result 0 stands at pixel (top, left), or what is read for it begins there, inside the
// image or not.
type lattice struct {
	h, w, c   int
	step      int
	top, left int
	blank     []float32 // a row of zeros, which is read for those that there are not
}

// transformed is where transformed tiles stand: element k of tile t, sixteen channels v, at
// floats[k·point + t·tile + v·vector].
type transformed struct {
	floats              []float32
	point, tile, vector int
}

// at is where the first channels of a tile stand.
func (p transformed) at(tile int) (floats []float32) { return p.floats[tile*p.tile:] }

// corner is the pixel that a tile begins with.
func (l *lattice) corner(i, j int) (y, x int) {
	return tileEdge*l.step*i + l.top, tileEdge*l.step*j + l.left
}

// across are those tiles [from, to) of a run whose rectangles, so many pixels wide, lie
// between the first and the last column of the image, counted from the first.
func (l *lattice) across(r tileRun, wide int) (from, to int) {
	_, x := l.corner(r.i, r.j)
	apart := tileEdge * l.step
	from = min(r.count, ceilDivide(max(0, -x), apart))
	if last := l.w - 1 - l.step*(wide-1) - x; last >= 0 {
		to = min(r.count, last/apart+1)
	}
	return min(from, to), to
}

// load transforms the rectangles of high x wide pixels of a run, of which the channels
// [first, first+n) are read, to tiles from number t on of an algorithm's points, so many a
// row. Where a rectangle lacks columns it is gathered in scratch.
func (l *lattice) load(arguments *matrixTransform, transform func(*matrixTransform), high, wide, points int, x []float32, r tileRun, first, n int, to transformed, t int, scratch []float32) {
	arguments.toRow, arguments.toColumn = 4*points*to.point, 4*to.point
	arguments.toVector, arguments.toMatrix = 4*to.vector, 4*to.tile
	arguments.fromVector, arguments.vectors = 4*tileColumns, n/tileColumns
	from, end := l.across(r, wide)
	if from < end {
		row, column := l.corner(r.i, r.j+from)
		for i := range high {
			arguments.rows[i] = at(l.blank, column*l.c+first)
			if y := row + l.step*i; y >= 0 && y < l.h {
				arguments.rows[i] = at(x, ((r.image*l.h+y)*l.w+column)*l.c+first)
			}
		}
		arguments.fromColumn, arguments.fromMatrix = 4*l.step*l.c, 4*tileEdge*l.step*l.c
		arguments.to, arguments.matrices = at(to.at(t+from), 0), end-from
		transform(arguments)
	}
	arguments.read(scratch, high, wide*n)
	arguments.fromColumn, arguments.matrices = 4*n, 1
	for k := range r.count {
		if k >= from && k < end {
			continue
		}
		l.gather(scratch, high, wide, x, r, k, first, n)
		arguments.to = at(to.at(t+k), 0)
		transform(arguments)
	}
}

// gather copies the rectangle of tile k of a run, with zeros outside the image.
func (l *lattice) gather(rectangle []float32, high, wide int, x []float32, r tileRun, k, first, n int) {
	row, column := l.corner(r.i, r.j+k)
	from, to := 0, wide // columns inside
	for from < to && column+l.step*from < 0 {
		from++
	}
	for to > from && column+l.step*(to-1) >= l.w {
		to--
	}
	for i := range high {
		line := rectangle[i*wide*n:][:wide*n]
		y := row + l.step*i
		if y < 0 || y >= l.h || from == to {
			clear(line)
			continue
		}
		clear(line[:from*n])
		clear(line[to*n:])
		pixel := ((r.image*l.h+y)*l.w+column+l.step*from)*l.c + first
		for j := from; j < to; j++ {
			copy(line[j*n:][:n], x[pixel:])
			pixel += l.step * l.c
		}
	}
}

// pixel is where a pixel's channels begin, if there is such a one.
func (l *lattice) pixel(image, y, x int) (at int, holds bool) {
	return ((image*l.h+y)*l.w + x) * l.c, y >= 0 && y < l.h && x >= 0 && x < l.w
}

// store is load the other way round: results of tiles from number t on, of n channels
// from first on. Those of a square that lacks rows or columns go through scratch.
func (l *lattice) store(arguments *matrixTransform, transform func(*matrixTransform), in int, from transformed, t int, y []float32, r tileRun, first, n int, scratch []float32) {
	arguments.fromColumn, arguments.fromVector, arguments.fromMatrix = 4*from.point, 4*from.vector, 4*from.tile
	arguments.toVector, arguments.vectors = 4*tileColumns, n/tileColumns
	row, _ := l.corner(r.i, r.j)
	begin, end := l.across(r, tileEdge)
	if row+l.step*(tileEdge-1) >= l.h {
		begin, end = 0, 0
	}
	if begin < end {
		_, column := l.corner(r.i, r.j+begin)
		arguments.to = at(y, ((r.image*l.h+row)*l.w+column)*l.c+first)
		arguments.toRow, arguments.toColumn = 4*l.step*l.w*l.c, 4*l.step*l.c
		arguments.toMatrix = 4 * tileEdge * l.step * l.c
		arguments.matrices = end - begin
		arguments.read(from.at(t+begin), in, in*from.point)
		transform(arguments)
	}
	arguments.to, arguments.toRow, arguments.toColumn = at(scratch, 0), 4*tileEdge*n, 4*n
	arguments.matrices = 1
	for k := range r.count {
		if k >= begin && k < end {
			continue
		}
		arguments.read(from.at(t+k), in, in*from.point)
		transform(arguments)
		_, column := l.corner(r.i, r.j+k)
		for i := range tileEdge {
			for j := range tileEdge {
				if at, holds := l.pixel(r.image, row+l.step*i, column+l.step*j); holds {
					copy(y[at+first:][:n], scratch[(i*tileEdge+j)*n:])
				}
			}
		}
	}
}

// between are the floats of images from where one tile begins to where the square of a
// later one, of edge pixels, ends, or about these: tiles of the same row read them all.
func (l *lattice) between(x []float32, from, to tileRun, edge int) []float32 {
	top, left := l.corner(from.i, from.j)
	bottom, right := l.corner(to.i, to.j)
	first := ((from.image*l.h+max(0, top))*l.w + max(0, left)) * l.c
	last := ((to.image*l.h+min(l.h-1, bottom+l.step*(edge-1)))*l.w + min(l.w, right+l.step*edge)) * l.c
	first = min(first, len(x))
	return x[first:max(first, min(last, len(x)))]
}
