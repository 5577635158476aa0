"""The model \"double\" of the tests.

Images are (N, 1, 6, 5), pixels in [0, 1]; codes are (N, 4):

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
            nn.Flatten(),  # 0: 30
            nn.Linear(30, 14),  # 1: 14
            nn.Sigmoid(),  # 2: 14
        )
        self.bottleneck = nn.Linear(14, 4)
        self.decoder = nn.Sequential(
            nn.Linear(4, 14),  # 0: 14
            nn.Sigmoid(),  # 1: 14
            nn.Linear(14, 30),  # 2: 30
        )

    def encode(self, images):
        return self.bottleneck(self.encoder(images))

    def decode(self, codes):
        return self.decoder(codes).unflatten(1, (1, 6, 5))

    def forward(self, images):
        return self.decode(self.encode(images))


def load(path=pathlib.Path(__file__).with_name("model.safetensors")):
    """The trained module, for evaluation. A checkpoint of a run will do as well:
    the optimiser's moments in it are left out."""
    tensors = {name: t for name, t in load_file(path).items() if not name.startswith("optimizer.")}
    autoencoder = Autoencoder()
    autoencoder.load_state_dict(tensors, strict=True)
    return autoencoder.eval()
