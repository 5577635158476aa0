package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/internal/config"
	"hourglass/internal/peer"
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
	start := peer.Start{Model: model, Training: training, Test: test, Epochs: epochs, Batch: batch, Seed: seed, Threads: threads}
	if err := start.Write(shared); err != nil {
		return err
	}
	ours, err := fit(model, settings.Config, training, test, threads)
	if err != nil {
		return err
	}
	others, version, err := theirs(python, shared)
	if err != nil {
		fmt.Fprintf(out, "PyTorch was not compared: %v\n", err)
	}
	return compare(out, ours, others, version)
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

// theirs runs PyTorch's side.
func theirs(python, folder string) (curve []losses, version string, err error) {
	err = peer.Run(context.Background(), python, filepath.Join("bench", "peers", "vae_torch.py"), folder, func(lines *json.Decoder) error {
		var first struct{ Torch string }
		if err := lines.Decode(&first); err != nil {
			return err
		}
		version = first.Torch
		for range epochs {
			var epoch losses
			if err := lines.Decode(&epoch); err != nil {
				return err
			}
			curve = append(curve, epoch)
		}
		return nil
	})
	return curve, version, err
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
