// Package serving answers over HTTP what a trained model makes of images and
// codes. It never knows where the model came from, nor how it was trained.
//
//	POST /v1/encode       images → codes             GET /healthz  the process lives
//	POST /v1/decode       codes  → images            GET /readyz   it takes requests
//	POST /v1/reconstruct  images → images            GET /metrics  for Prometheus
//	POST /v1/score        images → errors            GET /v1/model what is served
//
//	requests ─► guard, limits ─► Read: JSON, picture, NPY ─► Engine
//	                                                           │ one queue a graph
//	answers  ◄─ JSON, PNG, NPY ◄─ each its rows ◄─ one run of the model
//
// A conditional model is told the class of each image: "labels": [3, 5] or, of
// all, "label": 3 in JSON, and ?label=3 behind the address of other bodies.
//
// The engine joins requests that wait at the same time. A row of the result is
// the same, bit for bit, in whatever batch it was computed.
//
// # Limits
//
// Requests come from strangers. A body, the pixels of a picture by its header,
// the images of a request, the images in a queue and the time of a request all
// have a bound ([Limits]); what exceeds one is refused with one sentence. A
// panic costs its request alone. At the end of its context a server refuses new
// requests and finishes those that it has.
package serving
