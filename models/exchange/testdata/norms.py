"""The model \"norms\" of the tests.

Images are (N, 2, 8, 7), pixels in [0, 1]; codes are (N, 3):

    import model
    autoencoder = model.load()  # of model.safetensors beside this file
    codes = autoencoder.encode(images)
    images = autoencoder.decode(codes)
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class ChannelNorm(nn.LayerNorm):
    """Normalises the channels of each pixel of (N, C, H, W)."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1),  # 0: 8x8x7
            nn.GroupNorm(4, 8, eps=1e-05),  # 1: 8x8x7
            nn.Softplus(),  # 2: 8x8x7
            nn.Conv2d(8, 6, 3, stride=2, padding=1),  # 3: 6x4x4
            ChannelNorm(6, eps=1e-05),  # 4: 6x4x4
            nn.SiLU(),  # 5: 6x4x4
            nn.Flatten(),  # 6: 96
            nn.Linear(96, 12),  # 7: 12
            nn.LayerNorm(12, eps=1e-05),  # 8: 12
            nn.GELU(),  # 9: 12
            nn.Linear(12, 12),  # 10: 12
            nn.GroupNorm(3, 12, eps=1e-05),  # 11: 12
            nn.ELU(1),  # 12: 12
        )
        self.bottleneck = nn.Linear(12, 3)
        self.decoder = nn.Sequential(
            nn.Linear(3, 96),  # 0: 96
            nn.Unflatten(1, (6, 4, 4)),  # 1: 6x4x4
            ChannelNorm(6, eps=1e-05),  # 2: 6x4x4
            nn.ConvTranspose2d(6, 2, 3, stride=2, padding=1, output_padding=(1, 0)),  # 3: 2x8x7
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
