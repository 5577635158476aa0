// Package picture shows images to a person: as a contact sheet in a PNG file,
// as an animated GIF, and as a strip of coloured characters in the terminal. It
// also draws points in the plane.
//
//	Row{"input", images}            ┌──► Sheet.PNG   whole factors larger, with
//	Row{"reconstruction", images} ──┤                captions, for reports
//	Row{"error", differences}       ├──► Strip       ▀ with two colours a
//	                                │                character, or " .:-=+*#%@"
//	many lists of Rows ─────────────┴──► Animation.GIF
//	points, labels ────────────────────► Scatter.PNG with a legend
//
// Images are float32 in the order height, width, channel, one channel or three,
// black at 0 and white at 1; values beyond are cut off. A value that is no
// number shows as magenta, or ? in plain text, for nobody should have to look for it.
//
// The package never knows models or data sets.
package picture
