"""The model \"convvae\" of the tests.

Images are (N, 3, 16, 16), pixels in [0, 1]; codes are (N, 6):

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
            nn.Conv2d(3, 4, 3, stride=2, padding=1),  # 0: 4x8x8
            nn.BatchNorm2d(4, eps=1e-05, momentum=0.1),  # 1: 4x8x8
            nn.LeakyReLU(0.01),  # 2: 4x8x8
            nn.Conv2d(4, 8, 3, stride=2, padding=1),  # 3: 8x4x4
            nn.BatchNorm2d(8, eps=1e-05, momentum=0.1),  # 4: 8x4x4
            nn.LeakyReLU(0.01),  # 5: 8x4x4
            nn.Flatten(),  # 6: 128
        )
        self.fc_mu = nn.Linear(128, 6)
        self.fc_var = nn.Linear(128, 6)
        self.decoder = nn.Sequential(
            nn.Linear(6, 128),  # 0: 128
            nn.Unflatten(1, (8, 4, 4)),  # 1: 8x4x4
            nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1),  # 2: 6x8x8
            nn.BatchNorm2d(6, eps=1e-05, momentum=0.1),  # 3: 6x8x8
            nn.LeakyReLU(0.01),  # 4: 6x8x8
            nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1),  # 5: 4x16x16
            nn.BatchNorm2d(4, eps=1e-05, momentum=0.1),  # 6: 4x16x16
            nn.LeakyReLU(0.01),  # 7: 4x16x16
            nn.Conv2d(4, 3, 3, padding=1),  # 8: 3x16x16
        )
        self.output = nn.Tanh()
        # Only the training of the model reads what follows.
        self.likelihood = nn.ParameterDict({
            "log_variance": nn.Parameter(torch.zeros(1)),
        })

    def posterior(self, images):
        """Mean and log variance, both (N, 6), of the codes of images."""
        features = self.encoder(images)
        return self.fc_mu(features), self.fc_var(features)

    def reparameterise(self, mean, log_variance):
        """A code drawn from the distribution, with gradients to both."""
        return mean + torch.exp(log_variance / 2) * torch.randn_like(mean)

    def encode(self, images):
        """The means of the codes."""
        return self.posterior(images)[0]

    def decode(self, codes):
        return self.output(self.decoder(codes))

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
