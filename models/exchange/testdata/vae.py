"""The model \"vae\" of the tests.

Images are (N, 1, 8, 6), pixels in [0, 1]; codes are (N, 3):

    import model
    autoencoder = model.load()  # of model.safetensors beside this file
    codes = autoencoder.encode(images)
    images = autoencoder.decode(codes)
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class VariationalAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(),  # 0: 48
            nn.Linear(48, 20),  # 1: 20
            nn.ReLU(),  # 2: 20
        )
        self.fc_mu = nn.Linear(20, 3)
        self.fc_var = nn.Linear(20, 3)
        self.decoder = nn.Sequential(
            nn.Linear(3, 20),  # 0: 20
            nn.ReLU(),  # 1: 20
            nn.Linear(20, 48),  # 2: 48
        )
        self.output = nn.Sigmoid()

    def posterior(self, images):
        """Mean and log variance, both (N, 3), of the codes of images."""
        features = self.encoder(images)
        return self.fc_mu(features), self.fc_var(features)

    def reparameterise(self, mean, log_variance):
        """A code drawn from the distribution, with gradients to both."""
        return mean + torch.exp(log_variance / 2) * torch.randn_like(mean)

    def encode(self, images):
        """The means of the codes."""
        return self.posterior(images)[0]

    def logits(self, codes):
        """What binary_cross_entropy_with_logits takes."""
        return self.decoder(codes).unflatten(1, (1, 8, 6))

    def decode(self, codes):
        return self.output(self.logits(codes))

    def forward(self, images):
        """Reconstructions, means and log variances; in training, of drawn codes."""
        mean, log_variance = self.posterior(images)
        codes = self.reparameterise(mean, log_variance) if self.training else mean
        return self.decode(codes), mean, log_variance


def load(path=pathlib.Path(__file__).with_name("model.safetensors")):
    """The trained module, for evaluation. A checkpoint of a run will do as well:
    the optimiser's moments in it are left out."""
    tensors = {name: t for name, t in load_file(path).items() if not name.startswith("optimizer.")}
    autoencoder = VariationalAutoencoder()
    autoencoder.load_state_dict(tensors, strict=True)
    return autoencoder.eval()
