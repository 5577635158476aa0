package cuda_test

import (
	"fmt"
	"os"

	"hourglass/kernels/cuda"
)

// A kernel doubles three numbers on the first GPU. On a machine without one,
// or in a build without the tag gpu, the first step says why it cannot.
func Example() {
	if status := cuda.Probe(); !status.Available {
		fmt.Fprintln(os.Stderr, status.Reason)
		return
	}
	if err := double([]float32{1, 2, 3}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	// Output:
}

func double(x []float32) error {
	ptx, err := os.ReadFile("testdata/affine.ptx")
	if err != nil {
		return err
	}
	device, err := cuda.Open(0)
	if err != nil {
		return err
	}
	defer device.Close()
	module, err := device.Load(string(ptx))
	if err != nil {
		return err
	}
	affine, err := module.Function("affine")
	if err != nil {
		return err
	}
	memory, err := device.Alloc(4 * len(x))
	if err != nil {
		return err
	}
	defer device.Free(memory)
	stream, err := device.NewStream()
	if err != nil {
		return err
	}
	defer stream.Close()
	if err := device.CopyToDevice(memory, cuda.Bytes(x)); err != nil {
		return err
	}
	const two = 0x40000000 // the bits of 2.0
	err = device.Submit(stream, []cuda.Launch{{
		Function: affine, Grid: [3]int{1, 1, 1}, Block: [3]int{32, 1, 1},
		Args: []uint64{memory.Address, memory.Address, uint64(len(x)), two, 0},
	}})
	if err != nil {
		return err
	}
	return device.CopyToHost(cuda.Bytes(x), memory)
}
