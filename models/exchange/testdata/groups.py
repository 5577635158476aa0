"""The model \"groups\" of the tests.

Images are (N, 4, 12, 10), pixels in [0, 1]; codes are (N, 6):

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
            nn.Conv2d(4, 8, (3, 5), padding=(2, 4), dilation=2, groups=2),  # 0: 8x12x10
            nn.SiLU(),  # 1: 8x12x10
            nn.Conv2d(8, 8, 5, stride=3, padding=1, groups=4),  # 2: 8x4x3
            nn.GELU(),  # 3: 8x4x3
            nn.Flatten(),  # 4: 96
        )
        self.bottleneck = nn.Linear(96, 6)
        self.decoder = nn.Sequential(
            nn.Linear(6, 96),  # 0: 96
            nn.GELU(),  # 1: 96
            nn.Unflatten(1, (8, 4, 3)),  # 2: 8x4x3
            nn.ConvTranspose2d(8, 8, 5, stride=3, padding=1, output_padding=(0, 1), groups=4),  # 3: 8x12x10
            nn.SiLU(),  # 4: 8x12x10
            nn.ConvTranspose2d(8, 4, (3, 5), padding=(2, 4), dilation=2, groups=2),  # 5: 4x12x10
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
