package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/models"
	"hourglass/train"
)

const (
	epochs, batch, seed = 10, 128, 1
	most                = 106.0 // nats an image at the end
	apart               = 0.005 // of the other's loss
)

func main() {
	folder := flag.String("data", "../shared/datasets/mnist", "folder of MNIST's IDX files")
	python := flag.String("python", "python3", "Python that has torch and numpy")
	threads := flag.Int("threads", 2, "CPU threads of each side")
	flag.Parse()
	if err := run(os.Stdout, *folder, *python, *threads); err != nil {
		fmt.Fprintln(os.Stderr, "follow:", err)
		os.Exit(1)
	}
}

// losses of one epoch, nats an image.
type losses struct{ Train, Test float64 }

func run(out io.Writer, folder, python string, threads int) error {
	training, test, err := data.Open(folder, data.Options{})
	if err != nil {
		return err
	}
	settings := config.New()
	if err := settings.ApplyPreset("vae-400-20"); err != nil {
		return err
	}
	settings.Config.Train.Seed = seed
	model, err := settings.Config.Build(training.Shape())
	if err != nil {
		return err
	}
	shared, err := os.MkdirTemp("", "follow")
	if err != nil {
		return err
	}
	defer os.RemoveAll(shared)
	if err := share(shared, model, training, test, threads); err != nil {
		return fmt.Errorf("writing what both sides begin with: %w", err)
	}
	ours, err := fit(model, settings.Config, training, test, threads)
	if err != nil {
		return err
	}
	theirs, version, err := peer(python, shared)
	if err != nil {
		fmt.Fprintf(out, "PyTorch was not compared: %v\n", err)
	}
	return compare(out, ours, theirs, version)
}

// fit trains from the model's present weights.
func fit(model models.Model, c config.Config, training, test data.Dataset, threads int) ([]losses, error) {
	device, err := graph.OpenDevice(graph.CPU, threads)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	o := train.DefaultOptions()
	o.Epochs, o.Batch, o.Seed, o.Optimiser, o.Rate, o.Pretrained = epochs, batch, seed, c.Optimiser(), c.Train.Rate, true
	var curve []losses
	_, err = train.Fit(context.Background(), device, model, training, test, o, train.ObserverFunc(func(e train.Event) error {
		if e, ok := e.(*train.EpochDone); ok {
			curve = append(curve, losses{e.TrainLoss, e.Validation.Loss})
		}
		return nil
	}))
	return curve, err
}

// share writes weights, order and images for the other side.
func share(folder string, model models.Model, training, test data.Dataset, threads int) error {
	type parameter struct {
		Name  string `json:"name"`
		Shape []int  `json:"shape"`
	}
	var parameters []parameter
	err := fill(filepath.Join(folder, "weights.bin"), func(w io.Writer) error {
		for _, v := range model.Store().Parameters {
			parameters = append(parameters, parameter{v.Name, v.Shape})
			if err := binary.Write(w, binary.LittleEndian, v.Data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := fill(filepath.Join(folder, "order.bin"), func(w io.Writer) error { return order(w, training) }); err != nil {
		return err
	}
	for name, ds := range map[string]data.Dataset{"train.bin": training, "test.bin": test} {
		if err := fill(filepath.Join(folder, name), func(w io.Writer) error { return bytesOf(w, ds) }); err != nil {
			return err
		}
	}
	text, err := json.Marshal(map[string]any{"parameters": parameters, "batch": batch, "epochs": epochs, "threads": threads, "seed": seed})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "manifest.json"), text, 0o666)
}

func fill(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	buffered := bufio.NewWriter(file)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// order writes the images of every batch of every epoch.
func order(w io.Writer, ds data.Dataset) error {
	batches := data.NewBatches(ds, data.BatchOptions{Size: batch, Seed: seed, Epoch: 1, Shuffle: true, DropLast: true})
	defer batches.Close()
	for epoch := uint64(1); epoch <= epochs; epoch++ {
		if epoch > 1 {
			batches.Reset(epoch, 0)
		}
		for {
			next, err := batches.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			for _, i := range next.Indices {
				if err := binary.Write(w, binary.LittleEndian, int32(i)); err != nil {
					return err
				}
			}
			batches.Release(next)
		}
	}
	return nil
}

// bytesOf writes images as the bytes that they were read from.
func bytesOf(w io.Writer, ds data.Dataset) error {
	image, row := make([]float32, ds.Shape().Size()), make([]byte, ds.Shape().Size())
	for i := range ds.Len() {
		if err := ds.Image(i, image); err != nil {
			return err
		}
		for k, v := range image {
			row[k] = byte(math.Round(float64(v) * 255))
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// peer runs PyTorch's side.
func peer(python, folder string) (curve []losses, version string, err error) {
	if text, err := exec.Command(python, "-c", "import torch, numpy").CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("%s has no torch and numpy (%s)", python, lastLine(text))
	}
	command := exec.Command(python, filepath.Join("bench", "peers", "vae_torch.py"), folder)
	command.Stderr = os.Stderr
	pipe, err := command.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := command.Start(); err != nil {
		return nil, "", err
	}
	lines := json.NewDecoder(pipe)
	var first struct{ Torch string }
	if err := lines.Decode(&first); err != nil {
		return nil, "", fmt.Errorf("reading the peer's first line: %w", err)
	}
	for range epochs {
		var epoch losses
		if err := lines.Decode(&epoch); err != nil {
			return nil, "", fmt.Errorf("reading the peer's epoch: %w", err)
		}
		curve = append(curve, epoch)
	}
	return curve, first.Torch, command.Wait()
}

func lastLine(text []byte) string {
	lines := bufio.NewScanner(bytes.NewReader(text))
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	return last
}

// compare prints both curves and says what is not as it should be.
func compare(out io.Writer, ours, theirs []losses, version string) error {
	fmt.Fprintf(out, "nats an image, MNIST, 784-400-20, batch %d, Adam 1e-3; PyTorch %s\n", batch, version)
	fmt.Fprintln(out, "epoch  hourglass train  test    PyTorch train  test    difference train  test")
	worst := 0.0
	for i, a := range ours {
		fmt.Fprintf(out, "%5d %16.2f %7.2f", i+1, a.Train, a.Test)
		if i < len(theirs) {
			b := theirs[i]
			byTrain, byTest := a.Train/b.Train-1, a.Test/b.Test-1
			worst = max(worst, math.Abs(byTrain), math.Abs(byTest))
			fmt.Fprintf(out, " %14.2f %7.2f %+15.2f%% %+6.2f%%", b.Train, b.Test, 100*byTrain, 100*byTest)
		}
		fmt.Fprintln(out)
	}
	if last := ours[len(ours)-1].Test; last > most {
		return fmt.Errorf("the test loss ends at %.2f nats an image, want at most %g", last, most)
	}
	if worst > apart {
		return fmt.Errorf("an epoch's loss differs by %.2f%%, want at most %.1f%%", 100*worst, 100*apart)
	}
	return nil
}
