"""The variational autoencoder 784-400-Z of binarised MNIST in PyTorch: the peer
of bench/bound.sh.

    bound_torch.py FOLDER Z EPOCHS DRAWS IMAGES THREADS

FOLDER holds MNIST's four IDX files. The images are drawn black and white by the
same numbers as those of `hourglass train --binarise`: Philox words that depend
on seed, image and pixel alone. Batch 128, Adam 1e-3, Linear's own first
weights, a new order of the images each epoch. The line of JSON at the end holds
the negative bound of the test images, and the importance-weighted
log-likelihood by DRAWS codes of IMAGES of them, in nats an image.
"""
import gzip
import json
import math
import pathlib
import sys

import numpy
import torch
from torch import nn
from torch.nn import functional as F

folder = pathlib.Path(sys.argv[1])
latent, epochs, draws, judged, threads = map(int, sys.argv[2:7])
torch.set_num_threads(threads)
torch.manual_seed(1)
STREAM = 0xDA7A0005  # of the numbers that images are drawn by
TRAIN, TEST = 0, 2**64 - 1  # their seeds


def philox(counter, key):
    """Ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
    2011) over arrays of 32-bit words, held in 64 bits."""
    low = numpy.uint64(0xFFFFFFFF)
    for _ in range(10):
        a, b = counter[0] * numpy.uint64(0xD2511F53), counter[2] * numpy.uint64(0xCD9E8D57)
        counter = [(b >> numpy.uint64(32)) ^ counter[1] ^ numpy.uint64(key[0]), b & low,
                   (a >> numpy.uint64(32)) ^ counter[3] ^ numpy.uint64(key[1]), a & low]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def binarised(name, seed):
    """The images of an IDX file, (N,784), of zeros and ones."""
    raw = numpy.frombuffer(gzip.open(folder / name).read(), numpy.uint8)[16:].reshape(-1, 784)
    drawn = numpy.empty(raw.shape, numpy.float32)
    for first in range(0, len(raw), 1000):
        part = raw[first : first + 1000]
        images, blocks = numpy.meshgrid(numpy.arange(first, first + len(part), dtype=numpy.uint64), numpy.arange(196, dtype=numpy.uint64), indexing="ij")
        stream = numpy.full_like(images, STREAM)
        words = philox([blocks, stream, images, numpy.zeros_like(images)], [seed & 0xFFFFFFFF, seed >> 32])
        uniform = ((numpy.stack(words, -1).reshape(len(part), 784) >> numpy.uint64(9)) + 0.5) / 2**23
        drawn[first : first + 1000] = uniform < part.astype(numpy.float32) / numpy.float32(255)
    return torch.from_numpy(drawn)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU())
        self.fc_mu = nn.Linear(400, latent)
        self.fc_var = nn.Linear(400, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 400), nn.ReLU(), nn.Linear(400, 784))

    def weigh(self, x):
        """log p(x|z) and the posterior of z, which is drawn from it; one an image."""
        h = self.encoder(x)
        mean, log_variance = self.fc_mu(h), self.fc_var(h)
        noise = torch.randn_like(mean)
        z = mean + torch.exp(log_variance / 2) * noise
        likelihood = -F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(1)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        ratio = 0.5 * (noise.square() + log_variance - z.square()).sum(1)  # log p(z)/q(z|x)
        return likelihood, divergence, ratio


model = VAE()
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
train, test = binarised("train-images-idx3-ubyte.gz", TRAIN), binarised("t10k-images-idx3-ubyte.gz", TEST)
for _ in range(epochs):
    for indices in torch.randperm(len(train)).split(128)[: len(train) // 128]:
        likelihood, divergence, _ = model.weigh(train[indices])
        loss = (divergence - likelihood).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
with torch.no_grad():
    bound, cost, _ = model.weigh(test)
    some = test[torch.arange(judged) * len(test) // judged]
    weights = torch.stack([likelihood + ratio for likelihood, _, ratio in (model.weigh(some) for _ in range(draws))])
    weighted = (torch.logsumexp(weights.double(), 0) - math.log(draws)).mean()
print(json.dumps({"torch": torch.__version__, "white": test.mean().item(), "loss": (cost - bound).mean().item(), "log_likelihood": weighted.item()}))
