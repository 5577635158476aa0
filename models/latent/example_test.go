package latent_test

import (
	"fmt"

	"hourglass/models/latent"
)

func Example() {
	// Codes of two numbers, as a train.Runner returns them: two groups.
	codes := []float32{0, 0, 1, 0, 0, 1, 1, 1, 8, 8, 9, 8, 8, 9, 9, 9}
	mixture, err := latent.FitMixture(codes, 2, latent.MixtureOptions{Components: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for k := range mixture.Components() {
		weight, g := mixture.Component(k)
		fmt.Printf("%.0f%% about %.1f\n", 100*weight, g.Mean())
	}
	fmt.Println(len(mixture.Sample(1, 10)), "numbers drawn")
	fmt.Println(latent.Linear(codes[:2], codes[14:], 0.5))
	// Unordered output:
	// 50% about [0.5 0.5]
	// 50% about [8.5 8.5]
	// 20 numbers drawn
	// [4.5 4.5]
}
