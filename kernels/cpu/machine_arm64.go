package cpu

// The assembly is for every processor of this architecture: all have NEON.
func init() {
	routines.multiplyRows = multiplyRowsNEON
	routines.multiplyPanels = multiplyPanelsNEON
	routines.fuse, routines.flopsOfTurn = fuseNEON, 24*2*4
}

// Features names the vector extensions of the processor that matter here.
func Features() []string { return []string{"neon"} }

// Path names the implementation that this processor runs.
func Path() string { return "NEON assembly" }

//go:noescape
func multiplyRowsNEON(t *rowTiles)

//go:noescape
func multiplyPanelsNEON(t *panelTile)

func fuseNEON(turns int)
