package cpu

import "unsafe"

// channelsTogether is what the number of channels must be a multiple of in
// assembly.
const channelsTogether = 8

// channelTap is a tap of a filter: where a patch has it, and where the weights of
// all channels stand, in bytes.
type channelTap struct{ x, w int32 }

// channelTile convolves the channels of the pixels of a run each with a filter of
// its own,
//
//	y(p)[0:channels] = bias[0:channels] + Σ_i x(p)[taps[i].x:][0:channels] · w[taps[i].w:][0:channels]
//
// by multiplyChannels, or adds to the gradient by the weights, by sumChannels, of
// all pixels of a rectangle:
//
//	w[taps[i].w:][0:channels] += Σ_p x(p)[taps[i].x:][0:channels] · y(p)[0:channels]
//
// for i in count taps. Patch p begins at x + p·step, result p at y + p·every. The
// fields are read by the assembly.
type channelTile struct {
	y, x, w     unsafe.Pointer
	bias        unsafe.Pointer
	taps        unsafe.Pointer // *channelTap; sumChannels reads as many as go together at most
	count       int            // of sumChannels one of routines.channelTaps
	channels    int            // in assembly a multiple of channelsTogether
	across      int            // pixels
	step, every int            // bytes

	// Of a rectangle: what lies between the end of a row and the next, in bytes.
	rows        int
	skip, skipY int
}

// each runs the assembly on as many channels as it can take, and plain Go on those
// that are left over.
func (t *channelTile) each(channels int, assembly, plain func(*channelTile)) {
	whole := channels &^ (channelsTogether - 1)
	t.channels = whole
	assembly(t)
	if whole == channels {
		return
	}
	rest := *t
	t.channels = channels - whole
	t.y, t.x, t.w = unsafe.Add(t.y, 4*whole), unsafe.Add(t.x, 4*whole), unsafe.Add(t.w, 4*whole)
	if t.bias != nil {
		t.bias = unsafe.Add(t.bias, 4*whole)
	}
	plain(t)
	*t = rest
}

func multiplyChannelsPortable(t *channelTile) {
	taps := unsafe.Slice((*channelTap)(t.taps), t.count)
	for p := range t.across {
		y := floatsAt(unsafe.Add(t.y, p*t.every), t.channels)
		copy(y, floatsAt(t.bias, t.channels))
		for _, tap := range taps {
			w := floatsAt(unsafe.Add(t.w, int(tap.w)), t.channels)
			for c, x := range floatsAt(unsafe.Add(t.x, p*t.step+int(tap.x)), t.channels) {
				y[c] += x * w[c]
			}
		}
	}
}

func sumChannelsPortable(t *channelTile) {
	taps := unsafe.Slice((*channelTap)(t.taps), t.count)
	x, y := 0, 0
	for range t.rows {
		for range t.across {
			dy := floatsAt(unsafe.Add(t.y, y), t.channels)
			for _, tap := range taps {
				w := floatsAt(unsafe.Add(t.w, int(tap.w)), t.channels)
				for c, v := range floatsAt(unsafe.Add(t.x, x+int(tap.x)), t.channels) {
					w[c] += v * dy[c]
				}
			}
			x, y = x+t.step, y+t.every
		}
		x, y = x+t.skip, y+t.skipY
	}
}
