package main

import (
	"strconv"

	"hourglass/internal/config"
)

// A run that is not told for how long takes leastSteps steps, about those of five
// epochs of MNIST, or as many as mostEpochs make: the usual number of epochs is
// too short for a small set to learn anything, and one of a few images would be
// shown them thousands of times.
const (
	leastSteps = 2000
	mostEpochs = 100
)

// suit fits length and batches to a small set of n training images, unless they
// were chosen.
func (j *training) suit(n int) error {
	if j.resumed || n == 0 {
		return nil
	}
	chosen := func(key string) bool {
		origin := j.settings.Origin(key)
		return origin != config.FromDefault && origin != config.FromPreset
	}
	batch := j.settings.Config.Train.Batch
	if batch > n && !chosen("train.batch") {
		batch = n
		if err := j.settings.Observe("train.batch", strconv.Itoa(n)); err != nil {
			return err
		}
		j.say("batch:  %s, for there are no more", plural(n, "image"))
	}
	if batch > n || chosen("train.epochs") {
		return nil
	}
	perEpoch := n / batch
	epochs := min((leastSteps+perEpoch-1)/perEpoch, mostEpochs)
	if epochs <= j.settings.Config.Train.Epochs {
		return nil
	}
	j.say("epochs: %d, for one is only %s; --epochs sets another number", epochs, plural(perEpoch, "step"))
	return j.settings.Observe("train.epochs", strconv.Itoa(epochs))
}
