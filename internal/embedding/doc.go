// Package embedding draws codes of many dimensions in two, so that a person can
// see which lie together, and says how far to trust the drawing.
//
//	codes, (n,Z) ──┬─ PCA ────────────────► points, (n,2)  where codes differ most
//	               │   │ first positions       │
//	               └─ TSNE ───────────────► points, (n,2)  who is whose neighbour
//	                                           ▼
//	                               Trustworthiness, 0 to 1
//
// Both are functions of the codes alone: nothing is drawn by chance, and the
// number of processors changes nothing. t-SNE is exact, its time grows with the
// square of n: some seconds for 2,000 codes.
//
// The package never knows models, labels or files.
package embedding
