// Package repository answers, for tests: where is the checkout, and where are
// the real images beside it? It never knows what is done with them.
//
//	the test's folder ── up to go.mod ──► Root ──► Root/../shared/datasets
package repository
