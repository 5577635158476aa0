// Package terminal shows text to a person in front of a terminal, and the same
// facts as plain lines to a file or a pipe.
//
//	Detect(os.Stdout) ──► Terminal: is it live, how wide, how many colours?
//	                         │
//	                         ├─► Progress   one line, redrawn in place;
//	                         │              plain lines at intervals when piped
//	                         ├─► Table      aligned columns under a title
//	                         └─► Count, Bytes, Duration, Rate: figures for people
//
// It never knows what is being trained. Output that cannot be written is lost
// silently: a run must not end because nobody watches it any more.
package terminal
