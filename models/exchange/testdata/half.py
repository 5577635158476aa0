"""The model \"half\" of the tests.

Images are (N, 2, 10, 9), pixels in [0, 1]; codes are (N, 18):

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
            nn.BatchNorm2d(2, eps=1e-05, momentum=0.1),  # 0: 2x10x9
            nn.Conv2d(2, 4, 3, stride=2, padding=1),  # 1: 4x5x5
            nn.Tanh(),  # 2: 4x5x5
            nn.Dropout(0.3),  # 3: 4x5x5
            nn.Conv2d(4, 2, 3, stride=2, padding=1),  # 4: 2x3x3
            nn.Flatten(),  # 5: 18
        )
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (2, 3, 3)),  # 0: 2x3x3
            nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1),  # 1: 4x5x5
            nn.ReLU(),  # 2: 4x5x5
            nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=(1, 0)),  # 3: 2x10x9
        )
        self.output = nn.LeakyReLU(0.5)
        # Only the training of the model reads what follows.
        self.likelihood = nn.ParameterDict({
            "log_scale": nn.Parameter(torch.zeros(2)),
        })

    def encode(self, images):
        return self.encoder(images)

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
