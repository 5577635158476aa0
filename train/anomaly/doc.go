// Package anomaly answers: how unlike its training images is an image, and
// from where on is that too much?
//
//	training images ──► Learn(runner, by) ──► Detector      Linear, Mean: what
//	                                           │             needs no learning
//	validation images ──► Scores ──► Threshold │
//	other images ───────► Scores ◄─────────────┘ higher is stranger
//	                        │
//	normal or not ──────────┴──► Judge: ROC-AUC, PR-AUC
//
// A model learns from normal images only; what it reconstructs badly, finds
// unlikely, or encodes far from everything else, is an anomaly. The package
// never knows files or labels.
package anomaly
