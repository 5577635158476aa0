package train_test

import (
	"context"
	"fmt"
	"log"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/models"
	"hourglass/train"
)

// A linear autoencoder learns images that are mixtures of two patterns.
func Example() {
	var pixels []byte
	for i := range 256 {
		a, b := byte(i*37%128), byte(i*61%127)
		pixels = append(pixels, a, b, a+b, b, a, 0, b, a, a+b)
	}
	images, err := data.NewMemory("mixtures", data.Shape{C: 1, H: 3, W: 3}, pixels, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	device, err := graph.OpenDevice(graph.CPU, 1)
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close()
	model, err := models.New(models.Linear(models.Shape{C: 1, H: 3, W: 3}, 2), 1)
	if err != nil {
		log.Fatal(err)
	}
	options := train.DefaultOptions()
	options.Epochs, options.Batch, options.Rate = 50, 32, 0.01
	result, err := train.Fit(context.Background(), device, model, images, nil, options)
	if err != nil {
		log.Fatal(err)
	}
	metrics, err := train.Evaluate(context.Background(), device, model, images, 100)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d steps; two numbers hold an image to more than 40 dB: %t\n", result.Step, metrics.PSNR() > 40)
	// Output: 400 steps; two numbers hold an image to more than 40 dB: true
}
