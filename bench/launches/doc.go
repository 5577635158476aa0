// Command launches answers: how many launches does a training step take here and
// in PyTorch's eager mode, and how many bytes do they move? It needs no GPU and
// says nothing of time.
//
//	bench.PlanSheet of W1, W2, W3 ─────────────────────────────┐
//	peers/launches_torch.py ──► results/launches-torch.json ───┴──► a section of bench/README.md
//
// With -python it counts PyTorch's side anew; without, it writes the section from
// what is known of that.
package main
