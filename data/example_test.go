package data_test

import (
	"fmt"

	"hourglass/data"
)

// The set that is drawn on the spot needs no file and no network.
func ExampleOpen() {
	train, test, err := data.Open("glyphs:3x32x32,n=1000,test=200", data.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(train.Len(), test.Len(), train.Shape())

	batches := data.NewBatches(train, data.BatchOptions{Size: 64, Shuffle: true})
	defer batches.Close()
	batch, err := batches.Next()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(batch.N, len(batch.Images))
	batches.Release(batch)
	// Output:
	// 1000 200 3x32x32
	// 64 196608
}
