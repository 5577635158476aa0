package train

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"hourglass/graph"
	"hourglass/internal/atomicfile"
	"hourglass/internal/safetensors"
	"hourglass/kernels"
	"hourglass/models"
)

// Names in a checkpoint file that are not those of variables.
const (
	ownPrefix    = "hourglass." // of metadata that are not the caller's
	formatKey    = ownPrefix + "format"
	checksumKey  = ownPrefix + "sha256"
	format       = "1"
	momentPrefix = "optimizer."
)

// Checkpoint is a model's variables, the optimiser's moments and the place in
// the run where they belong. Parameters are named and shaped as in PyTorch's
// state_dict; a batch normalisation's running statistics, one (2,C) variable of
// the store, are two tensors, running_mean and running_var; block k of the
// moments of a parameter is optimizer.k.NAME.
type Checkpoint struct {
	State    State
	Metadata map[string]string // the caller's, such as the text of the model's spec

	tensors []graph.Variable
}

// Snapshot describes the store as it stands. It copies nothing: write it
// before the next step.
func Snapshot(store *graph.Store, state State, metadata map[string]string) *Checkpoint {
	return &Checkpoint{state, metadata, append(models.StateDict(store), moments(store, len(store.Moments))...)}
}

// Weights returns the checkpoint without the optimiser's moments, for exchange
// with programs that only run the model.
func (c *Checkpoint) Weights() *Checkpoint {
	weights := &Checkpoint{State: c.State, Metadata: c.Metadata}
	for _, t := range c.tensors {
		if !strings.HasPrefix(t.Name, momentPrefix) {
			weights.tensors = append(weights.tensors, t)
		}
	}
	return weights
}

// moments lists the tensors of a number of blocks of moments.
func moments(store *graph.Store, blocks int) []graph.Variable {
	var tensors []graph.Variable
	for k := range blocks {
		for i := range store.Parameters {
			v := store.Moment(k, i)
			v.Name = fmt.Sprintf("%s%d.%s", momentPrefix, k, v.Name)
			tensors = append(tensors, v)
		}
	}
	return tensors
}

// notFinite returns the name of the first tensor that holds NaN or infinity, or
// "".
func (c *Checkpoint) notFinite() string {
	for _, t := range c.tensors {
		for _, x := range t.Data {
			if x-x != 0 {
				return t.Name
			}
		}
	}
	return ""
}

// checkMetadata refuses keys of the caller's that would be taken for ours.
func checkMetadata(metadata map[string]string) error {
	for key := range metadata {
		if strings.HasPrefix(key, ownPrefix) {
			return fmt.Errorf("the metadata's key %s begins with %s, which is reserved; choose another name", key, ownPrefix)
		}
	}
	return nil
}

// Write writes the checkpoint to a file, which appears whole or not at all.
func (c *Checkpoint) Write(path string) error {
	if err := checkMetadata(c.Metadata); err != nil {
		return fmt.Errorf("saving checkpoint %s: %w", path, err)
	}
	metadata := map[string]string{formatKey: format}
	maps.Copy(metadata, c.Metadata)
	for _, f := range c.State.fields() {
		metadata[ownPrefix+f.key] = f.String()
	}
	tensors := slices.Clone(c.tensors) // all float32: in the order of their names
	slices.SortFunc(tensors, func(a, b graph.Variable) int { return strings.Compare(a.Name, b.Name) })
	for i, t := range tensors {
		tensors[i].Data, tensors[i].Order = t.Read(), nil
	}
	metadata[checksumKey] = checksum(metadata, tensors)
	described := make([]safetensors.Tensor, len(tensors))
	for i, t := range tensors {
		described[i] = safetensors.Describe[float32](t.Name, t.Shape...)
	}
	err := atomicfile.Write(path, func(to io.Writer) error {
		w, err := safetensors.NewWriter(to, metadata, described)
		if err != nil {
			return err
		}
		for _, t := range tensors {
			if err := safetensors.Write(w, t.Name, t.Data); err != nil {
				return err
			}
		}
		return w.Close()
	})
	if err != nil {
		return fmt.Errorf("saving checkpoint %s: %w", path, err)
	}
	return nil
}

// LoadCheckpoint reads a checkpoint into memory and verifies that it is as it
// was written.
func LoadCheckpoint(path string) (*Checkpoint, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %w", err) // which names the path
	}
	defer file.Close()
	c, err := load(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return c, nil
}

func load(file *safetensors.File) (*Checkpoint, error) {
	metadata := file.Metadata()
	switch version, found := metadata[formatKey]; {
	case !found:
		return nil, fmt.Errorf("its metadata lack %s; it was not saved by this program", formatKey)
	case version != format:
		return nil, fmt.Errorf("its format is %q and this program reads %s; use the program that saved it", version, format)
	}
	c := &Checkpoint{Metadata: make(map[string]string)}
	for _, t := range file.Tensors() {
		data := make([]float32, t.Shape.Size())
		if err := safetensors.Read(file, t.Name, data); err != nil {
			return nil, err
		}
		c.tensors = append(c.tensors, graph.Variable{Name: t.Name, Shape: t.Shape, Data: data})
	}
	want := metadata[checksumKey]
	delete(metadata, checksumKey)
	if got := checksum(metadata, c.tensors); got != want {
		return nil, fmt.Errorf("it is damaged: its checksum is %.12s... and its contents give %.12s...; use another checkpoint of the run", want, got)
	}
	for _, f := range c.State.fields() {
		if err := f.read(metadata); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(metadata, func(key, _ string) bool { return strings.HasPrefix(key, ownPrefix) })
	c.Metadata = metadata
	return c, nil
}

// checksum is the SHA-256, in hexadecimal, of the metadata and of the names,
// shapes and elements of the tensors, which lie in order, each text with its length
// before it.
func checksum(metadata map[string]string, tensors []graph.Variable) string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		hashText(h, key)
		hashText(h, metadata[key])
	}
	piece := make([]byte, 0, 1<<16)
	for _, t := range tensors {
		hashText(h, t.Name)
		hashText(h, t.Shape.String())
		for data := t.Data; len(data) > 0; data = data[min(len(data), cap(piece)/4):] {
			piece = piece[:0]
			for _, x := range data[:min(len(data), cap(piece)/4)] {
				piece = binary.LittleEndian.AppendUint32(piece, math.Float32bits(x))
			}
			h.Write(piece)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func hashText(h hash.Hash, text string) {
	io.WriteString(h, strconv.Itoa(len(text))+":"+text)
}

// Restore copies parameters and state into the store of a model. It changes
// nothing if one of them is missing, has another shape or is not the model's. A
// device that has run the model before is told by [graph.Device.Push].
func (c *Checkpoint) Restore(store *graph.Store) error {
	return c.Weights().copyInto(models.StateDict(store))
}

// RestoreMoments copies the optimiser's moments into the store, to which it
// adds them.
func (c *Checkpoint) RestoreMoments(store *graph.Store, o kernels.Optimiser) error {
	store.AddMoments(o)
	saved := &Checkpoint{}
	for _, t := range c.tensors {
		if strings.HasPrefix(t.Name, momentPrefix) {
			saved.tensors = append(saved.tensors, t)
		}
	}
	return saved.copyInto(moments(store, o.Moments()))
}

var errOtherModel = errors.New("the checkpoint belongs to another model")

// copyInto copies the checkpoint's tensors, which must be exactly those wanted.
func (c *Checkpoint) copyInto(wanted []graph.Variable) error {
	saved := make(map[string]graph.Variable, len(c.tensors))
	for _, t := range c.tensors {
		saved[t.Name] = t
	}
	for _, want := range wanted {
		got, found := saved[want.Name]
		if !found {
			return fmt.Errorf("%w: it has no tensor %s, which the model has as %v", errOtherModel, want.Name, want.Shape)
		}
		if !got.Shape.Equal(want.Shape) {
			return fmt.Errorf("%w: it has tensor %s as %v, and the model as %v", errOtherModel, want.Name, got.Shape, want.Shape)
		}
		delete(saved, want.Name)
	}
	for _, t := range c.tensors {
		if _, extra := saved[t.Name]; extra {
			return fmt.Errorf("%w: it has tensor %s as %v, which the model does not have", errOtherModel, t.Name, t.Shape)
		}
	}
	for _, t := range c.tensors {
		saved[t.Name] = t
	}
	for _, want := range wanted {
		want.Write(saved[want.Name].Data)
	}
	return nil
}
