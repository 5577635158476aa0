// Package house holds the shape of the repository to a table: which package
// may import which, where Gorgonia and CUDA may be seen, who may end the
// process, that every package says what it is for, and that the Dockerfile
// takes what the Makefile makes.
//
//	every .go file, tagged ones too ──► imports, build tags, exits ──► complaints
//	                                          ▲
//	                       the table in house_test.go
//
// It consists of a test alone. A new package needs a row in the table; whether
// the row is right is the question that the test is there to raise.
package house
