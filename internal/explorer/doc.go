// Package explorer shows the code space of a trained model on a page in the
// browser: sliders for the numbers of a code, a map of the codes of test images
// by PCA or t-SNE, on which images can be selected, pictures taken apart, morphs,
// samples, and a run while it trains. It never
// knows how a model was trained or where it lies.
//
//	page/ (HTML, CSS, JavaScript, embedded)
//	  │  GET  /api/model, map, images/{i}, looks/{i}, metrics, watch
//	  │  POST /api/decode, place, picture, morph, animation, sample
//	  ▼
//	Explorer ──► Subject, the model that is shown now; Show puts a newer one there
//	               ├──► serving.Engine: encode, decode, inspect
//	               └──► Gallery: the test images' codes, their statistics, layouts of the map
//
// All that the page does is done by an endpoint that answers with JSON, and so
// can be tested without one. Host, origin, size and rate of requests are
// limited; the page loads nothing from elsewhere and runs no script but its own.
package explorer
