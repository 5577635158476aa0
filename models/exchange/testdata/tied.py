"""The model \"tied\" of the tests.

Images are (N, 2, 9, 8), pixels in [0, 1]; codes are (N, 4):

    import model
    autoencoder = model.load()  # of model.safetensors beside this file
    codes = autoencoder.encode(images)
    images = autoencoder.decode(codes)
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class Tied(nn.Module):
    """The mirror image of another layer: its weight with a bias of its own."""

    def __init__(self, twin, outputs, function, bias=True, **options):
        super().__init__()
        self.twin = [twin]  # in a list, which keeps its weight out of this module's
        self.function, self.options = function, options
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x):
        weight = self.twin[0].weight
        return self.function(x, weight.T if weight.dim() == 2 else weight, self.bias, **self.options)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(2, 6, 3, stride=2, padding=1),  # 0: 6x5x4
            nn.ReLU(),  # 1: 6x5x4
            nn.ConvTranspose2d(6, 4, 2, stride=2, bias=False),  # 2: 4x10x8
            nn.ELU(1),  # 3: 4x10x8
            nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2),  # 4: 4x5x4
            nn.Tanh(),  # 5: 4x5x4
            nn.Flatten(),  # 6: 80
            nn.Linear(80, 12),  # 7: 12
            nn.SiLU(),  # 8: 12
        )
        self.bottleneck = nn.Linear(12, 4)
        self.decoder = nn.Sequential(
            Tied(self.bottleneck, 12, nn.functional.linear),  # 0: 12
            nn.SiLU(),  # 1: 12
            Tied(self.encoder[7], 80, nn.functional.linear),  # 2: 80
            nn.Tanh(),  # 3: 80
            nn.Unflatten(1, (4, 5, 4)),  # 4: 4x5x4
            Tied(self.encoder[4], 4, nn.functional.conv_transpose2d, stride=2, padding=1, output_padding=1, groups=2),  # 5: 4x10x8
            nn.ELU(1),  # 6: 4x10x8
            Tied(self.encoder[2], 6, nn.functional.conv2d, stride=2, bias=False),  # 7: 6x5x4
            nn.ReLU(),  # 8: 6x5x4
            Tied(self.encoder[0], 2, nn.functional.conv_transpose2d, stride=2, padding=1, output_padding=(0, 1)),  # 9: 2x9x8
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
