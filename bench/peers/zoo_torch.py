"""Every kind of autoencoder in PyTorch: the peer of bench/zoo.

    zoo_torch.py FOLDER

FOLDER holds what the other side began with; internal/peer says in which form.
The manifest further names the kind, the network, and the weight of each term of
the loss. Each objective stands below as its paper has it, not as the other side
computes it. After each epoch a line of JSON says the mean loss of its batches;
a last one the figures of the test images.
"""
import json
import math
import pathlib
import platform
import sys

import numpy
import torch
from torch import nn
from torch.func import jvp
from torch.nn import functional as F

folder = pathlib.Path(sys.argv[1])
manifest = json.loads((folder / "manifest.json").read_text())
batch, kind, weights = manifest["batch"], manifest["kind"], manifest["weights"]
latent, classes = manifest["latent"], manifest["classes"] if kind == "cvae" else 0
torch.set_num_threads(manifest["threads"])
torch.manual_seed(manifest["seed"])

DETERMINISTIC = {"vq", "ae", "sparse", "contractive", "rae-l2", "rae-gp", "wae", "aae"}


class ResidualBlock(nn.Module):
    """Two convolutions behind norms and SiLU, added to the input (Rombach et al. 2022, after Ho et al. 2020)."""

    def __init__(self, channels, filters):
        super().__init__()
        self.norm1, self.conv1 = norm(channels), nn.Conv2d(channels, filters, 3, padding=1)
        self.norm2, self.conv2 = norm(filters), nn.Conv2d(filters, filters, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(channels, filters, 1) if channels != filters else nn.Identity()

    def forward(self, x):
        y = self.conv1(F.silu(self.norm1(x)))
        return self.conv_shortcut(x) + self.conv2(F.silu(self.norm2(y)))


class SelfAttention(nn.Module):
    """Adds to each pixel what it gathers from all pixels of its image (Vaswani et al. 2017, one head)."""

    def __init__(self, channels):
        super().__init__()
        self.group_norm = norm(channels)
        self.to_q, self.to_k, self.to_v = (nn.Linear(channels, channels) for _ in range(3))
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x):
        rows = self.group_norm(x).flatten(2).transpose(1, 2)
        gathered = F.scaled_dot_product_attention(self.to_q(rows), self.to_k(rows), self.to_v(rows))
        return x + self.to_out[0](gathered).transpose(1, 2).view_as(x)


class Tied(nn.Module):
    """A linear map by another's weight, transposed, with a bias of its own (Vincent et al. 2010)."""

    def __init__(self, twin):
        super().__init__()
        self.twin = [twin]  # in a list, which keeps its weight out of this module's
        self.bias = nn.Parameter(torch.empty(twin.in_features))

    def forward(self, x):
        return F.linear(x, self.twin[0].weight.T, self.bias)


def norm(channels):
    return nn.GroupNorm(min(32, channels), channels)


def latent_diffusion():
    """Both ways of Rombach et al. 2022 (appendix G), with two residual blocks a level and one more on the way back."""
    widths, code = (32, 64, 128, 128), manifest["latent"]
    middle = lambda: [ResidualBlock(128, 128), SelfAttention(128), ResidualBlock(128, 128)]
    down, channels = [nn.Conv2d(3, 32, 3, 1, 1)], 32
    for level, width in enumerate(widths):
        if level:
            down.append(nn.Conv2d(channels, channels, 3, 2, 1))
        down += [ResidualBlock(channels, width), ResidualBlock(width, width)]
        channels = width
    down += [*middle(), norm(128), nn.SiLU(), nn.Conv2d(128, 2 * code, 3, 1, 1)]
    side = [size // 8 for size in manifest["shape"][1:]]
    up = [nn.Unflatten(1, (code, *side)), nn.Conv2d(code, code, 1), nn.Conv2d(code, 128, 3, 1, 1), *middle()]
    for level in reversed(range(len(widths))):
        width = widths[level]
        up += [ResidualBlock(channels, width), ResidualBlock(width, width), ResidualBlock(width, width)]
        channels = width
        if level:
            up += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, 1, 1)]
    return down, up + [norm(32), nn.SiLU(), nn.Conv2d(32, 3, 3, 1, 1)]


def encoder():
    match manifest["network"]:
        case "kl-f8":
            return latent_diffusion()[0], None
        case "residual":
            return [nn.Conv2d(1, 16, 3, 2, 1), ResidualBlock(16, 16), nn.Conv2d(16, 32, 3, 2, 1), ResidualBlock(32, 32),
                    norm(32), nn.SiLU(), nn.Flatten()], 1568
        case "dense":
            return [nn.Flatten(), nn.Linear(784, 400), nn.ReLU()], 400
        case "hvae":
            return [nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU()], 400
        case "vq-conv":
            return [nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
                    nn.Conv2d(64, 64, 3, 1, 1), nn.ReLU(), nn.Conv2d(64, 16, 1)], None
        case "conv":
            return [nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten()], 3136
        case "conv-vae":
            return [nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
                    nn.Flatten(), nn.Linear(3136, 256), nn.ReLU()], 256


def decoder(size):
    match manifest["network"]:
        case "kl-f8":
            return latent_diffusion()[1]
        case "residual":
            return [nn.Linear(size, 1568), nn.Unflatten(1, (32, 7, 7)), ResidualBlock(32, 32),
                    nn.Upsample(scale_factor=2), nn.Conv2d(32, 16, 3, 1, 1), ResidualBlock(16, 16),
                    nn.Upsample(scale_factor=2), nn.Conv2d(16, 16, 3, 1, 1), norm(16), nn.SiLU(), nn.Conv2d(16, 1, 3, 1, 1)]
        case "dense":
            return [nn.Linear(size, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, (1, 28, 28))]
        case "hvae":
            return [nn.Linear(30, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, (1, 28, 28))]
        case "vq-conv":
            return [nn.Unflatten(1, (16, 7, 7)), nn.ConvTranspose2d(16, 64, 1), nn.ReLU(), nn.ConvTranspose2d(64, 64, 3, 1, 1), nn.ReLU(),
                    nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1)]
        case "conv":
            return [nn.Linear(size, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
                    nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 3, 2, 1, 1)]
        case "conv-vae":
            return [nn.Linear(size, 256), nn.ReLU(), nn.Linear(256, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
                    nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1)]


class Level(nn.Module):
    """Where the code of one level of a hierarchy comes from."""

    def __init__(self, size, above, below):
        super().__init__()
        self.fc_mu, self.fc_var = nn.Linear(400, size), nn.Linear(400, size)
        if above:
            self.down, self.prior_mu, self.prior_var = nn.Linear(above, 400), nn.Linear(400, size), nn.Linear(400, size)
        if below:
            self.up = nn.Linear(400, 400)


class Codebook(nn.Module):
    """Entries that follow by running means what they stand for (van den Oord et al. 2017, appendix A.1)."""

    def __init__(self, entries, dim, decay, revive):
        super().__init__()
        self.register_buffer("weight", torch.empty(entries, dim))
        self.register_buffer("counts", torch.empty(entries))
        self.decay, self.revive = decay, revive

    def choose(self, z):
        return torch.cdist(z, self.weight).argmin(1)

    def learn(self, z, chosen):
        n = torch.bincount(chosen, minlength=len(self.weight)).float()
        s = torch.zeros_like(self.weight).index_add_(0, chosen, z)
        sums = self.decay * self.counts[:, None] * self.weight + (1 - self.decay) * s
        self.counts = self.decay * self.counts + (1 - self.decay) * n
        self.weight = sums / self.counts[:, None].clamp(min=1e-30)
        share = self.counts.mean()
        dead = self.counts < self.revive * share
        self.weight[dead] = z[torch.randint(len(z), (int(dead.sum()),))]
        self.counts[dead] = share


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        layers, width = encoder()
        self.encoder = nn.Sequential(*layers)
        if kind == "vq":
            self.codebook = Codebook(manifest["entries"], 16, manifest["decay"], manifest["revive"])
        elif kind == "hvae":
            self.levels = nn.ModuleList([Level(20, 10, 0), Level(10, 0, 20)])
        elif kind in DETERMINISTIC:
            self.bottleneck = nn.Linear(width, latent)
        elif manifest["network"] == "kl-f8":
            self.fc_mu, self.fc_var = nn.Conv2d(2 * latent, latent, 1), nn.Conv2d(2 * latent, latent, 1)
        else:
            self.fc_mu = nn.Linear(width + classes, latent)
            self.fc_var = nn.Linear(width + classes, latent)
        self.decoder = nn.Sequential(*decoder(latent + classes))
        if manifest["tied"]:
            self.decoder[0], self.decoder[2] = Tied(self.bottleneck), Tied(self.encoder[1])
        self.likelihood = nn.Module()
        if manifest["loss"] == "gaussian-learned":
            self.likelihood.log_variance = nn.Parameter(torch.empty(1))
        if manifest["loss"] == "logistic":
            self.likelihood.log_scale = nn.Parameter(torch.empty(manifest["shape"][0]))
        if kind == "aae":
            self.discriminator = nn.Sequential(
                nn.Linear(latent, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))
        if kind == "vaegan":
            self.discriminator = nn.Sequential(*encoder()[0], nn.Linear(width, 1))
        if kind == "vamp":
            self.pseudo_inputs = nn.Parameter(torch.empty(manifest["components"], 28, 28, 1))

    def code(self, x, label=None):
        """The code of each image, or its mean."""
        if kind == "vq":
            return self.quantised(x)[1]
        if kind == "hvae":
            return self.descend(x, lambda mean, _: mean)[0]
        if kind in DETERMINISTIC:
            z = self.bottleneck(self.encoder(x))
            return z.sigmoid() if kind == "sparse" and manifest["target"] > 0 else z
        return self.posterior(x, label)[0]

    def quantised(self, x):
        """What the encoder says and the entries that stand for it, (N,16,7,7) flattened; and for learning, the rows."""
        grid = self.encoder(x)
        rows = grid.permute(0, 2, 3, 1).reshape(-1, 16)
        chosen = self.codebook.choose(rows.detach())
        entries = self.codebook.weight[chosen].view(-1, 7, 7, 16).permute(0, 3, 1, 2)
        return grid.flatten(1), entries.flatten(1), rows.detach(), chosen

    def descend(self, x, choose):
        """All levels' codes side by side, and the divergence of each (Sonderby et al. 2016)."""
        first, top = self.levels
        h = self.encoder(x)
        deep = top.up(h).relu()
        q2 = top.fc_mu(deep), top.fc_var(deep)
        z2 = choose(*q2)
        t = first.down(z2).relu()
        prior = first.prior_mu(t), first.prior_var(t)
        said = first.fc_mu(h), first.fc_var(h)
        weight, other = (-said[1]).exp(), (-prior[1]).exp()  # precisions
        q1 = (said[0] * weight + prior[0] * other) / (weight + other), -(weight + other).log()
        z1 = choose(*q1)
        between = 0.5 * (prior[1] - q1[1] + (q1[1].exp() + (q1[0] - prior[0]).square()) / prior[1].exp() - 1).sum(1).mean()
        return torch.cat([z1, z2], 1), between, kl_from_normal(*q2)

    def posterior(self, x, label=None):
        h = told(self.encoder(x), label)
        return self.fc_mu(h).flatten(1), self.fc_var(h).flatten(1)

    def decode(self, z, label=None):
        """Logits of the pixels, or the pixels where the loss is the squared error."""
        return self.decoder(told(z, label))

    def pixels(self, z, label=None):
        y = self.decode(z, label)
        return y.sigmoid() if manifest["loss"] == "bernoulli" else y

    def compared(self, y, x):
        """Each image's loss of reconstruction: the mean over pixels, or nats."""
        match manifest["loss"]:
            case "mse":
                return F.mse_loss(y, x, reduction="none").flatten(1).mean(1)
            case "bernoulli":
                each = F.binary_cross_entropy_with_logits(y, x, reduction="none")
            case "gaussian":
                each = -log_normal(x, y, torch.tensor(math.log(manifest["variance"])))
            case "gaussian-learned":  # Rybkin et al. 2021, section 3.2, with its soft lower bound
                each = -log_normal(x, y, F.softplus(self.likelihood.log_variance + 6) - 6)
            case "logistic":
                each = -log_logistic(x, y, self.likelihood.log_scale.view(-1, 1, 1))
        return each.flatten(1).sum(1)


def told(x, label):
    return torch.cat([x, F.one_hot(label, classes).float()], 1) if classes else x


def draw(mean, log_variance):
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def log_normal(z, mean, log_variance):
    return -0.5 * (math.log(2 * math.pi) + log_variance + (z - mean).square() / log_variance.exp())


def log_logistic(x, mean, log_scale):
    """Salimans et al. 2017, equation 2, with one component: the mass within half a grey level."""
    scale, half = log_scale.exp(), 0.5 / 255
    above, below = (x - mean + half) / scale, (x - mean - half) / scale
    middle = F.logsigmoid(above) + F.logsigmoid(-below) + (-(-2 * half / scale).exp()).log1p()
    return torch.where(x < half, F.logsigmoid(above), torch.where(x > 1 - half, F.logsigmoid(-below), middle))


def log_prior(z):
    return log_normal(z, torch.zeros(()), torch.zeros(()))


def kl_from_normal(mean, log_variance):
    """Kingma and Welling 2014, appendix B."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()


def mmd(x, y):
    """Tolstikhin et al. 2018, algorithm 2: the unbiased estimate with inverse multiquadrics."""
    n, total = len(x), 0
    off = 1 - torch.eye(n)
    for scale in (0.1, 0.2, 0.5, 1, 2, 5, 10):
        c = 2 * latent * scale
        kernel = lambda a, b: c / (c + (a[:, None] - b[None]).square().sum(2))
        within = (kernel(x, x) * off).sum() + (kernel(y, y) * off).sum()
        total = total + within / (n * (n - 1)) - 2 * kernel(x, y).mean()
    return total


def slopes_of_code(net, x):
    """‖∂z/∂x‖² of a single hidden layer of ReLU in closed form, after Rifai et al. 2011, equation 8."""
    first, last = net.encoder[1].weight, net.bottleneck.weight
    open_units = (net.encoder[1](x.flatten(1)) > 0).float()
    both = (first @ first.T) * (last.T @ last)
    return ((open_units @ both) * open_units).sum(1)


def slopes_of_image(net, z):
    """‖∂x/∂z‖² by the exact derivative along one random direction, whose expectation it is."""
    return jvp(net.pixels, (z,), (torch.randn_like(z),))[1].square().flatten(1).sum(1)


def half_squares(x):
    return 0.5 * x.square().flatten(1).sum(1).mean()


def told_real(logits):
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def told_made(logits):
    return F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))


def frozen(net, x):
    """What the discriminator says of x without learning from it, and its last hidden layer."""
    held = {name: p.detach() for name, p in net.discriminator.named_parameters()}
    last = str(len(net.discriminator) - 1) + "."
    hidden = {name: p for name, p in held.items() if not name.startswith(last)}
    call = torch.func.functional_call
    return call(net.discriminator, held, (x,)), call(net.discriminator[:-1], hidden, (x,))


def vector_quantised(net, x, seen):
    """Van den Oord et al. 2017, equation 3, with the gradient passed straight through."""
    z, e, rows, chosen = net.quantised(seen)
    net.met = rows, chosen
    use = torch.bincount(chosen, minlength=len(net.codebook.weight)) / len(chosen)
    return {
        "reconstruction_loss": net.compared(net.decode(z + (e - z).detach()), x).mean(),
        "commitment": F.mse_loss(z, e),
        "perplexity": (-(use * (use + 1e-10).log()).sum()).exp(),
    }


def hierarchical(net, x, seen):
    z, first, top = net.descend(seen, draw)
    return {"reconstruction_loss": net.compared(net.decode(z), x).mean(), "kl_1": first, "kl_2": top}


def deterministic(net, x, seen):
    z = net.code(seen)
    terms = {"reconstruction_loss": net.compared(net.decode(z), x).mean()}
    match kind:
        case "sparse" if manifest["target"] > 0:
            target, activity = manifest["target"], z.mean(0)
            terms["sparsity"] = (target * (target / activity).log() + (1 - target) * ((1 - target) / (1 - activity)).log()).mean()
        case "sparse":
            terms["sparsity"] = z.abs().mean()
        case "contractive":
            terms["contraction"] = slopes_of_code(net, x).mean()
        case "rae-l2":
            terms["code_norm"] = half_squares(z)
            terms["decoder_norm"] = sum(0.5 * p.square().sum() for n, p in net.decoder.named_parameters() if n.endswith("weight"))
        case "rae-gp":
            terms["code_norm"] = half_squares(z)
            terms["decoder_slopes"] = 0.5 * slopes_of_image(net, z).mean()
        case "wae":
            terms["mmd"] = mmd(z, torch.randn_like(z))
        case "aae":
            terms["adversarial"] = told_real(frozen(net, z)[0])
            terms["discriminator"] = told_real(net.discriminator(torch.randn_like(z))) + told_made(net.discriminator(z.detach()))
    return terms


def total_correlation(z, mean, log_variance):
    """Chen et al. 2018, equation 2, q(z) being the even mixture of the batch's posteriors."""
    each = log_normal(z[:, None], mean[None], log_variance[None])  # (N,N,Z)
    joint = each.sum(2).logsumexp(1) - math.log(len(z))
    marginals = (each.logsumexp(1) - math.log(len(z))).sum(1)
    own, prior = log_normal(z, mean, log_variance).sum(1), log_prior(z).sum(1)
    return {
        "mutual_information": (own - joint).mean(),
        "total_correlation": (joint - marginals).mean(),
        "marginal_kl": (marginals - prior).mean(),
    }


def variational(net, x, seen, label):
    mean, log_variance = net.posterior(seen, label)
    z = draw(mean, log_variance)
    terms = {"reconstruction_loss": net.compared(net.decode(z, label), x).mean()}
    match kind:
        case "tcvae":
            return terms | total_correlation(z, mean, log_variance)
        case "vamp":
            prior_mean, prior_log_variance = net.posterior(net.pseudo_inputs.clamp(0, 1).permute(0, 3, 1, 2))
            each = log_normal(z[:, None], prior_mean[None], prior_log_variance[None]).sum(2)
            prior = each.logsumexp(1) - math.log(len(prior_mean))
            return terms | {"kl": (log_normal(z, mean, log_variance).sum(1) - prior).mean()}
    terms["kl"] = kl_from_normal(mean, log_variance)
    net.elements = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).mean(0)  # of the divergence
    if kind == "infovae":
        terms["mmd"] = mmd(z, torch.randn_like(z))
    if kind == "vaegan":
        y, drawn = net.pixels(z), net.pixels(torch.randn_like(z))
        terms["feature_distance"] = half_squares(frozen(net, y)[1] - frozen(net, x)[1])
        terms["adversarial"] = (told_real(frozen(net, net.pixels(z.detach()))[0]) + told_real(frozen(net, drawn)[0])) / 2
        made = (told_made(net.discriminator(y.detach())) + told_made(net.discriminator(drawn.detach()))) / 2
        terms["discriminator"] = told_real(net.discriminator(x)) + made
    return terms


def importance_weighted(net, x, seen):
    """Burda et al. 2016, equation 8."""
    k = manifest["samples"]
    mean, log_variance = (p.repeat_interleave(k, 0) for p in net.posterior(seen))
    z = draw(mean, log_variance)
    log_weights = log_prior(z).sum(1) - log_normal(z, mean, log_variance).sum(1) - net.compared(net.decode(z), x.repeat_interleave(k, 0))
    return -(log_weights.view(-1, k).logsumexp(1) - math.log(k)).mean()


def objective(net, x, seen, label, warm=1.0):
    """The loss, its terms, and what the optimiser descends: with the divergence warmed up."""
    if kind == "iwae":
        loss = importance_weighted(net, x, seen)
        return loss, {}, loss
    if kind == "vq":
        terms = vector_quantised(net, x, seen)
    elif kind == "hvae":
        terms = hierarchical(net, x, seen)
    elif kind in DETERMINISTIC:
        terms = deterministic(net, x, seen)
    else:
        terms = variational(net, x, seen, label)
    loss = sum(weights[name] * term for name, term in terms.items())
    if manifest["capacity"]:  # Burgess et al. 2018, equation 6
        return loss, terms, terms["reconstruction_loss"] + manifest["beta"] * (terms["kl"] - warm * manifest["capacity"]).abs()
    if manifest["free_bits"]:  # Kingma et al. 2016, section C.8
        return loss, terms, terms["reconstruction_loss"] + manifest["beta"] * warm * net.elements.clamp(min=manifest["free_bits"]).sum()
    unpaid = (1 - warm) * sum(weights[name] * term for name, term in terms.items() if name.startswith("kl"))
    return loss, terms, loss - unpaid + terms.get("discriminator", 0)


def corrupted(x):
    """The image as the encoder sees it."""
    if not manifest["corrupt"]:
        return x
    how, amount = manifest["corrupt"].split()
    amount, n, (channels, height, width) = float(amount), len(x), x.shape[1:]
    match how:
        case "gaussian":
            return (x + amount * torch.randn_like(x)).clamp(0, 1)
        case "mask":
            return x * (torch.rand(n, 1, height, width) >= amount)
        case "saltpepper":
            chance = torch.rand(n, 1, height, width)
            return x.masked_fill(chance < amount / 2, 0).masked_fill(chance >= 1 - amount / 2, 1)
        case "blur":
            radius = math.ceil(3 * amount)
            line = torch.exp(-torch.arange(-radius, radius + 1).square() / (2 * amount**2))
            square = (line[:, None] * line).expand(channels, 1, -1, -1)
            return F.conv2d(x, square / line.sum().square(), padding=radius, groups=channels)


def images(name):
    raw = numpy.fromfile(folder / name, dtype=numpy.uint8)
    channels, height, width = manifest["shape"]
    return torch.from_numpy(raw.reshape(-1, height, width, channels)).permute(0, 3, 1, 2).contiguous().float() / 255


def integers(name):
    return torch.from_numpy(numpy.fromfile(folder / name, dtype=numpy.int32).astype(numpy.int64))


def decibels(squares):
    return -10 * math.log10(squares)


@torch.no_grad()
def measure(net, test, labels):
    sums, codes = {}, []

    def add(name, value, n):
        sums[name] = sums.get(name, 0) + float(value) * n / len(test)

    for x, label in zip(test.split(batch), labels.split(batch)):
        loss, terms, _ = objective(net, x, x, label)
        z = net.code(x, label)
        y = net.pixels(z, label)
        add("loss", loss, len(x))
        for name, term in terms.items():
            add("term " + name, term, len(x))
        if manifest["loss"] == "bernoulli":
            add("reconstruction", net.compared(net.decode(z, label), x).mean(), len(x))
        add("mse", F.mse_loss(y, x), len(x))
        if manifest["corrupt"]:
            seen = corrupted(x)
            add("damaged", F.mse_loss(seen, x), len(x))
            add("restored", F.mse_loss(net.pixels(net.code(seen)), x), len(x))
        codes.append(z)
    return {
        "loss": sums["loss"],
        "terms": [{"name": n[5:], "value": v} for n, v in sums.items() if n.startswith("term ")],
        "reconstruction": sums.get("reconstruction", 0),
        "mse": sums["mse"],
        "active": int((torch.cat(codes).var(0, correction=0) > 0.01).sum()),
        "damaged": decibels(sums["damaged"]) if manifest["corrupt"] else 0,
        "restored": decibels(sums["restored"]) if manifest["corrupt"] else 0,
    }


def load(net):
    values = numpy.fromfile(folder / "weights.bin", dtype=numpy.float32)
    state, at = {}, 0
    for parameter in manifest["parameters"]:
        size = int(numpy.prod(parameter["shape"]))
        state[parameter["name"]] = torch.from_numpy(values[at : at + size].reshape(parameter["shape"]).copy())
        at += size
    net.load_state_dict(state, strict=True)


def main():
    net = Network()
    load(net)
    optimiser = torch.optim.Adam(net.parameters(), lr=manifest["rate"])
    train, test, labels = images("train.bin"), images("test.bin"), integers("train-labels.bin")
    order = integers("order.bin").view(manifest["epochs"], -1, batch)
    print(json.dumps({"torch": torch.__version__, "python": platform.python_version()}), flush=True)
    step, warming = 0, manifest["warm_up"] * order.shape[0] * order.shape[1]
    for epoch in order:
        total = 0.0
        for indices in epoch:
            step += 1
            x = train[indices]
            loss, _, descended = objective(net, x, corrupted(x), labels[indices], min(1, step / warming) if warming else 1)
            optimiser.zero_grad()
            descended.backward()
            if manifest["clip"]:
                nn.utils.clip_grad_norm_(net.parameters(), manifest["clip"])
            optimiser.step()
            if kind == "vq":
                net.codebook.learn(*net.met)
            total += loss.item()
        print(json.dumps({"train": total / len(epoch)}), flush=True)
    print(json.dumps(measure(net, test, integers("test-labels.bin"))), flush=True)


main()
