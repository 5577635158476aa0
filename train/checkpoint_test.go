package train

import (
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/graph"
	"hourglass/internal/safetensors"
	"hourglass/kernels"
)

var adam = kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}

// filled is a tiny model whose store holds a different number everywhere.
func filled(t *testing.T) *tiny {
	m := newTiny(t)
	m.store.AddMoments(adam)
	next := float32(0)
	blocks := [][]float32{m.store.Moments[0], m.store.Moments[1], m.store.State[0].Data}
	for _, v := range m.store.Parameters {
		blocks = append(blocks, v.Data)
	}
	for _, block := range blocks {
		for i := range block {
			next++
			block[i] = next / 3
		}
	}
	return m
}

func sampleState() State {
	return State{
		Step: 7, Epoch: 2, Batch: 2, Seed: math.MaxUint64, BatchSize: 4, Images: 22, Optimiser: "adam",
		LossSum: 0.1 + 0.2, Best: 1.0 / 3, BestStep: 5, Reference: math.Pi, ReferenceEpoch: 1,
	}
}

func writeSample(t *testing.T) (m *tiny, path string) {
	m = filled(t)
	path = filepath.Join(t.TempDir(), "c.safetensors")
	if err := Snapshot(m.store, sampleState(), map[string]string{"spec": "dense 3\n"}).Write(path); err != nil {
		t.Fatal(err)
	}
	return m, path
}

func TestCheckpointRoundTrip(t *testing.T) {
	m, path := writeSample(t)
	c, err := LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.State != sampleState() {
		t.Errorf("the state is %+v, want %+v", c.State, sampleState())
	}
	if want := map[string]string{"spec": "dense 3\n"}; !maps.Equal(c.Metadata, want) {
		t.Errorf("the metadata are %q, want %q", c.Metadata, want)
	}
	other := newTiny(t)
	if err := c.Restore(other.store); err != nil {
		t.Fatal(err)
	}
	if err := c.RestoreMoments(other.store, adam); err != nil {
		t.Fatal(err)
	}
	for i, v := range m.store.Parameters {
		if !slices.Equal(other.store.Parameters[i].Data, v.Data) {
			t.Errorf("%s is %v, want %v", v.Name, other.store.Parameters[i].Data, v.Data)
		}
		for k := range m.store.Moments {
			if !slices.Equal(other.store.Moment(k, i).Data, m.store.Moment(k, i).Data) {
				t.Errorf("moment %d of %s differs", k, v.Name)
			}
		}
	}
	if got, want := other.store.State[0].Data, m.store.State[0].Data; !slices.Equal(got, want) {
		t.Errorf("the running statistics are %v, want %v", got, want)
	}
}

func TestCheckpointNamesAndShapes(t *testing.T) {
	m, path := writeSample(t)
	file, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, shape := range map[string]kernels.Shape{
		"encoder.0.weight": {3, 6}, "encoder.1.running_mean": {3}, "encoder.1.running_var": {3},
		"optimizer.0.encoder.0.weight": {3, 6}, "optimizer.1.decoder.0.bias": {6},
	} {
		if got, found := file.Tensor(name); !found || !got.Shape.Equal(shape) {
			t.Errorf("tensor %s: found %t with shape %v, want %v", name, found, got.Shape, shape)
		}
	}
	variance := make([]float32, 3)
	if err := safetensors.Read(file, "encoder.1.running_var", variance); err != nil || !slices.Equal(variance, m.store.State[0].Data[3:]) {
		t.Errorf("running_var is %v (%v), want %v", variance, err, m.store.State[0].Data[3:])
	}
	if n := len(file.Tensors()); n != 3*6+2 {
		t.Errorf("the file has %d tensors, want 20", n)
	}
	exchange := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := Snapshot(m.store, State{}, nil).Weights().Write(exchange); err != nil {
		t.Fatal(err)
	}
	weights, err := LoadCheckpoint(exchange)
	if err != nil {
		t.Fatal(err)
	}
	if len(weights.tensors) != 6+2 {
		t.Errorf("the weights alone are %d tensors, want 8", len(weights.tensors))
	}
	if err := weights.Restore(newTiny(t).store); err != nil {
		t.Error(err)
	}
	if err := weights.RestoreMoments(newTiny(t).store, adam); err == nil {
		t.Error("moments that are not there were restored")
	}
}

// TestCheckpointKeepsTheOrderOfShapes writes a model whose weight lies in memory in an
// order of its own and wants the file of one that does not, and each to read it.
func TestCheckpointKeepsTheOrderOfShapes(t *testing.T) {
	build := func(order graph.Order) *graph.Store {
		store, err := graph.NewStore([]graph.Variable{{Name: "w", Shape: kernels.Shape{6, 2}, Order: order}, {Name: "b", Shape: kernels.Shape{6}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		store.AddMoments(adam)
		return store
	}
	images := graph.Order{{Channels: 2, Pixels: 3}, {}}
	var files [][]byte
	for _, order := range []graph.Order{nil, images} {
		store := build(order)
		for k, v := range []graph.Variable{*store.Lookup("w"), store.Moment(0, 0), store.Moment(1, 0)} {
			for i := range v.Data {
				v.Data[i] = float32(i + 100*k)
			}
			if order != nil { // the same weights, elsewhere
				v.Write(slices.Clone(v.Data))
			}
		}
		path := filepath.Join(t.TempDir(), "c.safetensors")
		if err := Snapshot(store, sampleState(), nil).Write(path); err != nil {
			t.Fatal(err)
		}
		contents, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, contents)
		for _, order := range []graph.Order{nil, images} {
			c, err := LoadCheckpoint(path)
			if err != nil {
				t.Fatal(err)
			}
			other := build(order)
			if err := errors.Join(c.Restore(other), c.RestoreMoments(other, adam)); err != nil {
				t.Fatal(err)
			}
			for k, got := range []graph.Variable{*other.Lookup("w"), other.Moment(0, 0), other.Moment(1, 0)} {
				if want := []graph.Variable{*store.Lookup("w"), store.Moment(0, 0), store.Moment(1, 0)}[k]; !slices.Equal(got.Read(), want.Read()) {
					t.Errorf("block %d was written as %v and is read as %v", k, want.Read(), got.Read())
				}
				if order != nil && slices.Equal(got.Data, got.Read()) {
					t.Errorf("block %d lies in memory in the order of its shape", k)
				}
			}
		}
	}
	if !slices.Equal(files[0], files[1]) {
		t.Error("the order in memory shows in the file")
	}
}

// Every bit matters: in the header, the metadata and the data.
func TestCheckpointRefusesDamage(t *testing.T) {
	_, path := writeSample(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.safetensors")
	refused := func(what string, at int, contents []byte) {
		t.Helper()
		if err := os.WriteFile(damaged, contents, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCheckpoint(damaged); err == nil {
			t.Errorf("%s at byte %d of %d was not noticed", what, at, len(whole))
		}
	}
	for at := range whole {
		contents := slices.Clone(whole)
		contents[at] ^= 1 << (at % 8)
		refused("a flipped bit", at, contents)
	}
	for at := 0; at < len(whole); at += 13 {
		refused("an end", at, whole[:at])
	}
	refused("an addition", len(whole), append(slices.Clone(whole), 0))
}

func TestCheckpointRefusesOtherModels(t *testing.T) {
	_, path := writeSample(t)
	c, err := LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	variable := func(name string, shape ...int) graph.Variable { return graph.Variable{Name: name, Shape: shape} }
	all := newTiny(t).store.Parameters
	running := variable("encoder.1.running", 2, 3)
	for _, other := range []struct {
		parameters []graph.Variable
		state      graph.Variable
		want       string
	}{
		{append(slices.Clone(all), variable("extra", 4)), running, "no tensor extra, which the model has as 4"},
		{append(slices.Clone(all[:5]), variable("decoder.0.bias", 5)), running, "tensor decoder.0.bias as 6, and the model as 5"},
		{all[1:], running, "tensor encoder.0.weight as 3x6, which the model does not have"},
		{all, variable("encoder.1.running", 2, 4), "tensor encoder.1.running_mean as 3, and the model as 4"},
	} {
		store, err := graph.NewStore(other.parameters, []graph.Variable{other.state})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Restore(store)
		if !errors.Is(err, errOtherModel) || !strings.Contains(err.Error(), other.want) {
			t.Errorf("got error %v, want one with %q", err, other.want)
		}
		for _, x := range store.Values {
			if x != 0 {
				t.Fatalf("%q: the store was changed all the same", other.want)
			}
		}
	}
}

func TestCheckpointRefusesFormats(t *testing.T) {
	m := filled(t)
	path := filepath.Join(t.TempDir(), "c.safetensors")
	err := Snapshot(m.store, State{}, map[string]string{"hourglass.step": "9"}).Write(path)
	if err == nil || !strings.Contains(err.Error(), "reserved") {
		t.Errorf("metadata with a reserved key gave %v", err)
	}
	for _, c := range []struct {
		metadata map[string]string
		want     string
	}{
		{nil, "not saved by this program"},
		{map[string]string{formatKey: "2"}, `its format is "2"`},
	} {
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := safetensors.NewWriter(file, c.metadata, nil); err != nil {
			t.Fatal(err)
		}
		file.Close()
		if _, err := LoadCheckpoint(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("metadata %v gave %v, want %q", c.metadata, err, c.want)
		}
	}
}

func TestStateKnowsWhatItResumes(t *testing.T) {
	fresh := State{Epoch: 1, Seed: math.MaxUint64, BatchSize: 4, Images: 22, Optimiser: "adam"}
	if err := sampleState().resumes(fresh); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(*State){
		"seed":                      func(s *State) { s.Seed = 1 },
		"batch size":                func(s *State) { s.BatchSize = 2 },
		"number of training images": func(s *State) { s.Images = 23 },
		"optimiser":                 func(s *State) { s.Optimiser = "sgd" },
		"is not batch":              func(s *State) { s.Step++ },
		"is not batch 6":            func(s *State) { s.Batch, s.Step = 6, 11 },
	} {
		s := sampleState()
		change(&s)
		if err := s.resumes(fresh); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("a change of %s gave %v", what, err)
		}
	}
}
