package launch

// The depth of a product is shared among splits where its tiles alone would leave a
// GPU idle, see splits.cuh.

const (
	together = 8  // splits that are added up at a time
	stepPart = 32 // splits are multiples of the longest step
)

// What it costs a block to add splits up, in steps of depth that it multiplies in the
// time at the rate of 1: to read one element of a split, and to write one of the result
// to where no neighbour lies. Reckoned from 150 products, 16 reads and 1.5 such writes a
// clock, not measured.
const (
	readPart    = 10
	writeResult = 100
)

// least is the least depth of a split: one that writes and reads a tenth as many sums as
// it reads numbers of both factors.
func (t tile) least() int { return 10 * 2 * t.rows * t.columns / (t.rows + t.columns) }

// splits is how the depth of a product is shared.
type splits struct {
	chunk, count int     // of the depth in a split, of the splits
	time         float64 // in steps of the depth of a tile of one element
}

// whole is a product whose depth is not shared.
func (t tile) whole(rows, columns, products, depth int) splits {
	return t.inSplits(rows, columns, products, depth, 1)
}

// split shares the depth among as many blocks as take the least time. A wave of blocks
// runs at once: more of them would make more parts, and not be sooner done.
func (t tile) split(rows, columns, products, depth int) splits {
	best := t.whole(rows, columns, products, depth)
	for n := 2; n <= min(depth/t.least(), ceil(enough, t.blocks(rows, columns)*products)); n++ {
		if s := t.inSplits(rows, columns, products, depth, n); s.time < best.time {
			best = s
		}
	}
	return best
}

func (t tile) inSplits(rows, columns, products, depth, n int) splits {
	s := splits{chunk: depth, count: 1}
	if n > 1 {
		s.chunk = ceil(ceil(depth, n), stepPart) * stepPart
		s.count = ceil(depth, s.chunk)
	}
	steps := float64(ceil(t.blocks(rows, columns)*products*s.count, slots)*s.chunk) / t.rate
	if s.count > 1 {
		steps += float64(readPart*s.reads() + writeResult)
	}
	s.time = steps * float64(t.rows*t.columns)
	return s
}

// reads is how many numbers the last blocks of a tile add up for each element of it,
// one block after another.
func (s splits) reads() int {
	reads := 0
	for left := s.count; left > 1; left = ceil(left, together) {
		reads += min(left, together)
	}
	return reads
}

// words that the splits of so many elements write and read again.
func (s splits) words(size int) int {
	words := 0
	for left := s.count; left > 1; left = ceil(left, together) {
		words += 2 * left
	}
	return words * size
}

// parts is the arguments of splits of so many tiles, in each so many numbers; none
// where the depth is not shared.
func (p *Program) parts(tiles, size int, s splits) []Arg {
	if s.count == 1 {
		return []Arg{{Place: Workspace, Null: true}, {Place: Counters, Null: true}}
	}
	return []Arg{p.reserve(tiles * s.count * size), p.count(tiles * s.counters())}
}

// counters of a tile: counters_of in splits.cuh.
func (s splits) counters() int {
	counters := ceil(s.count, together)
	for left := counters; left > 1; {
		left = ceil(left, together)
		counters += left
	}
	return counters
}
