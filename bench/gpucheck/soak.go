package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hourglass/bench"
	"hourglass/kernels"
	"hourglass/kernels/cuda"
)

// soakTime is how long short runs follow one another.
const soakTime = 20 * time.Second

// soak opens the GPU, trains a model for some steps and closes all, again and again, and
// wants the GPU's memory free behind each run as it was behind the first.
func soak(dry bool) error {
	workloads := bench.Workloads()[:2]
	if dry {
		workloads = []bench.Workload{tiny(workloads[0])}
	}
	var free []int64 // bytes behind each run
	for began := time.Now(); len(free) < 3 || time.Since(began) < soakTime && !dry; {
		if err := shortRun(workloads[len(free)%len(workloads)], precisions[len(free)%len(precisions)]); err != nil {
			return fmt.Errorf("run %d: %w", len(free)+1, err)
		}
		status := cuda.Probe()
		if !status.Available {
			return fmt.Errorf("behind run %d: %s", len(free)+1, status.Reason)
		}
		free = append(free, status.GPUs[0].Free)
	}
	text, err := json.Marshal(map[string]any{"runs": len(free), "free_bytes_first": free[0], "free_bytes_last": free[len(free)-1]})
	fmt.Println(string(text))
	return errors.Join(err, leak(free))
}

// shortRun is one of them; closing tells what it has not freed.
func shortRun(w bench.Workload, p kernels.Precision) (err error) {
	t, err := bench.OpenGPU(w, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	for range 3 {
		if _, err := t.Step(); err != nil {
			return err
		}
	}
	return nil
}

// leak tells of memory that fewer and fewer bytes are free of: less at the end than
// ever in the first half, which the needs of single runs are not.
func leak(free []int64) error {
	half, rest := free[:(len(free)+1)/2], free[(len(free)+1)/2:]
	least := half[0]
	for _, bytes := range half {
		least = min(least, bytes)
	}
	for _, bytes := range rest {
		if bytes >= least {
			return nil
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return fmt.Errorf("%d bytes fewer are free behind %d runs than behind the first", free[0]-free[len(free)-1], len(free))
}
