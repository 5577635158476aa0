"""The model \"quantised\" of the tests.

Images are (N, 2, 8, 6), pixels in [0, 1]; codes are (N, 48):

    import model
    autoencoder = model.load()  # of model.safetensors beside this file
    codes = autoencoder.encode(images)
    images = autoencoder.decode(codes)
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class Codebook(nn.Module):
    """Entries that stand for the vectors nearest to them. They are no parameters:
    in Hourglass they follow those vectors by running means."""

    def __init__(self, entries, size):
        super().__init__()
        self.register_buffer("weight", torch.zeros(entries, size))
        self.register_buffer("counts", torch.zeros(entries))  # of their use, which only training reads

    def forward(self, vectors):
        """The numbers of the entries nearest to vectors (M, D)."""
        return (self.weight.square().sum(1) - 2 * vectors @ self.weight.T).argmin(1)


class QuantisedAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(2, 6, 3, stride=2, padding=1),  # 0: 6x4x3
            nn.ReLU(),  # 1: 6x4x3
            nn.Conv2d(6, 4, 3, padding=1),  # 2: 4x4x3
            nn.Flatten(),  # 3: 48
        )
        self.codebook = Codebook(8, 2)
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (4, 4, 3)),  # 0: 4x4x3
            nn.ConvTranspose2d(4, 6, 3, padding=1),  # 1: 6x4x3
            nn.ReLU(),  # 2: 6x4x3
            nn.ConvTranspose2d(6, 2, 3, stride=2, padding=1, output_padding=1),  # 3: 2x8x6
        )

    def vectors(self, images):
        """What entries of the codebook stand for, (M, 2): the vectors of all images and positions."""
        rows = self.encoder(images)
        return rows.unflatten(1, (4, 4, 3)).movedim(1, -1).reshape(-1, 2)

    def rows(self, vectors):
        """Codes (N, 48) of such vectors."""
        return vectors.reshape(-1, 4, 3, 4).movedim(-1, 1).flatten(1)

    def indices(self, images):
        """The numbers of the entries that make the codes of images, (N, positions)."""
        return self.codebook(self.vectors(images)).unflatten(0, (len(images), -1))

    def lookup(self, indices):
        """The codes (N, 48) that such numbers make."""
        return self.rows(self.codebook.weight[indices.flatten()])

    def encode(self, images):
        return self.lookup(self.indices(images))

    def decode(self, codes):
        return self.decoder(codes)

    def forward(self, images):
        """Reconstructions, and the mean squared distance of vectors from their
        entries, which pulls the encoder to them. The decoder's gradient reaches
        the encoder as if nothing stood between."""
        vectors = self.vectors(images)
        entries = self.codebook.weight[self.codebook(vectors)]
        passed = vectors + (entries - vectors).detach()
        return self.decode(self.rows(passed)), nn.functional.mse_loss(vectors, entries)


def load(path=pathlib.Path(__file__).with_name("model.safetensors")):
    """The trained module, for evaluation. A checkpoint of a run will do as well:
    the optimiser's moments in it are left out."""
    tensors = {name: t for name, t in load_file(path).items() if not name.startswith("optimizer.")}
    autoencoder = QuantisedAutoencoder()
    autoencoder.load_state_dict(tensors, strict=True)
    return autoencoder.eval()
