package data

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Whole reads every image of a set and returns the numbers of those that can be
// read, in order, and why the others cannot. Of a folder that puts other pictures
// in the place of damaged ones, all can: open it with [Fail].
func Whole(ds Dataset) (whole []int, damaged []error) {
	faults := make([]error, ds.Len())
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), ds.Len()) {
		workers.Go(func() {
			image := make([]float32, ds.Shape().Size())
			for i := int(next.Add(1)) - 1; i < ds.Len(); i = int(next.Add(1)) - 1 {
				faults[i] = ds.Image(i, image)
			}
		})
	}
	workers.Wait()
	for i, err := range faults {
		if err == nil {
			whole = append(whole, i)
		} else {
			damaged = append(damaged, err)
		}
	}
	return whole, damaged
}
