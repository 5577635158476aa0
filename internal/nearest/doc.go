// Package nearest finds the name a person probably meant, so that an error
// about an unknown name can end in "did you mean ...?".
//
//	"epohcs" ──► distance to each valid name ──► the nearest, if near enough
//	             (insert, delete, replace,          "epochs"
//	              swap two neighbours)
//
// It knows words only: neither flags nor configuration files.
package nearest
