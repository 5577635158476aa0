package codec

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"hourglass/internal/safetensors"
)

// Names in the file of a prior.
const (
	formatKey     = "hourglass.codec"
	priorFormat   = "1"
	modelKey      = "model"
	imagesKey     = "images"
	checksumKey   = "crc32"
	unitName      = "unit"      // F32 (1)
	quantilesName = "quantiles" // I64 (Z, pieces+1)
)

// Write writes the prior as safetensors: a kilobyte for each number of the
// code. Files cannot be read without the prior with which they were made.
func (p *Prior) Write(w io.Writer) error {
	to, err := safetensors.NewWriter(w, map[string]string{
		formatKey: priorFormat, modelKey: p.model.String(), imagesKey: strconv.Itoa(p.images), checksumKey: p.sum(),
	}, []safetensors.Tensor{
		safetensors.Describe[int64](quantilesName, p.size(), pieces+1),
		safetensors.Describe[float32](unitName, 1),
	})
	if err != nil {
		return err
	}
	if err := safetensors.Write(to, quantilesName, p.quantiles); err != nil {
		return err
	}
	if err := safetensors.Write(to, unitName, []float32{p.unit}); err != nil {
		return err
	}
	return to.Close()
}

func (p *Prior) sum() string { return fmt.Sprintf("%08x", p.checksum()) }

// errNoPrior is of files that are whole and hold no prior.
var errNoPrior = errors.New("it holds no distribution of codes that this program reads")

// ReadPrior reads a prior from size bytes.
func ReadPrior(r io.ReaderAt, size int64) (*Prior, error) {
	file, err := safetensors.Decode(r, size)
	if err != nil {
		return nil, err
	}
	metadata := file.Metadata()
	quantiles, _ := file.Tensor(quantilesName)
	p := &Prior{}
	if p.model, err = parseIdentity(metadata[modelKey]); err != nil || metadata[formatKey] != priorFormat || len(quantiles.Shape) != 2 || quantiles.Shape[1] != pieces+1 {
		return nil, errNoPrior
	}
	if p.images, err = strconv.Atoi(metadata[imagesKey]); err != nil || p.images < 2 || p.images > mostFitted {
		return nil, errNoPrior
	}
	p.quantiles = make([]int64, quantiles.Shape.Size())
	if err := safetensors.Read(file, quantilesName, p.quantiles); err != nil {
		return nil, err
	}
	unit := make([]float32, 1)
	if err := safetensors.Read(file, unitName, unit); err != nil {
		return nil, err
	}
	p.unit = unit[0]
	if p.sum() != metadata[checksumKey] {
		return nil, errors.New("it is damaged: its checksum does not agree with its contents")
	}
	return p, p.check()
}

// check proves what the making of tables relies on.
func (p *Prior) check() error {
	if !(p.unit > 0) || p.unit-p.unit != 0 {
		return errNoPrior
	}
	for q := range slices.Chunk(p.quantiles, pieces+1) {
		if !slices.IsSorted(q) || q[0] < -farthest || q[pieces] > farthest {
			return errNoPrior
		}
	}
	return nil
}
