package data

import "testing"

// TestSpreadMeetsEveryClass: of sets whose classes take turns, and of sets in the order
// of their classes, about as many images of each class are taken.
func TestSpreadMeetsEveryClass(t *testing.T) {
	for _, c := range []struct{ all, n, classes int }{{10_000, 2000, 10}, {60_000, 10_000, 10}, {1000, 100, 10}, {999, 333, 3}, {4096, 256, 16}} {
		turns, sorted := make([]int, c.classes), make([]int, c.classes)
		last := -1
		for _, i := range Spread(c.all, c.n) {
			if i <= last || i >= c.all {
				t.Fatalf("%d of %d: index %d follows %d", c.n, c.all, i, last)
			}
			turns[i%c.classes]++
			sorted[i*c.classes/c.all]++
			last = i
		}
		even := c.n / c.classes
		for class := range c.classes {
			if turns[class] < even*3/4 || turns[class] > even*5/4+1 || sorted[class] < even-1 || sorted[class] > even+1 {
				t.Errorf("%d of %d: of class %d there are %d where classes take turns and %d in order, want about %d", c.n, c.all, class, turns[class], sorted[class], even)
			}
		}
	}
}

// TestSpreadOfFew: no more than there are, and all of them.
func TestSpreadOfFew(t *testing.T) {
	for n := range 6 {
		got := Spread(4, n)
		if len(got) != min(n, 4) {
			t.Errorf("Spread(4, %d) is %v", n, got)
		}
		for k, i := range got {
			if len(got) == 4 && i != k {
				t.Errorf("Spread(4, %d) is %v, want all four in order", n, got)
			}
		}
	}
}
