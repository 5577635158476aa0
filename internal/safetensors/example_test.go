package safetensors_test

import (
	"bytes"
	"errors"
	"fmt"

	"hourglass/internal/safetensors"
)

func Example() {
	var buffer bytes.Buffer
	w, err := safetensors.NewWriter(&buffer, map[string]string{"step": "7"}, []safetensors.Tensor{
		safetensors.Describe[float32]("decoder.weight", 2, 3),
		safetensors.Describe[float32]("decoder.bias", 2),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = errors.Join(
		safetensors.Write(w, "decoder.weight", []float32{1, 2, 3, 4, 5, 6}),
		safetensors.Write(w, "decoder.bias", []float32{0.5, -0.5}),
		w.Close())
	if err != nil {
		fmt.Println(err)
		return
	}

	file, err := safetensors.Decode(bytes.NewReader(buffer.Bytes()), int64(buffer.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	bias := make([]float32, 2)
	fmt.Println(safetensors.Read(file, "decoder.bias", bias), bias, file.Metadata())
	fmt.Println(safetensors.Read(file, "decoder.weight", bias))
	// Output:
	// <nil> [0.5 -0.5] map[step:7]
	// tensor "decoder.weight": the file holds it as 2x3, 6 elements, want 2
}
