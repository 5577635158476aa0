"""The standard workloads in PyTorch, as bench/w1.go and its siblings describe
them. A model's forward is its loss on a batch.
"""
import torch
from torch import nn
from torch.nn import functional as F


class W1(nn.Module):
    shape, rate = (1, 28, 28), 1e-3

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 7 * 7, 32))
        self.decoder = nn.Sequential(
            nn.Linear(32, 64 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 3, 2, 1, 1))

    def forward(self, x):
        return F.mse_loss(self.decoder(self.encoder(x)), x)


class W2(nn.Module):
    shape, rate = (3, 64, 64), 1e-3
    widths = (3, 32, 64, 128, 256)

    def __init__(self):
        super().__init__()
        down, up = [], [nn.Linear(128, 4096), nn.LeakyReLU(0.2, inplace=True), nn.Unflatten(1, (256, 4, 4))]
        for c, k in zip(self.widths, self.widths[1:]):
            down += [nn.Conv2d(c, k, 4, 2, 1), nn.BatchNorm2d(k), nn.LeakyReLU(0.2, inplace=True)]
        for c, k in zip(self.widths[:0:-1], self.widths[-2::-1]):
            up.append(nn.ConvTranspose2d(c, k, 4, 2, 1))
            if k > 3:
                up += [nn.BatchNorm2d(k), nn.LeakyReLU(0.2, inplace=True)]
        self.encoder, self.decoder = nn.Sequential(*down, nn.Flatten()), nn.Sequential(*up)
        self.fc_mu, self.fc_var = nn.Linear(4096, 128), nn.Linear(4096, 128)

    def forward(self, x):
        h = self.encoder(x)
        mean, log_variance = self.fc_mu(h), self.fc_var(h)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return (reconstruction - 0.5 * torch.sum(1 + log_variance - mean.square() - log_variance.exp())) / len(x)


class Res(nn.Module):
    def __init__(self, c, k):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(32, c), nn.Conv2d(c, k, 3, 1, 1)
        self.norm2, self.conv2 = nn.GroupNorm(32, k), nn.Conv2d(k, k, 3, 1, 1)
        self.shortcut = nn.Conv2d(c, k, 1) if c != k else nn.Identity()

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class W3(nn.Module):
    shape, rate = (3, 128, 128), 1e-4
    widths = (64, 128, 256, 512)

    def __init__(self):
        super().__init__()
        c = self.widths[0]
        layers = [nn.Conv2d(3, c, 3, 1, 1)]
        for level, k in enumerate(self.widths):
            if level > 0:
                layers.append(nn.Conv2d(c, c, 3, 2, 1))
            layers += [Res(c, k), Res(k, k)]
            c = k
        layers += [nn.GroupNorm(32, c), nn.SiLU(), nn.Conv2d(c, 4, 1), nn.Conv2d(4, c, 3, 1, 1)]
        for k in reversed(self.widths):
            layers += [Res(c, k), Res(k, k)]
            c = k
            if k != self.widths[0]:
                layers += [nn.Upsample(scale_factor=2), nn.Conv2d(c, c, 3, 1, 1)]
        layers += [nn.GroupNorm(32, c), nn.SiLU(), nn.Conv2d(c, 3, 3, 1, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return F.mse_loss(self.layers(x), x)


WORKLOADS = {"W1": W1, "W2": W2, "W3": W3}
