"""The model \"dense\" of the tests.

Images are (N, 1, 7, 5), pixels in [0, 1]; codes are (N, 4):

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
            nn.Flatten(),  # 0: 35
            nn.Linear(35, 24),  # 1: 24
            nn.Tanh(),  # 2: 24
            nn.Linear(24, 12),  # 3: 12
            nn.ELU(0.7),  # 4: 12
        )
        self.bottleneck = nn.Linear(12, 4)
        self.decoder = nn.Sequential(
            nn.Linear(4, 12),  # 0: 12
            nn.ELU(0.7),  # 1: 12
            nn.Linear(12, 24),  # 2: 24
            nn.Tanh(),  # 3: 24
            nn.Linear(24, 35),  # 4: 35
            nn.Unflatten(1, (1, 7, 5)),  # 5: 1x7x5
        )
        self.output = nn.Sigmoid()

    def encode(self, images):
        return self.bottleneck(self.encoder(images))

    def decode(self, codes):
        return self.output(self.decoder(codes))

    def forward(self, images):
        return self.decode(self.encode(images))


def load(path=pathlib.Path(__file__).with_name("model.safetensors")):
    """The trained module, for evaluation. A checkpoint of a run will do as well:
    the optimiser's moments in it are left out."""
    tensors = {name: t for name, t in load_file(path).items() if not name.startswith("optimizer.")}
    autoencoder = Autoencoder()
    autoencoder.load_state_dict(tensors, strict=True)
    return autoencoder.eval()
