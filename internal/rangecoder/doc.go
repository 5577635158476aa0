// Package rangecoder turns symbols into bytes and back at the cost that their
// probabilities allow: a symbol of probability p takes −log₂ p bits, and a
// whole stream at most seven bytes more than the sum (Martin, "Range encoding",
// 1979).
//
//	weights ──NewTable──► Table   one integer interval a symbol, 2²⁰ in all
//	                        │
//	symbols ──► Encoder.Encode ──► Bytes ──► NewDecoder ──► Decode ──► symbols
//	            Encoder.EncodeBits                          DecodeBits
//
// All arithmetic is of integers, so that a stream and what it decodes to are
// the same on every machine. A stream that is damaged decodes to other symbols
// or ends in an error; it takes no more time than the symbols asked for.
//
// The package never knows what symbols mean, nor where probabilities are from.
package rangecoder
