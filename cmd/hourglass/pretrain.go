package main

import (
	"fmt"
	"strconv"

	"hourglass/internal/terminal"
	"hourglass/train"
)

type pretrainCommand struct {
	source
	machine
	arithmetic
}

func (pretrainCommand) Help() string {
	return `Examples:

    hourglass pretrain mlp                       each layer for ` + defaultPretrain + ` epochs, then the whole as train does
    hourglass pretrain mnist/conv --pretrain 3 --epochs 10
    hourglass pretrain --encoder "flatten | dense 256 sigmoid | dense 64 sigmoid" --latent 16 --pretrain-mask 0.4

Afterwards it is a run like any other. Later: hourglass probe last --labels 100`
}

// defaultPretrain are the epochs that each layer is trained for.
const defaultPretrain = "5"

func (c pretrainCommand) Run(s *session) error {
	job := training{session: s, machine: c.machine, arithmetic: c.arithmetic}
	if err := (trainCommand{source: c.source}).begin(&job); err != nil {
		return err
	}
	if job.config.Train.Pretrain == 0 {
		if err := job.settings.Set("train.pretrain", defaultPretrain); err != nil {
			return err
		}
		job.config = job.settings.Config
	}
	_, err := job.run()
	return err
}

// pretrain trains the layers one by one and leaves a checkpoint from which the
// whole is trained.
func (j *training) pretrain(o train.Options) error {
	if _, err := j.model.Stages(); err != nil {
		return usage{fmt.Errorf("train.pretrain is %d: %w", j.config.Train.Pretrain, err)}
	}
	j.say("pretraining each layer for %s", plural(j.config.Train.Pretrain, "epoch"))
	err := train.Pretrain(j.ctx, j.device, j.model, j.sets.training, o, train.Layerwise{
		Epochs: j.config.Train.Pretrain, Mask: j.config.Train.PretrainMask,
		Each: func(l train.LayerTrained) error {
			j.say("layer %*d/%d  %s: explains %.1f%% of what %s give it  %s", len(strconv.Itoa(l.Layers)), l.Layer, l.Layers, l.Text, 100*l.Explained, plural(l.Images, "image"), terminal.Duration(l.Duration))
			return nil
		},
	})
	if err != nil {
		return err
	}
	held, name := j.sets.validation, "validation"
	if held == nil {
		held, name = j.sets.held()
	}
	metrics, err := train.Evaluate(j.ctx, j.device, j.model, held, j.config.Train.Batch)
	if err != nil {
		return err
	}
	j.say("the stack begins with %s %s on the %s images", digits(metrics.Loss), j.model.Unit(), name)
	_, err = train.SavePretrained(j.folder.Checkpoints(), j.model.Store(), o.Metadata)
	return err
}
