// Package atomicfile replaces a file as a whole or not at all: whoever opens
// it, at whatever moment the writer was killed or the power failed, finds the
// old contents or the new, complete.
//
//	Write(path, fill)
//	   .name.tmp-<16 hex digits>   in the same folder: rename never crosses disks
//	   fill, fsync the file        the bytes are on disk before the name is
//	   rename to name              one step, never seen half done
//	   fsync the folder            the new name survives a power failure
//
// A failure removes the temporary file; one that a killed process left behind
// is removed by a later Write of the same file, or by Clean.
//
// It knows nothing of what is written, and does not settle who of several
// writers is right: the last rename wins, and each leaves a whole file.
package atomicfile
