"""The model \"odd\" of the tests.

Images are (N, 1, 13, 11), pixels in [0, 1]; codes are (N, 5):

    import model
    autoencoder = model.load()  # of model.safetensors beside this file
    codes = autoencoder.encode(images)
    images = autoencoder.decode(codes)
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1),  # 0: 4x7x6
            nn.ReLU(),  # 1: 4x7x6
            nn.Conv2d(4, 6, 4, stride=3, padding=1),  # 2: 6x2x2
            nn.LeakyReLU(0.2),  # 3: 6x2x2
            nn.Flatten(),  # 4: 24
        )
        self.bottleneck = nn.Linear(24, 5)
        self.decoder = nn.Sequential(
            nn.Linear(5, 24),  # 0: 24
            nn.LeakyReLU(0.2),  # 1: 24
            nn.Unflatten(1, (6, 2, 2)),  # 2: 6x2x2
            nn.ConvTranspose2d(6, 4, 4, stride=3, padding=1, output_padding=(2, 1)),  # 3: 4x7x6
            nn.ReLU(),  # 4: 4x7x6
            nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1),  # 5: 1x13x11
        )

    def encode(self, images):
        return self.bottleneck(self.encoder(images))

    def decode(self, codes):
        return self.decoder(codes)

    def forward(self, images):
        return self.decode(self.encode(images))


def load(path=pathlib.Path(__file__).with_name("model.safetensors")):
    """The trained module, for evaluation. A checkpoint of a run will do as well:
    the optimiser's moments in it are left out."""
    tensors = {name: t for name, t in load_file(path).items() if not name.startswith("optimizer.")}
    autoencoder = Autoencoder()
    autoencoder.load_state_dict(tensors, strict=True)
    return autoencoder.eval()
