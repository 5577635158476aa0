package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"hourglass/internal/chart"
	"hourglass/internal/picture"
)

//go:embed style.css
var style string

//go:embed script.js
var script string

//go:embed run.html
var runText string

//go:embed compare.html
var compareText string

//go:embed codes.html
var codesText string // parts that both pages have

var functions = template.FuncMap{
	"number": chart.Number,
}

var (
	runTemplate     = template.Must(template.New("run").Funcs(functions).Parse(codesText + runText))
	compareTemplate = template.Must(template.New("compare").Funcs(functions).Parse(codesText + compareText))
)

// write writes a whole page: its policy allows the style and the script that
// are in it, pictures that are in it, and nothing else.
func write(w io.Writer, title string, body *template.Template, values any) error {
	var made bytes.Buffer
	if err := body.Execute(&made, values); err != nil {
		return fmt.Errorf("making the page: %w", err)
	}
	_, err := fmt.Fprintf(w, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'">
<title>%s</title>
<style>%s</style>
</head>
<body>
%s<script>%s</script>
</body>
</html>
`, hash(style), hash(script), html.EscapeString(title), style, made.Bytes(), script)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Longest sides of pictures in a page, in pixels.
const (
	largestTile  = 96
	largestThumb = 32
	soft         = 64 // from here on, pictures are smoothed when they are enlarged
)

// inlined is a picture within the page.
type inlined struct {
	URL           template.URL
	Width, Height int // of one image in it
	Across        int
	Class         string
}

// inline lays images out in a sprite and encodes it: grey as PNG, and colours,
// where many of them are shown small, as JPEG.
func inline(images []picture.Image, across, longest int) (inlined, error) {
	sprite, size, err := picture.Sprite(images, across, longest)
	if err != nil {
		return inlined{}, err
	}
	made := inlined{Width: size.X, Height: size.Y, Across: across}
	if max(size.X, size.Y) < soft {
		made.Class = "sharp"
	}
	var encoded bytes.Buffer
	kind := "png"
	if _, colours := sprite.(*image.RGBA); colours && len(images) > 1 {
		kind = "jpeg"
		err = jpeg.Encode(&encoded, sprite, &jpeg.Options{Quality: 90})
	} else {
		err = png.Encode(&encoded, sprite)
	}
	if err != nil {
		return inlined{}, fmt.Errorf("encoding a picture of the page: %w", err)
	}
	made.URL = template.URL("data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(encoded.Bytes()))
	return made, nil
}

// markup is what package chart or this one has made.
type markup = template.HTML
