"""The model \"levels\" of the tests.

Images are (N, 1, 8, 6), pixels in [0, 1]; codes are (N, 10):

    import model
    autoencoder = model.load()  # of model.safetensors beside this file
    codes = autoencoder.encode(images)
    images = autoencoder.decode(codes)
"""

import pathlib

import torch
from safetensors.torch import load_file
from torch import nn


class Level(nn.Module):
    """One level of the code: what an image says of it and, but at the top, what
    the codes above it let expect. Distributions are mean and log variance."""

    def __init__(self, size, features, above, lowest=False):
        super().__init__()
        self.size = size
        if not lowest:
            self.up = nn.Linear(features, features)
        self.fc_mu = nn.Linear(features, size)
        self.fc_var = nn.Linear(features, size)
        if above:
            self.down = nn.Linear(above, features)
            self.prior_mu = nn.Linear(features, size)
            self.prior_var = nn.Linear(features, size)
        self.activation = nn.Tanh()

    def rise(self, features):
        """What the level reads of an image, from what the level below reads."""
        return self.activation(self.up(features))

    def prior(self, above):
        """The distribution given the codes above, (N, A), the nearest first."""
        expected = self.activation(self.down(above))
        return self.prior_mu(expected), self.prior_var(expected)

    def posterior(self, features, prior=None):
        """The distribution given an image too: the product of both densities."""
        mean, log_variance = self.fc_mu(features), self.fc_var(features)
        if prior is None:
            return mean, log_variance
        ratio = prior[1] - log_variance
        joint = prior[0] + torch.sigmoid(ratio) * (mean - prior[0])
        return joint, log_variance - nn.functional.softplus(-ratio)


class HierarchicalAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(),  # 0: 48
            nn.Linear(48, 14),  # 1: 14
            nn.Tanh(),  # 2: 14
        )
        self.levels = nn.ModuleList([  # from the image upwards
            Level(5, 14, above=5, lowest=True),
            Level(3, 14, above=2),
            Level(2, 14, above=0),
        ])
        self.decoder = nn.Sequential(
            nn.Linear(10, 14),  # 0: 14
            nn.Tanh(),  # 1: 14
            nn.Linear(14, 48),  # 2: 48
            nn.Unflatten(1, (1, 8, 6)),  # 3: 1x8x6
        )
        self.output = nn.Sigmoid()

    def posterior(self, images, draw=False):
        """Codes (N, 10) of images, all levels side by side: of means, or drawn.
        With them, in nats and (N, 3), how far each level's distribution is from
        what it was expected to be: its Kullback-Leibler divergence."""
        features = [self.encoder(images)]
        for level in self.levels[1:]:
            features.append(level.rise(features[-1]))
        codes, divergences = [], []
        for level, read in zip(reversed(self.levels), reversed(features)):
            prior = level.prior(torch.cat(codes, 1)) if codes else None
            mean, log_variance = level.posterior(read, prior)
            codes.insert(0, self.reparameterise(mean, log_variance) if draw else mean)
            expected, expected_log_variance = prior or [torch.zeros_like(mean)] * 2
            ratio = log_variance - expected_log_variance
            distance = (mean - expected).square() / expected_log_variance.exp()
            divergences.insert(0, 0.5 * (distance + ratio.exp() - 1 - ratio).sum(1))
        return torch.cat(codes, 1), torch.stack(divergences, 1)

    def draw(self, number):
        """Codes (number, 10) of no image: each level's given those above it."""
        codes = []
        for level in reversed(self.levels):
            mean, log_variance = level.prior(torch.cat(codes, 1)) if codes else [level.fc_mu.bias.new_zeros(number, level.size)] * 2
            codes.insert(0, self.reparameterise(mean, log_variance))
        return torch.cat(codes, 1)

    def reparameterise(self, mean, log_variance):
        """A code drawn from the distribution, with gradients to both."""
        return mean + torch.exp(log_variance / 2) * torch.randn_like(mean)

    def encode(self, images):
        """The means of the codes."""
        return self.posterior(images)[0]

    def logits(self, codes):
        """What binary_cross_entropy_with_logits takes."""
        return self.decoder(codes)

    def decode(self, codes):
        return self.output(self.logits(codes))

    def forward(self, images):
        """Reconstructions, codes and divergences, as of posterior; in training, of drawn codes."""
        codes, divergences = self.posterior(images, draw=self.training)
        return self.decode(codes), codes, divergences


def load(path=pathlib.Path(__file__).with_name("model.safetensors")):
    """The trained module, for evaluation. A checkpoint of a run will do as well:
    the optimiser's moments in it are left out."""
    tensors = {name: t for name, t in load_file(path).items() if not name.startswith("optimizer.")}
    autoencoder = HierarchicalAutoencoder()
    autoencoder.load_state_dict(tensors, strict=True)
    return autoencoder.eval()
