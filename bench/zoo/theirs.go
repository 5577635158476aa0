package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"hourglass/internal/peer"
)

// other is the other side: its figures and versions.
type other struct {
	Torch  string `json:"torch"`
	Python string `json:"python"`
	figures
}

// theirs runs PyTorch's side.
func theirs(ctx context.Context, log io.Writer, t *trained, python, folder string) (other, error) {
	var o other
	err := peer.Run(ctx, python, filepath.Join("bench", "peers", "zoo_torch.py"), folder, func(lines *json.Decoder) error {
		if err := lines.Decode(&o); err != nil {
			return err
		}
		last := 0.0
		for epoch := range t.config.Train.Epochs {
			var line struct{ Train float64 }
			if err := lines.Decode(&line); err != nil {
				return err
			}
			last = line.Train
			fmt.Fprintf(log, "%s in PyTorch: epoch %d, training loss %.4f\n", t.name, epoch+1, last)
		}
		if err := lines.Decode(&o.figures); err != nil {
			return err
		}
		o.Train = last
		return nil
	})
	return o, err
}
