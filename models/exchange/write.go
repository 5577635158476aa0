package exchange

import (
	"fmt"
	"io"
	"maps"
	"strings"

	"hourglass/internal/atomicfile"
	"hourglass/internal/safetensors"
	"hourglass/models"
)

// batchesTracked ends the name of a scalar that PyTorch's batch normalisation
// counts its updates in. With a momentum, as here, nothing depends on it.
const batchesTracked = "num_batches_tracked"

// WriteWeights writes a model's state_dict as a safetensors file, which appears
// whole or not at all. load_state_dict of the class that [Script] writes takes
// it with strict=True.
func WriteWeights(path string, m Model, metadata map[string]string) error {
	if _, err := structureOf(m); err != nil {
		return err
	}
	all := map[string]string{"format": "pt"} // which some readers of PyTorch's ask for
	maps.Copy(all, metadata)
	dict := models.StateDict(m.Store())
	var described []safetensors.Tensor
	data := make(map[string][]float32, len(dict))
	for _, v := range dict {
		described = append(described, safetensors.Describe[float32](v.Name, v.Shape...))
		data[v.Name] = v.Read()
		if prefix, ok := strings.CutSuffix(v.Name, "running_mean"); ok {
			described = append(described, safetensors.Describe[int64](prefix+batchesTracked))
		}
	}
	safetensors.Arrange(described)
	err := atomicfile.Write(path, func(to io.Writer) error {
		w, err := safetensors.NewWriter(to, all, described)
		if err != nil {
			return err
		}
		for _, t := range described {
			if t.DType == safetensors.I64 {
				err = safetensors.Write(w, t.Name, []int64{0})
			} else {
				err = safetensors.Write(w, t.Name, data[t.Name])
			}
			if err != nil {
				return err
			}
		}
		return w.Close()
	})
	if err != nil {
		return fmt.Errorf("writing the weights to %s: %w", path, err)
	}
	return nil
}
