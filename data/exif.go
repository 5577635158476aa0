package data

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation is how a camera was held, as EXIF numbers it: 1 upright, 2 to 4
// mirrored or upside down, 5 to 8 with rows and columns exchanged.
type orientation int

// turned says whether rows and columns are exchanged.
func (o orientation) turned() bool { return o >= 5 && o <= 8 }

// upright turns an image that was stored in orientation o. EXIF says at which
// sides of the upright image row 0 and column 0 of the stored one lie.
func (o orientation) upright(stored *image.RGBA) *image.RGBA {
	if o < 2 || o > 8 {
		return stored
	}
	w, h := stored.Rect.Dx(), stored.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if o.turned() {
		size = image.Rect(0, 0, h, w)
	}
	upright := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			to := [9]image.Point{
				2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
				5: {y, x}, 6: {h - 1 - y, x}, 7: {h - 1 - y, w - 1 - x}, 8: {y, w - 1 - x},
			}[o]
			copy(upright.Pix[upright.PixOffset(to.X, to.Y):][:4], stored.Pix[stored.PixOffset(x, y):][:4])
		}
	}
	return upright
}

// jpegOrientation looks for the orientation in a JPEG file; 1 if it has none,
// or none that can be read. It allocates nothing.
func jpegOrientation(file []byte) orientation {
	const startOfImage, startOfScan, app1 = 0xD8, 0xDA, 0xE1
	if len(file) < 2 || file[0] != 0xFF || file[1] != startOfImage {
		return 1
	}
	for file = file[2:]; len(file) >= 4 && file[0] == 0xFF; {
		marker, size := file[1], int(binary.BigEndian.Uint16(file[2:]))
		if marker == 0xFF { // fill bytes may stand before a marker
			file = file[1:]
			continue
		}
		if marker == startOfScan || size < 2 || len(file) < 2+size {
			return 1
		}
		body := file[4 : 2+size]
		if tiff, found := bytes.CutPrefix(body, []byte("Exif\x00\x00")); found && marker == app1 {
			return tiffOrientation(tiff)
		}
		file = file[2+size:]
	}
	return 1
}

// tiffOrientation looks for tag 274 in the first directory of a TIFF header.
func tiffOrientation(tiff []byte) orientation {
	const tagOrientation, typeShort, entrySize = 274, 3, 12
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < entrySize {
			return 1
		}
		if order.Uint16(entries) == tagOrientation && order.Uint16(entries[2:]) == typeShort {
			if o := order.Uint16(entries[8:]); o >= 1 && o <= 8 {
				return orientation(o)
			}
			return 1
		}
		entries = entries[entrySize:]
	}
	return 1
}
