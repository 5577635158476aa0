package models

// Linear is the spec of a linear autoencoder: its best code of size k spans the
// subspace of the first k principal components (Baldi and Hornik 1989).
func Linear(input Shape, latent int) Spec {
	return Spec{Input: input, Encoder: Seq(Flatten()), Latent: latent}
}

// MLP is the spec of a dense autoencoder with the given hidden widths.
func MLP(input Shape, hidden []int, latent int, options ...Option) Spec {
	encoder := Seq(Flatten())
	for _, width := range hidden {
		encoder = append(encoder, Dense(width, options...))
	}
	return Spec{Input: input, Encoder: encoder, Latent: latent}
}

// Convolutional is the spec of a convolutional autoencoder: one convolution of
// stride 2 a width, with a square filter of the given side.
func Convolutional(input Shape, widths []int, kernel, latent int, options ...Option) Spec {
	var encoder Layers
	for _, width := range widths {
		encoder = append(encoder, Conv(width, append([]Option{K(kernel), S(2)}, options...)...))
	}
	return Spec{Input: input, Encoder: encoder, Latent: latent}
}
