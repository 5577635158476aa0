package codec

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"hourglass/internal/safetensors"
	"hourglass/models"
)

// Names in the file of a prior.
const (
	formatKey     = "hourglass.codec"
	priorFormat   = "1"
	modelKey      = "model"
	imagesKey     = "images"
	checksumKey   = "crc32"
	latticeKey    = "lattice"   // of a codebook's entries
	indicesName   = "indices"   // F32 (images, positions)
	unitName      = "unit"      // F32 (1)
	quantilesName = "quantiles" // I64 (Z, pieces+1)
)

// Write writes the prior as safetensors: a kilobyte for each number of the
// code, or the indices that it was fitted to. Files cannot be read without the
// prior with which they were made.
func (p *Prior) Write(w io.Writer) error {
	metadata := map[string]string{
		formatKey: priorFormat, modelKey: p.model.String(), imagesKey: strconv.Itoa(p.images), checksumKey: p.sum(),
	}
	if p.indices != nil {
		metadata[latticeKey] = p.indices.shape()
		to, err := safetensors.NewWriter(w, metadata, []safetensors.Tensor{safetensors.Describe[float32](indicesName, p.images, p.size())})
		if err != nil {
			return err
		}
		if err := safetensors.Write(to, indicesName, p.indices.Seen()); err != nil {
			return err
		}
		return to.Close()
	}
	to, err := safetensors.NewWriter(w, metadata, []safetensors.Tensor{
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
	p := &Prior{}
	if p.model, err = parseIdentity(metadata[modelKey]); err != nil || metadata[formatKey] != priorFormat {
		return nil, errNoPrior
	}
	if p.images, err = strconv.Atoi(metadata[imagesKey]); err != nil || p.images < 2 || p.images > mostFitted {
		return nil, errNoPrior
	}
	if _, entries := metadata[latticeKey]; entries {
		err = p.readIndices(file)
	} else {
		err = p.readQuantiles(file)
	}
	if err == nil && p.sum() != metadata[checksumKey] {
		err = errors.New("it is damaged: its checksum does not agree with its contents")
	}
	return p, err
}

// readIndices reads what a prior of a codebook's entries was fitted to.
func (p *Prior) readIndices(file *safetensors.File) error {
	var lattice models.Lattice
	var entries int
	shape := file.Metadata()[latticeKey]
	if _, err := fmt.Sscanf(shape, "%dx%dx%d of %d", &lattice.Rows, &lattice.Columns, &lattice.Parts, &entries); err != nil {
		return errNoPrior
	}
	tensor, found := file.Tensor(indicesName)
	least := min(lattice.Rows, lattice.Columns, lattice.Parts, entries)
	if !found || least < 1 || max(lattice.Rows, lattice.Columns, lattice.Parts) > mostIndices || len(tensor.Shape) != 2 || tensor.Shape[0] != p.images || tensor.Shape[1] != lattice.Positions() {
		return errNoPrior
	}
	rows := make([]float32, tensor.Shape.Size())
	if err := safetensors.Read(file, indicesName, rows); err != nil {
		return err
	}
	if err := p.count(rows, lattice, entries); err != nil {
		return errNoPrior
	}
	return nil
}

// readQuantiles reads the distribution of each number of a code.
func (p *Prior) readQuantiles(file *safetensors.File) error {
	quantiles, _ := file.Tensor(quantilesName)
	if len(quantiles.Shape) != 2 || quantiles.Shape[1] != pieces+1 {
		return errNoPrior
	}
	p.quantiles = make([]int64, quantiles.Shape.Size())
	if err := safetensors.Read(file, quantilesName, p.quantiles); err != nil {
		return err
	}
	unit := make([]float32, 1)
	if err := safetensors.Read(file, unitName, unit); err != nil {
		return err
	}
	p.unit = unit[0]
	return p.check()
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
