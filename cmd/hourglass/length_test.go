package main

import (
	"fmt"
	"io"
	"testing"

	"hourglass/data"
	"hourglass/internal/config"
)

func TestSuit(t *testing.T) {
	for _, test := range []struct {
		n             int
		set           map[string]string
		epochs, batch int
	}{
		{54_000, nil, 5, 128},                                                    // 421 steps an epoch
		{12_800, nil, 20, 128},                                                   // 100
		{12_700, nil, 21, 128},                                                   // 99
		{1459, nil, 100, 128},                                                    // 11
		{1, nil, 100, 1},                                                         // fewer than a batch
		{1459, map[string]string{"epochs": "5"}, 5, 128},                         // chosen
		{1459, map[string]string{"batch": "16"}, 22, 16},                         // 91
		{10, map[string]string{"batch": "16"}, 5, 16},                            // which training refuses
		{10, map[string]string{"epochs": "3"}, 3, 10},                            //
		{50_000, map[string]string{"batch": "12500"}, 100, 12500},                // 4
		{54_000, map[string]string{"batch": "32", "rate": "0.01"}, 5, 32},        //
		{1459, map[string]string{"train.epochs": "7", "batch": "2000"}, 7, 2000}, //
	} {
		settings := config.New()
		for key, text := range test.set {
			if err := settings.Set(key, text); err != nil {
				t.Fatal(err)
			}
		}
		j := training{session: newSession(t.Context(), commands{}, nil, io.Discard, io.Discard), settings: settings}
		if err := j.suit(test.n); err != nil {
			t.Fatal(err)
		}
		if got := settings.Config.Train; got.Epochs != test.epochs || got.Batch != test.batch {
			t.Errorf("%d images and %v: %d epochs of batches of %d, want %d and %d", test.n, test.set, got.Epochs, got.Batch, test.epochs, test.batch)
		}
	}
	preset := config.New()
	for n, want := range map[int]int{54_000: 10, 3200: 80} { // of 421 steps an epoch, and of 25
		if err := preset.ApplyPreset("glyphs/conv-vae"); err != nil {
			t.Fatal(err)
		}
		j := training{session: newSession(t.Context(), commands{}, nil, io.Discard, io.Discard), settings: preset}
		if err := j.suit(n); err != nil || preset.Config.Train.Epochs != want {
			t.Errorf("%d images and a preset of 10 epochs: %d epochs, want %d; %v", n, preset.Config.Train.Epochs, want, err)
		}
	}
	resumed := training{session: newSession(t.Context(), commands{}, nil, io.Discard, io.Discard), settings: config.New(), resumed: true}
	if err := resumed.suit(100); err != nil || resumed.settings.Config.Train.Epochs != 5 {
		t.Errorf("a resumed run gets %d epochs, %v", resumed.settings.Config.Train.Epochs, err)
	}
}

// TestFewImages trains on fewer images than a batch has, and again for as long by
// the configuration that this wrote.
func TestFewImages(t *testing.T) {
	t.Chdir(t.TempDir())
	wants(t, must(t, "train", "--source", "glyphs:1x8x8,n=20,test=4", "--encoder", "flatten | dense 8 tanh", "--latent", "4", "--validation", "0", "--every", "100", "--name", "few"),
		"batch:  20 images, for there are no more", "epochs: 100, for one is only 1 step", "epoch 100/100")
	wants(t, must(t, "train", "-c", "runs/few/config.yaml", "--name", "again"), "epoch 100/100")
}

func TestReduced(t *testing.T) {
	for want, shape := range map[string]data.Shape{
		"3x88x128": {C: 3, H: 512, W: 768}, "1x128x128": {C: 1, H: 3000, W: 3000}, "3x8x128": {C: 3, H: 300, W: 9000},
	} {
		if got := fmt.Sprint(reduced(shape)); got != want {
			t.Errorf("%v becomes %s, want %s", shape, got, want)
		}
	}
}
