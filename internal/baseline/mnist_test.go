package baseline

import (
	"compress/gzip"
	"hourglass/internal/repository"
	"io"
	"math"
	"os"
	"testing"
)

// digits are images of the IDX format, a byte a pixel.
type digits struct{ pixels []byte }

const digitSize = 28 * 28

func (d digits) Len() int  { return len(d.pixels) / digitSize }
func (d digits) Size() int { return digitSize }
func (d digits) Row(i int, dst []float32) error {
	for j, pixel := range d.pixels[i*digitSize : (i+1)*digitSize] {
		dst[j] = float32(pixel) / 255
	}
	return nil
}

// mnist reads one of the files in ../shared/datasets/mnist, seen from the
// root of the repository.
func mnist(t *testing.T, name string) digits {
	t.Helper()
	file, err := os.Open(repository.Dataset(t, "mnist", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	return digits{content[16:]}
}

// The figures were computed with NumPy in float64 from the same files.
func TestMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	train, test := mnist(t, "train-images-idx3-ubyte.gz"), mnist(t, "t10k-images-idx3-ubyte.gz")
	expect := func(name string, want, unit float64) func(got float64, err error) {
		return func(got float64, err error) {
			t.Helper()
			if err != nil || math.Abs(got-want) > 0.5*unit {
				t.Errorf("%s is %v (%v), want %v", name, got, err, want)
			}
		}
	}
	mean, err := MeanImage(train)
	if err != nil {
		t.Fatal(err)
	}
	expect("MSE of the mean image", 0.06747, 1e-5)(mean.MSE(test))
	expect("BCE of the mean image", 205.80, 1e-2)(mean.BCE(test))
	expect("floor", 45.53, 1e-2)(Floor(test))
	p := fit(t, train, 32)
	expect("MSE of PCA with 32 components", 0.01683, 1e-5)(p.MSE(test))
}
