// Package chart answers: how is a curve drawn, so that one can read values off
// it? It draws SVG that has no colours of its own but classes (s0, s1, ... for
// the series), so that a page decides how it looks by day and by night.
//
//	Series{x, y}  ──thin──► at most 240 points ──scale──► <polyline class="s0">
//	Line{y}       ─────────────────────────────────────► a dashed line with its name
//	                                                     data-points: every point
//	Bars{names, values} ───────────────────────────────► <rect class="bar">
//
// The attribute data-points holds, as JSON, where each point lies and what is to
// be said of it; a page's script shows the nearest. Without a script the axes
// remain. The package never knows what is measured.
package chart
