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

// Residual is the spec of a residual convolutional autoencoder with group
// normalisation and SiLU: on each level as many residual blocks as told, of that
// level's width, with a strided convolution between two levels and, on the way
// back, an enlargement and a convolution. The code is an image of the given
// channels, 2^(levels−1) times smaller than the input.
func Residual(input Shape, widths []int, blocks, code int) Spec {
	encoder, decoder := residual(input, widths, blocks, nil)
	return Spec{Input: input, Encoder: encoder, Latent: code, Spatial: true, Decoder: decoder}
}

// AutoencoderKL is the spec of the autoencoder of latent diffusion (Rombach et
// al., "High-resolution image synthesis with latent diffusion models", 2022),
// for [NewVAE]: that of [Residual] with two blocks on each level, one more on the
// way back, and self-attention between two further blocks at the smallest size.
// Four widths make a code 8 times smaller than the input; theirs are 128, 256,
// 512 and 512, with a code of 4 channels.
func AutoencoderKL(input Shape, widths []int, code int) Spec {
	last := widths[len(widths)-1]
	encoder, decoder := residual(input, widths, 2, Seq(Res(last), Attention(), Res(last)))
	encoder = append(encoder, Conv(2*code)) // of means and log variances, before the heads mix them
	decoder = append(Seq(Conv(code, K(1))), decoder...)
	return Spec{Input: input, Encoder: encoder, Latent: code, Spatial: true, Decoder: decoder}
}

// residual makes the layers of both ways; middle stands at the smallest size.
func residual(input Shape, widths []int, blocks int, middle Layers) (encoder, decoder Layers) {
	encoder = Seq(Conv(widths[0]))
	for level, width := range widths {
		if level > 0 {
			encoder = append(encoder, Conv(widths[level-1], S(2)))
		}
		for range blocks {
			encoder = append(encoder, Res(width))
		}
	}
	last, further := len(widths)-1, 0
	if middle != nil {
		further = 1
	}
	encoder = append(append(encoder, middle...), closing(widths[last])...)
	decoder = append(Seq(Conv(widths[last])), middle...)
	for level := last; level >= 0; level-- {
		for range blocks + further {
			decoder = append(decoder, Res(widths[level]))
		}
		if level > 0 {
			decoder = append(decoder, Upsample(2), Conv(widths[level]))
		}
	}
	decoder = append(decoder, closing(widths[0])...)
	return encoder, append(decoder, Conv(input.C))
}

// closing ends a chain of residual blocks of so many channels, whose own norms
// and activations stand before their sums.
func closing(channels int) Layers {
	return Seq(Normalise(GroupNorm(Res(channels).normGroups(channels))), Act(SiLU))
}
