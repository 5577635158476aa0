// Package diagnose answers: has training failed in one of the ways that
// autoencoders are known for, although the loss falls? And what helps?
//
//	at most 512 held-back images ──► Encode ──► Decode      one pass
//	          │                        │          │
//	          │   active numbers, dead  ┘         ├─► explained variance
//	          │   entries of the code             ├─► diversity of outputs
//	          │                                   └─► use of the code
//	white noise, shuffled pixels ──► Encode ──► Decode ──► copying
//	                                   (only where the code is large)
//	                              Report ──► Findings: what, why, what to try
//
// Two failures look alike in no number and are opposites: a model whose output
// is the average image whatever its input, and one whose code is so large that
// it copies any input. The package never knows what a model is made of, nor
// when it is examined.
package diagnose
