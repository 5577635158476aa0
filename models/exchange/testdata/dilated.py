"""The model \"dilated\" of the tests.

Images are (N, 2, 11, 9), pixels in [0, 1]; codes are (N, 5):

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
            nn.ConvTranspose2d(2, 4, 2, groups=2),  # 0: 4x12x10
            nn.ELU(1),  # 1: 4x12x10
            nn.Conv2d(4, 4, 3, stride=2, padding=2, dilation=2),  # 2: 4x6x5
            nn.SiLU(),  # 3: 4x6x5
            nn.Flatten(),  # 4: 120
        )
        self.bottleneck = nn.Linear(120, 5)
        self.decoder = nn.Sequential(
            nn.Linear(5, 120),  # 0: 120
            nn.SiLU(),  # 1: 120
            nn.Unflatten(1, (4, 6, 5)),  # 2: 4x6x5
            nn.ConvTranspose2d(4, 4, 3, stride=2, padding=2, output_padding=1, dilation=2, groups=2),  # 3: 4x12x10
            nn.ELU(1),  # 4: 4x12x10
            nn.Conv2d(4, 2, 2),  # 5: 2x11x9
        )
        self.output = nn.ReLU()

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
