package tensorboard

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hourglass/data"
	"hourglass/internal/atomicfile"
	"hourglass/internal/picture"
)

// embedding is a set of codes for TensorBoard's projector, with the images that
// they are of.
type embedding struct {
	Codes  []float32 // (N,Z)
	Size   int       // Z
	Labels []string  // one an image; nil if there are none
	Names  []string  // one an image
	Images []picture.Image
}

// What the projector finds in a run's folder: its configuration by name, the
// rest through that.
const (
	projectorConfig = "projector_config.pbtxt"
	projectorFolder = "projector"
	tensorsFile     = "tensors.tsv"
	metadataFile    = "metadata.tsv"
	spriteFile      = "sprite.png"
)

const (
	largestSprite = 8192 // pixels: the projector takes no larger textures
	largestThumb  = 64   // pixels of an image in the sprite
)

// write writes all files of the embedding into a run's folder; what refers to
// others comes after them.
func (e *embedding) write(dir string) error {
	dimensions, err := e.writeSprite(filepath.Join(dir, projectorFolder))
	if err != nil {
		return err
	}
	if err := e.writeMetadata(filepath.Join(dir, projectorFolder)); err != nil {
		return err
	}
	if err := e.writeCodes(filepath.Join(dir, projectorFolder)); err != nil {
		return err
	}
	text := fmt.Sprintf(`embeddings {
  tensor_name: "codes"
  tensor_path: "%[1]s/%[2]s"
  metadata_path: "%[1]s/%[3]s"
  sprite {
    image_path: "%[1]s/%[4]s"
    single_image_dim: %[5]d
    single_image_dim: %[6]d
  }
}
`, projectorFolder, tensorsFile, metadataFile, spriteFile, dimensions.X, dimensions.Y)
	return replace(filepath.Join(dir, projectorConfig), []byte(text))
}

// writeSprite lays the images out in a square, which the projector wants.
func (e *embedding) writeSprite(dir string) (size image.Point, err error) {
	across := 1
	for across*across < len(e.Images) {
		across++
	}
	blank := picture.Image{H: e.Images[0].H, W: e.Images[0].W, C: e.Images[0].C, Pixels: make([]float32, len(e.Images[0].Pixels))}
	square := slices.Concat(e.Images, slices.Repeat([]picture.Image{blank}, across*across-len(e.Images)))
	sprite, size, err := picture.Sprite(square, across, min(largestThumb, largestSprite/across))
	if err != nil {
		return size, err
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, sprite); err != nil {
		return size, fmt.Errorf("encoding the projector's images: %w", err)
	}
	return size, replace(filepath.Join(dir, spriteFile), encoded.Bytes())
}

// writeMetadata writes what each image is called: with a head only if there is
// more than one column, as the projector wants it.
func (e *embedding) writeMetadata(dir string) error {
	clean := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace
	var text bytes.Buffer
	if e.Labels != nil {
		text.WriteString("label\tname\n")
	}
	for i, name := range e.Names {
		if e.Labels != nil {
			text.WriteString(clean(e.Labels[i]) + "\t")
		}
		text.WriteString(clean(name) + "\n")
	}
	return replace(filepath.Join(dir, metadataFile), text.Bytes())
}

// writeCodes writes a line of numbers for each image.
func (e *embedding) writeCodes(dir string) error {
	var text []byte
	for i, x := range e.Codes {
		end := byte('\t')
		if (i+1)%e.Size == 0 {
			end = '\n'
		}
		text = append(strconv.AppendFloat(text, float64(x), 'g', 6, 32), end)
	}
	return replace(filepath.Join(dir, tensorsFile), text)
}

// replace replaces a file as a whole, making its folder if need be.
func replace(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("making the projector's folder: %w", err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// newEmbedding reads the first n images of a set, the codes to follow. values
// are theirs, one after the other.
func newEmbedding(ds data.Dataset, n int) (e *embedding, values []float32, err error) {
	shape, classes := ds.Shape(), data.Classes(ds)
	e, values = &embedding{}, make([]float32, n*shape.Size())
	for i := range n {
		pixels := values[i*shape.Size() : (i+1)*shape.Size()]
		if err := ds.Image(i, pixels); err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", data.Name(ds, i), err)
		}
		e.Images = append(e.Images, picture.Image{H: shape.H, W: shape.W, C: shape.C, Pixels: pixels})
		e.Names = append(e.Names, data.Name(ds, i))
		if label := ds.Label(i); label >= 0 {
			name := strconv.Itoa(label)
			if label < len(classes) {
				name = classes[label]
			}
			e.Labels = append(e.Labels, name)
		}
	}
	if len(e.Labels) < n { // images without a class have none to be coloured by
		e.Labels = nil
	}
	return e, values, nil
}
