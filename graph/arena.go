package graph

import "sort"

// lifetime is a buffer to be placed: bytes that are needed from instruction
// first to instruction last, both included.
type lifetime struct{ bytes, first, last int }

func (a lifetime) meets(b lifetime) bool { return a.first <= b.last && b.first <= a.last }

// arenaAlignment is what offsets in the arena are multiples of, in bytes: a line of a
// GPU's cache, and what its widest loads ask for.
const arenaAlignment = 256

// place gives every buffer an offset in one arena, so that buffers whose
// lifetimes meet do not overlap, and returns the arena's size. Larger buffers
// are placed first, each at the lowest offset that is free while it lives
// (Pisarchyk and Lee, "Efficient memory management for deep neural net
// inference", 2020: greedy by size).
func place(buffers []lifetime) (offsets []int, size int) {
	order := make([]int, len(buffers))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return buffers[order[i]].bytes > buffers[order[j]].bytes })
	offsets = make([]int, len(buffers))
	var placed []int // sorted by offset
	for _, i := range order {
		offset := 0
		for _, j := range placed {
			if !buffers[i].meets(buffers[j]) {
				continue
			}
			if offset+aligned(buffers[i].bytes) <= offsets[j] {
				break
			}
			offset = max(offset, offsets[j]+aligned(buffers[j].bytes))
		}
		offsets[i] = offset
		size = max(size, offset+aligned(buffers[i].bytes))
		at := sort.Search(len(placed), func(k int) bool { return offsets[placed[k]] >= offset })
		placed = append(placed, 0)
		copy(placed[at+1:], placed[at:])
		placed[at] = i
	}
	return offsets, size
}

func aligned(bytes int) int { return (bytes + arenaAlignment - 1) / arenaAlignment * arenaAlignment }
