"""The model \"conditional\" of the tests.

Images are (N, 1, 8, 7), pixels in [0, 1]; codes are (N, 3),
conditions (N, 3), 1 at the class of each image and 0 elsewhere:

    import model
    autoencoder = model.load()  # of model.safetensors beside this file
    codes = autoencoder.encode(images, conditions)
    images = autoencoder.decode(codes, conditions)
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class VariationalAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, stride=2, padding=1),  # 0: 4x4x4
            nn.ReLU(),  # 1: 4x4x4
            nn.Flatten(),  # 2: 64
        )
        self.fc_mu = nn.Linear(67, 3)
        self.fc_var = nn.Linear(67, 3)
        self.decoder = nn.Sequential(
            nn.Linear(6, 64),  # 0: 64
            nn.ReLU(),  # 1: 64
            nn.Unflatten(1, (4, 4, 4)),  # 2: 4x4x4
            nn.ConvTranspose2d(4, 1, 3, stride=2, padding=1, output_padding=(1, 0)),  # 3: 1x8x7
        )
        self.output = nn.Sigmoid()

    def posterior(self, images, conditions):
        """Mean and log variance, both (N, 3), of the codes of images."""
        features = torch.cat([self.encoder(images), conditions], 1)
        return self.fc_mu(features), self.fc_var(features)

    def reparameterise(self, mean, log_variance):
        """A code drawn from the distribution, with gradients to both."""
        return mean + torch.exp(log_variance / 2) * torch.randn_like(mean)

    def encode(self, images, conditions):
        """The means of the codes."""
        return self.posterior(images, conditions)[0]

    def logits(self, codes, conditions):
        """What binary_cross_entropy_with_logits takes."""
        return self.decoder(torch.cat([codes, conditions], 1))

    def decode(self, codes, conditions):
        return self.output(self.logits(codes, conditions))

    def forward(self, images, conditions):
        """Reconstructions, means and log variances; in training, of drawn codes."""
        mean, log_variance = self.posterior(images, conditions)
        codes = self.reparameterise(mean, log_variance) if self.training else mean
        return self.decode(codes, conditions), mean, log_variance


def load(path=pathlib.Path(__file__).with_name("model.safetensors")):
    """The trained module, for evaluation. A checkpoint of a run will do as well:
    the optimiser's moments in it are left out."""
    tensors = {name: t for name, t in load_file(path).items() if not name.startswith("optimizer.")}
    autoencoder = VariationalAutoencoder()
    autoencoder.load_state_dict(tensors, strict=True)
    return autoencoder.eval()
