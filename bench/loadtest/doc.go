// Command loadtest answers: how many requests a second does `hourglass serve`
// answer, and how long do they take, by the size of its batches?
//
//	for each batch size: start the server ──► for each endpoint and number of clients:
//	    ask for some seconds, each client one request after another
//	    ──► requests a second, median and 99th percentile, images in a batch
//
// The clients run on the same machine and take their share of it. It prints a table
// for bench/README.md; `make loadtest` runs it with a model that it trains first.
package main
