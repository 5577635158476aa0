"""The model \"batchnorm\" of the tests.

Images are (N, 3, 9, 8), pixels in [0, 1]; codes are (N, 4):

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
            nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False),  # 0: 6x5x4
            nn.BatchNorm2d(6, eps=1e-05, momentum=0.1),  # 1: 6x5x4
            nn.ReLU(),  # 2: 6x5x4
            nn.Flatten(),  # 3: 120
            nn.Linear(120, 16),  # 4: 16
            nn.BatchNorm1d(16, eps=1e-05, momentum=0.1),  # 5: 16
            nn.Tanh(),  # 6: 16
        )
        self.bottleneck = nn.Linear(16, 4)
        self.decoder = nn.Sequential(
            nn.Linear(4, 16),  # 0: 16
            nn.Tanh(),  # 1: 16
            nn.Linear(16, 120),  # 2: 120
            nn.BatchNorm1d(120, eps=1e-05, momentum=0.1),  # 3: 120
            nn.ReLU(),  # 4: 120
            nn.Unflatten(1, (6, 5, 4)),  # 5: 6x5x4
            nn.ConvTranspose2d(6, 3, 3, stride=2, padding=1, output_padding=(0, 1), bias=False),  # 6: 3x9x8
        )
        self.output = nn.Softplus()

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
