"""The model \"pools\" of the tests.

Images are (N, 2, 9, 15), pixels in [0, 1]; codes are (N, 4):

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
            nn.Conv2d(2, 4, 3, padding=1),  # 0: 4x9x15
            nn.ReLU(),  # 1: 4x9x15
            nn.MaxPool2d(2, padding=1),  # 2: 4x5x8
            nn.AvgPool2d(3, stride=2, padding=1),  # 3: 4x3x4
            nn.AvgPool2d(2),  # 4: 4x1x2
            nn.Flatten(),  # 5: 8
        )
        self.bottleneck = nn.Linear(8, 4)
        self.decoder = nn.Sequential(
            nn.Linear(4, 60),  # 0: 60
            nn.ReLU(),  # 1: 60
            nn.Unflatten(1, (4, 3, 5)),  # 2: 4x3x5
            nn.Upsample(scale_factor=2),  # 3: 4x6x10
            nn.Conv2d(4, 4, 3, stride=2, padding=1),  # 4: 4x3x5
            nn.ReLU(),  # 5: 4x3x5
            nn.Upsample(scale_factor=3, mode="bilinear", align_corners=False),  # 6: 4x9x15
            nn.Conv2d(4, 2, 3, padding=1),  # 7: 2x9x15
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
