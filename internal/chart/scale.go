package chart

import (
	"math"
	"strconv"
)

// logarithmic is the ratio of the largest value to the least from which an axis
// of values is logarithmic.
const logarithmic = 8

// scale maps values to pixels: low to from, high to to.
type scale struct {
	low, high float64
	from, to  float64
	log       bool
}

// same is the share of values by which they may differ and still count as one:
// the mean of equal values is not always equal to them.
const same = 1e-6

// fit makes a scale that shows all values, none of which is infinite.
func fit(values []float64, from, to float64, mayLog bool) scale {
	s := scale{math.Inf(1), math.Inf(-1), from, to, false}
	for _, v := range values {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	if len(values) == 0 {
		s.low, s.high = 0, 1
	}
	if s.log = mayLog && s.low > 0 && s.high/s.low > logarithmic; s.log {
		return s
	}
	room := 0.04 * (s.high - s.low)
	if size := max(math.Abs(s.low), math.Abs(s.high)); size == 0 {
		room = 0.5
	} else if room < same*size {
		room = size / 2
	}
	if s.low-room < 0 && s.low >= 0 {
		s.low = 0
	} else {
		s.low -= room
	}
	s.high += room
	return s
}

func (s scale) at(v float64) float64 {
	share := (v - s.low) / (s.high - s.low)
	if s.log {
		share = math.Log(v/s.low) / math.Log(s.high/s.low)
	}
	return s.from + share*(s.to-s.from)
}

// ticks are about so many round values within the scale.
func (s scale) ticks(about int) (values []float64) {
	if s.log {
		for _, steps := range [][]float64{{1}, {1, 3}, {1, 2, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9}} {
			values = values[:0]
			for power := math.Floor(math.Log10(s.low)); power <= math.Log10(s.high); power++ {
				for _, step := range steps {
					if v := step * math.Pow(10, power); v >= s.low && v <= s.high {
						values = append(values, v)
					}
				}
			}
			if len(values) >= 3 {
				break
			}
		}
		return values
	}
	step := roundUp((s.high - s.low) / float64(about))
	for first, i := math.Ceil(s.low/step), 0; i <= 2*about && (first+float64(i))*step <= s.high; i++ {
		values = append(values, (first+float64(i))*step)
	}
	return values
}

// roundUp is the least of 1, 2 and 5 times a power of ten that is no less than
// x.
func roundUp(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, step := range []float64{1, 2, 5} {
		if step*power >= x {
			return step * power
		}
	}
	return 10 * power
}

// Number writes a value for a person: four significant digits, thousands as k.
func Number(x float64) string {
	switch size := math.Abs(x); {
	case size >= 1e7:
		return short(x/1e6) + "M"
	case size >= 1e4:
		return short(x/1e3) + "k"
	}
	return short(x)
}

func short(x float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 3, 64), 64)
	if size := math.Abs(rounded); size != 0 && size < 1e-4 {
		return strconv.FormatFloat(rounded, 'e', -1, 64)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
