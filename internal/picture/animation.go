package picture

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"io"
	"slices"
	"sync"
)

// Animation is contact sheets of one layout, shown one after the other for ever.
type Animation struct {
	Frames [][]Row
	// Order lists the frames as they are shown, each any number of times; nil
	// shows all, once each.
	Order []int
	Delay int // hundredths of a second that each is shown
}

// ThereAndBack is the order of n frames from the first to the last and back, of
// which the two at the ends are shown rest times.
func ThereAndBack(n, rest int) []int {
	var order []int
	for i := range 2 * (n - 1) {
		frame, times := min(i, 2*(n-1)-i), 1
		if frame == 0 || frame == n-1 {
			times = rest
		}
		order = append(order, slices.Repeat([]int{frame}, times)...)
	}
	return order
}

// GIF writes the animation in the 256 colours that suit it best, other colours
// being mixed by Floyd and Steinberg's dithering (1976). Up to 254 grey levels
// are exact.
func (a Animation) GIF(w io.Writer) error {
	canvases, err := a.draw()
	if err != nil {
		return err
	}
	colours := append(color.Palette{paper, ink}, medianCut(a.histogram(), 254)...)
	frames := make([]*image.Paletted, len(canvases))
	var wait sync.WaitGroup
	for i, canvas := range canvases {
		wait.Go(func() {
			frames[i] = image.NewPaletted(canvas.Rect, colours)
			draw.FloydSteinberg.Draw(frames[i], canvas.Rect, canvas, image.Point{})
		})
	}
	wait.Wait()
	order := a.Order
	if order == nil {
		for i := range frames {
			order = append(order, i)
		}
	}
	var file gif.GIF
	for _, i := range order {
		if i < 0 || i >= len(frames) {
			return fmt.Errorf("picture: the order of an animation names frame %d of %d", i, len(frames))
		}
		file.Image, file.Delay = append(file.Image, frames[i]), append(file.Delay, a.Delay)
	}
	if err := gif.EncodeAll(w, &file); err != nil {
		return fmt.Errorf("picture: writing the GIF: %w", err)
	}
	return nil
}

// draw returns all frames in full colour.
func (a Animation) draw() ([]*image.RGBA, error) {
	if len(a.Frames) == 0 || a.Delay < 1 {
		return nil, fmt.Errorf("picture: an animation of %d frames with a delay of %d, want at least one of each", len(a.Frames), a.Delay)
	}
	var canvases []*image.RGBA
	for i, rows := range a.Frames {
		canvas, err := Sheet{Rows: rows}.Draw()
		if err != nil {
			return nil, fmt.Errorf("%w (frame %d)", err, i)
		}
		if size := canvas.Rect.Dx() * canvas.Rect.Dy(); size > largest/len(a.Frames) {
			return nil, fmt.Errorf("picture: %d frames of %d pixels are more than %d million; take fewer frames or images", len(a.Frames), size, largest>>20)
		}
		if i > 0 && canvas.Rect != canvases[0].Rect {
			return nil, fmt.Errorf("picture: frame %d is of size %v, want %v like the first", i, canvas.Rect.Size(), canvases[0].Rect.Size())
		}
		canvases = append(canvases, canvas)
	}
	return canvases, nil
}
