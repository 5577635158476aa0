package baseline_test

import (
	"fmt"

	"hourglass/internal/baseline"
)

// points are images of two pixels on a line, all but the last.
type points [][2]float32

func (p points) Len() int                       { return len(p) }
func (points) Size() int                        { return 2 }
func (p points) Row(i int, dst []float32) error { copy(dst, p[i][:]); return nil }

func Example() {
	images := points{{0, 0}, {0.25, 0.25}, {0.75, 0.75}, {1, 1}, {0.25, 0.75}}
	mean, err := baseline.MeanImage(images)
	if err != nil {
		fmt.Println(err)
		return
	}
	pca, err := baseline.Fit(images, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	mse, err := mean.MSE(images)
	fmt.Printf("mean image %.4f %v\n", mse, err)
	mse, err = pca.MSE(images)
	fmt.Printf("PCA-1      %.4f %v, explains %.0f%%\n", mse, err, 100*pca.Explained())
	nats, err := mean.BCE(images)
	fmt.Printf("mean image %.2f nats/img %v\n", nats, err)
	nats, err = baseline.Floor(images)
	fmt.Printf("floor      %.2f nats/img %v\n", nats, err)
	// Output:
	// mean image 0.1350 <nil>
	// PCA-1      0.0100 <nil>, explains 93%
	// mean image 1.38 nats/img <nil>
	// floor      0.67 nats/img <nil>
}
