package launch

import "testing"

// TestSplits wants splits that cover the depth, none of them empty, and no more blocks
// than were to be had before the depth was shared, or what a wave takes.
func TestSplits(t *testing.T) {
	for _, tile := range append(append([]tile{{rows: 32, columns: 32, rate: 1}}, weightTiles...), productTiles...) {
		for _, rows := range []int{1, 32, 288, 4608} {
			for depth := 1; depth < 1<<24; depth = depth*5/4 + 1 {
				s, blocks := tile.split(rows, 96, 3, depth), 3*tile.blocks(rows, 96)
				if s.chunk*s.count < depth || s.chunk*(s.count-1) >= depth {
					t.Fatalf("%v: %d rows, depth %d: %d splits of %d", tile, rows, depth, s.count, s.chunk)
				}
				if s.count > 1 && (s.chunk%stepPart != 0 || s.count > depth/tile.least() || blocks*s.count > 2*slots) {
					t.Fatalf("%v: %d rows, depth %d: %d blocks, %d splits of %d", tile, rows, depth, blocks, s.count, s.chunk)
				}
			}
		}
	}
}

// TestAddingSplits counts what the blocks of a tile do, eight splits at a time.
func TestAddingSplits(t *testing.T) {
	for _, c := range []struct{ count, reads, moved, counters int }{
		{1, 0, 0, 1},
		{2, 2, 4, 1},
		{8, 8, 16, 1},
		{9, 8 + 2, 2 * (9 + 2), 2 + 1},
		{64, 8 + 8, 2 * (64 + 8), 8 + 1},
		{65, 8 + 8 + 2, 2 * (65 + 9 + 2), 9 + 2 + 1},
	} {
		s := splits{count: c.count}
		if s.reads() != c.reads || s.words(1) != c.moved || s.counters() != c.counters {
			t.Errorf("%d splits: %d reads, %d words, %d counters, want %+v", c.count, s.reads(), s.words(1), s.counters(), c)
		}
	}
}
