"""The variational autoencoder 784-400-20 in PyTorch: the peer of bench/follow.

    vae_torch.py FOLDER

FOLDER holds what the other side began with: manifest.json (names and shapes of
the parameters, batch, epochs), weights.bin (float32, one after the other),
order.bin (int32: the images of each epoch's batches), train.bin and test.bin
(images as bytes). After each epoch a line of JSON says the mean loss of its
batches and that of the test images, in nats an image.
"""
import json
import pathlib
import sys

import numpy
import torch
from torch import nn
from torch.nn import functional as F

folder = pathlib.Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
batch = manifest["batch"]
torch.set_num_threads(manifest["threads"])
torch.manual_seed(manifest["seed"])


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU())
        self.fc_mu = nn.Linear(400, 20)
        self.fc_var = nn.Linear(400, 20)
        self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))

    def forward(self, x):
        """The negative bound, summed over the batch."""
        h = self.encoder(x)
        mean, log_variance = self.fc_mu(h), self.fc_var(h)
        z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
        reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        return reconstruction - 0.5 * torch.sum(1 + log_variance - mean.square() - log_variance.exp())


def images(name):
    raw = numpy.fromfile(folder / name, dtype=numpy.uint8)
    return torch.from_numpy(raw.reshape(-1, 784)).float() / 255


model = VAE()
values = numpy.fromfile(folder / "weights.bin", dtype=numpy.float32)
state, at = {}, 0
for parameter in manifest["parameters"]:
    size = int(numpy.prod(parameter["shape"]))
    state[parameter["name"]] = torch.from_numpy(values[at : at + size].reshape(parameter["shape"]).copy())
    at += size
model.load_state_dict(state, strict=True)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
train, test = images("train.bin"), images("test.bin")
order = torch.from_numpy(numpy.fromfile(folder / "order.bin", dtype=numpy.int32).astype(numpy.int64)).view(manifest["epochs"], -1, batch)
print(json.dumps({"torch": torch.__version__}), flush=True)
for epoch in order:
    total = 0.0
    for indices in epoch:
        loss = model(train[indices]) / batch
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
    with torch.no_grad():
        held = sum(model(part).item() for part in test.split(500)) / len(test)
    print(json.dumps({"train": total / len(epoch), "test": held}), flush=True)
