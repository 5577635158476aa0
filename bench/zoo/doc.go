// Command zoo answers: how well does each kind of model do on MNIST, and does
// PyTorch get the same from the same start? It never compares speed.
//
//	entries ──► train, measure ──► docs/models/NAME.png
//	   │            │ first weights, order
//	   │            └──► bench/peers/zoo_torch.py ─┐ figures
//	   ▼                                           ▼
//	models.md.tmpl ──► docs/models.md ◄── bench/results/models.json
//
// Each entry is trained just as the command beside it in docs/models.md trains
// it. One entry can be run again alone; the document is written anew from what
// is known of all.
package main
