package models_test

import (
	"fmt"
	"log"

	"gorgonia.org/gorgonia"

	"hourglass/data"
	"hourglass/graph"
	"hourglass/graph/ops"
	"hourglass/kernels"
	"hourglass/models"
	"hourglass/models/objective"
)

// A model of one's own, from Gorgonia nodes: a dense autoencoder whose decoder
// uses the encoder's weight transposed.
func Example() {
	const batch, pixels, code = 64, 784, 16
	store, err := graph.NewStore([]graph.Variable{{Name: "weight", Shape: kernels.Shape{code, pixels}}, {Name: "bias", Shape: kernels.Shape{pixels}}}, nil)
	check(err)
	for i := range store.Lookup("weight").Data {
		store.Lookup("weight").Data[i] = 0.1 * (kernels.Uniform(kernels.Philox([4]uint32{uint32(i)}, [2]uint32{})[0]) - 0.5)
	}

	b := graph.NewBuilder(store, true)
	x := b.Input("image", batch, pixels)
	z := try(ops.Linear(x, b.Variable("weight"), nil))
	y := try(ops.MatMul(try(ops.SiLU(z)), b.Variable("weight"), false, false))
	loss := try(objective.MSE(try(ops.Add(y, b.Variable("bias"))), x, objective.Mean))
	b.Output("loss", loss)
	b.Cost(loss)

	device, err := graph.OpenDevice(graph.Auto, 0)
	check(err)
	program, err := graph.Compile(device, b, &kernels.Optimiser{Rule: kernels.Adam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8})
	check(err)
	images, _, err := data.Open("glyphs", data.Options{})
	check(err)
	for i := range batch {
		check(images.Image(i, program.Input("image")[i*pixels:(i+1)*pixels]))
	}
	for step := 1; step <= 200; step++ {
		_, err := program.Step(0.01, step)
		check(err)
	}
	fmt.Println("it reconstructs:", program.Output("loss")[0] < 0.02)
	// Output: it reconstructs: true
}

// The same from a list of layers; New infers all shapes and mirrors the
// encoder.
func ExampleNew() {
	encoder := models.Seq(
		models.Conv(32, models.K(4), models.S(2), models.LeakyReLU),
		models.Conv(64, models.K(4), models.S(2), models.LeakyReLU),
		models.Assert(64, 7, 7),
	)
	model, err := models.New(models.Spec{Input: models.Shape{C: 1, H: 28, W: 28}, Encoder: encoder, Latent: 16}, 1)
	check(err)
	fmt.Println(model.Store().Count(), "parameters")
	fmt.Println(model.Spec().Decoder)
	// Output:
	// 170193 parameters
	// dense 3136 leakyrelu:0.01 | unflatten 64x7x7 | convt 32 k4 s2 leakyrelu:0.01 | convt 1 k4 s2
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func try(n *gorgonia.Node, err error) *gorgonia.Node {
	check(err)
	return n
}
