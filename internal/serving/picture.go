package serving

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"hourglass/data"
	"hourglass/internal/picture"
)

// Pictures turns files into the images of a model, and back.
type Pictures struct {
	shape data.Shape
	most  int
	slots chan struct{} // one for each picture that is decoded now
}

// decodedAtOnce bounds the memory that pictures take: one of the largest takes
// hundreds of megabytes.
const decodedAtOnce = 2

// NewPictures makes pictures of a shape, each of so many pixels at most.
func NewPictures(shape data.Shape, pixels int) *Pictures {
	return &Pictures{shape, pixels, make(chan struct{}, decodedAtOnce)}
}

// Shape is that of the model's images.
func (p *Pictures) Shape() data.Shape { return p.shape }

// Decode reads a picture file and fits it to the model: H·W·C values.
func (p *Pictures) Decode(ctx context.Context, file []byte) ([]float32, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := ctx.Err(); err != nil { // both were ready
		return nil, err
	}
	image, err := data.DecodePicture(file, p.shape, p.most)
	if err != nil {
		return nil, Refuse(http.StatusBadRequest, "the picture cannot be taken: %w", err)
	}
	return image, nil
}

// decodeText reads a picture file in base64, with or without the beginning of a
// data URL.
func (p *Pictures) decodeText(ctx context.Context, text string) ([]float32, error) {
	if begin, rest, ok := strings.Cut(text, ";base64,"); ok && strings.HasPrefix(begin, "data:") {
		text = rest
	}
	file, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, Refuse(http.StatusBadRequest, "the picture is not base64: %w", err)
	}
	return p.Decode(ctx, file)
}

// PNG is an image, H·W·C values, as a file.
func (p *Pictures) PNG(image []float32) ([]byte, error) {
	return PNG(picture.Image{H: p.shape.H, W: p.shape.W, C: p.shape.C, Pixels: image})
}

// PNG is any image as a file.
func PNG(image picture.Image) ([]byte, error) {
	var file bytes.Buffer
	if err := image.PNG(&file); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// DataURL is a PNG file in the form in which a page shows it.
func DataURL(file []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(file)
}
