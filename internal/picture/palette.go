package picture

import (
	"cmp"
	"image/color"
	"slices"
)

// shadeCount is how often a colour occurs.
type shadeCount struct {
	colour color.RGBA
	count  int
}

// channel returns red, green or blue.
func (s shadeCount) channel(c int) int {
	return int([3]uint8{s.colour.R, s.colour.G, s.colour.B}[c])
}

// sampled bounds the pixels that are counted.
const sampled = 1 << 18

// histogram counts the colours of the animation's images, or of every k-th
// pixel where there are very many, in the order of the colours.
func (a Animation) histogram() []shadeCount {
	pixels := 0
	for _, rows := range a.Frames {
		for _, row := range rows {
			for _, m := range row.Images {
				pixels += m.H * m.W
			}
		}
	}
	every, at := pixels/sampled+1, 0
	counts := make(map[color.RGBA]int)
	for _, rows := range a.Frames {
		for _, row := range rows {
			for _, m := range row.Images {
				for i := range m.H * m.W {
					if at++; at%every == 0 {
						counts[m.colour(i/m.W, i%m.W)]++
					}
				}
			}
		}
	}
	all := make([]shadeCount, 0, len(counts))
	for colour, count := range counts {
		all = append(all, shadeCount{colour, count})
	}
	slices.SortFunc(all, func(a, b shadeCount) int {
		return cmp.Or(cmp.Compare(a.colour.R, b.colour.R), cmp.Compare(a.colour.G, b.colour.G), cmp.Compare(a.colour.B, b.colour.B))
	})
	return all
}

// medianCut chooses at most n colours that stand for all (Heckbert, "Color
// image quantization for frame buffer display", 1982): the box of colours that
// holds the most pixels and colours is halved, again and again, where half of
// its pixels lie on either side.
func medianCut(all []shadeCount, n int) color.Palette {
	boxes := [][]shadeCount{all}
	for len(boxes) < n {
		widest, channel, most := -1, 0, 0
		for i, box := range boxes {
			if c, width := longestSide(box); width > 0 && width*width*pixelsOf(box) > most {
				widest, channel, most = i, c, width*width*pixelsOf(box)
			}
		}
		if widest < 0 {
			break
		}
		lower, upper := halve(boxes[widest], channel)
		boxes[widest] = lower
		boxes = append(boxes, upper)
	}
	var palette color.Palette
	for _, box := range boxes {
		if len(box) > 0 {
			palette = append(palette, average(box))
		}
	}
	return palette
}

// longestSide is the channel in which a box of colours is widest, and how wide.
func longestSide(box []shadeCount) (channel, width int) {
	for c := range 3 {
		low, high := 255, 0
		for _, s := range box {
			low, high = min(low, s.channel(c)), max(high, s.channel(c))
		}
		if high-low > width {
			channel, width = c, high-low
		}
	}
	return channel, width
}

// halve divides a box of at least two colours.
func halve(box []shadeCount, channel int) (lower, upper []shadeCount) {
	slices.SortStableFunc(box, func(a, b shadeCount) int { return cmp.Compare(a.channel(channel), b.channel(channel)) })
	half, at := pixelsOf(box)/2, 0
	for sum := 0; at < len(box)-1 && (at == 0 || sum+box[at].count <= half); at++ {
		sum += box[at].count
	}
	return box[:at:at], box[at:]
}

func pixelsOf(box []shadeCount) (sum int) {
	for _, s := range box {
		sum += s.count
	}
	return sum
}

func average(box []shadeCount) color.RGBA {
	var sums [3]int
	for _, s := range box {
		for c := range sums {
			sums[c] += s.count * s.channel(c)
		}
	}
	n := pixelsOf(box)
	mean := func(sum int) uint8 { return uint8((sum + n/2) / n) }
	return color.RGBA{mean(sums[0]), mean(sums[1]), mean(sums[2]), 255}
}
