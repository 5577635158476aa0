"""The other side of package exchange: PyTorch, onnx.checker and onnxruntime.

    interop.py golden models/exchange/testdata   PyTorch's weights and outputs, for make test
    interop.py torch FOLDER                      our exports of all models, in PyTorch
    interop.py onnx FOLDER                       the same, in onnxruntime; needs no PyTorch

The last two read what TestPeers of package exchange wrote, a folder for each
model, and compare outputs with ours. `make interop` and `make peers` run them.
Each prints the worst difference of each model and exits with 1 if one is above
1e-5, or if a file is refused. A difference is the greatest of two elements, as a
share of the largest element where that is above 1. All is computed in float32, and
whole models in PyTorch's float64 too.
"""

import importlib.util
import pathlib
import sys

import numpy
from safetensors.numpy import load_file, save_file

TOLERANCE = 1e-5
BATCH = 5


def build():
    """The models by name, written by hand: encoder, heads, decoder and the
    function after it, with the shape of one image. Codes are the first head's,
    or what a function of the model and the encoder's features says."""
    import torch
    from torch import nn
    from torch.distributions import Normal, kl_divergence

    class Channels(nn.LayerNorm):
        def forward(self, x):
            return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    class Tied(nn.Module):
        def __init__(self, function, twin, outputs=0):
            super().__init__()
            self.apply_weight = lambda x: function(x, twin.weight, self.bias)
            self.bias = nn.Parameter(torch.rand(outputs)) if outputs else None

        def forward(self, x):
            return self.apply_weight(x)

    def tied():
        F = nn.functional
        encoder = [
            nn.Conv2d(2, 6, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(6, 4, 2, 2, bias=False), nn.ELU(),
            nn.Conv2d(4, 4, 3, 2, 1, groups=2), nn.Tanh(), nn.Flatten(), nn.Linear(80, 12), nn.SiLU(),
        ]
        code = nn.Linear(12, 4)
        decoder = [
            Tied(lambda x, w, b: x @ w + b, code, 12), nn.SiLU(),
            Tied(lambda x, w, b: x @ w + b, encoder[7], 80), nn.Tanh(), nn.Unflatten(1, (4, 5, 4)),
            Tied(lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1, 2), encoder[4], 4), nn.ELU(),
            Tied(lambda x, w, b: F.conv2d(x, w, b, 2), encoder[2]), nn.ReLU(),
            Tied(lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, (0, 1)), encoder[0], 2),
        ]
        return model((2, 9, 8), encoder, {"bottleneck": code}, decoder)

    def quantised(channels_last):
        """The entries of whole.codebook nearest to vectors of a code."""

        def codes(whole, features):
            code = whole.bottleneck(features) if hasattr(whole, "bottleneck") else features
            book = whole.codebook.weight
            vectors = code.unflatten(1, (4, 12)).transpose(1, 2) if channels_last else code
            indices = torch.cdist(vectors.reshape(-1, book.shape[1]), book).argmin(1)
            entries = book[indices].reshape(vectors.shape)
            row = entries.transpose(1, 2).flatten(1) if channels_last else entries
            return {"codes": row, "indices": indices.reshape(BATCH, -1).float()}

        return codes

    def levels(features, sizes):
        """Layers of levels of such sizes, from the image upwards."""
        all = nn.ModuleList()
        for i, size in enumerate(sizes):
            one = nn.Module()
            if i > 0:
                one.up = nn.Linear(features, features)
            one.fc_mu, one.fc_var = nn.Linear(features, size), nn.Linear(features, size)
            if above := sum(sizes[i + 1 :]):
                one.down = nn.Linear(above, features)
                one.prior_mu, one.prior_var = nn.Linear(features, size), nn.Linear(features, size)
            all.append(one)
        return all

    def three_levels(whole, x1):
        """Means of the levels' codes; a product of normal densities has the sum
        of their precisions."""
        one, two, three = whole.levels
        x2 = torch.tanh(two.up(x1))
        x3 = torch.tanh(three.up(x2))

        def normal(mean, log_variance, x):
            return Normal(mean(x), torch.exp(log_variance(x) / 2))

        def product(p, q):
            precision = p.variance.reciprocal() + q.variance.reciprocal()
            return Normal((p.mean / p.variance + q.mean / q.variance) / precision, precision.rsqrt())

        q3 = normal(three.fc_mu, three.fc_var, x3)
        p2 = normal(two.prior_mu, two.prior_var, torch.tanh(two.down(q3.mean)))
        q2 = product(normal(two.fc_mu, two.fc_var, x2), p2)
        p1 = normal(one.prior_mu, one.prior_var, torch.tanh(one.down(torch.cat([q2.mean, q3.mean], 1))))
        q1 = product(normal(one.fc_mu, one.fc_var, x1), p1)
        divergences = [kl_divergence(q1, p1), kl_divergence(q2, p2), kl_divergence(q3, Normal(torch.zeros(2), torch.ones(2)))]
        return {"codes": torch.cat([q1.mean, q2.mean, q3.mean], 1), "divergences": torch.stack([d.sum(1) for d in divergences], 1)}

    def model(shape, encoder, heads, decoder, output=None, names=str, dtype=torch.float32, classes=0, codes=None):
        whole = nn.Module()
        whole.encoder, whole.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)
        for name, head in heads.items():
            whole.add_module(name, head)

        def means(whole, features):
            all = [getattr(whole, head)(features) for head in heads] or [features]
            return dict(zip(["codes", "log_variances"], all))

        return whole, shape, codes or means, output or nn.Identity(), names, dtype, classes

    def antixk(name):
        """encoder.4.weight -> encoder.1.1.weight: three modules a block."""
        part, rest = name.split(".", 1)
        number, _, leaf = rest.partition(".")
        if part == "encoder":
            return f"encoder.{int(number) // 3}.{int(number) % 3}.{leaf}"
        if part != "decoder":
            return name
        number = int(number)
        if number == 0:
            return f"decoder_input.{leaf}"
        if number < 8:
            return f"decoder.{(number - 2) // 3}.{(number - 2) % 3}.{leaf}"
        return f"final_layer.{number - 8}.{leaf}"

    def pythae(name):
        """encoder.3.bias -> encoder.layers.1.0.bias, bottleneck -> encoder.embedding."""
        part, rest = name.split(".", 1)
        if part == "bottleneck":
            return f"encoder.embedding.{rest}"
        number, _, leaf = rest.partition(".")
        return f"{part}.layers.{int(number) // 2}.0.{leaf}"

    def examples(name):
        for ours, theirs in {"encoder.1": "fc1", "fc_mu": "fc21", "fc_var": "fc22", "decoder.0": "fc3", "decoder.2": "fc4"}.items():
            if name.startswith(ours + "."):
                return theirs + name[len(ours) :]
        raise KeyError(name)

    return {
        "dense": model(
            (1, 7, 5),
            [nn.Flatten(), nn.Linear(35, 24), nn.Tanh(), nn.Linear(24, 12), nn.ELU(0.7)],
            {"bottleneck": nn.Linear(12, 4)},
            [nn.Linear(4, 12), nn.ELU(0.7), nn.Linear(12, 24), nn.Tanh(), nn.Linear(24, 35), nn.Unflatten(1, (1, 7, 5))],
            nn.Sigmoid(),
        ),
        "odd": model(
            (1, 13, 11),
            [nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 6, 4, 3, 1), nn.LeakyReLU(0.2), nn.Flatten()],
            {"bottleneck": nn.Linear(24, 5)},
            [
                nn.Linear(5, 24), nn.LeakyReLU(0.2), nn.Unflatten(1, (6, 2, 2)),
                nn.ConvTranspose2d(6, 4, 4, 3, 1, (2, 1)), nn.ReLU(),
                nn.ConvTranspose2d(4, 1, 3, 2, 1),
            ],
        ),
        "groups": model(
            (4, 12, 10),
            [
                nn.Conv2d(4, 8, (3, 5), padding=(2, 4), dilation=2, groups=2), nn.SiLU(),
                nn.Conv2d(8, 8, 5, 3, 1, groups=4), nn.GELU(), nn.Flatten(),
            ],
            {"bottleneck": nn.Linear(96, 6)},
            [
                nn.Linear(6, 96), nn.GELU(), nn.Unflatten(1, (8, 4, 3)),
                nn.ConvTranspose2d(8, 8, 5, 3, 1, (0, 1), groups=4), nn.SiLU(),
                nn.ConvTranspose2d(8, 4, (3, 5), padding=(2, 4), groups=2, dilation=2),
            ],
        ),
        "batchnorm": model(
            (3, 9, 8),
            [nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(120, 16), nn.BatchNorm1d(16), nn.Tanh()],
            {"bottleneck": nn.Linear(16, 4)},
            [
                nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 120), nn.BatchNorm1d(120), nn.ReLU(), nn.Unflatten(1, (6, 5, 4)),
                nn.ConvTranspose2d(6, 3, 3, 2, 1, (0, 1), bias=False),
            ],
            nn.Softplus(),
        ),
        "norms": model(
            (2, 8, 7),
            [
                nn.Conv2d(2, 8, 3, padding=1), nn.GroupNorm(4, 8), nn.Softplus(),
                nn.Conv2d(8, 6, 3, 2, 1), Channels(6), nn.SiLU(), nn.Flatten(),
                nn.Linear(96, 12), nn.LayerNorm(12), nn.GELU(), nn.Linear(12, 12), nn.GroupNorm(3, 12), nn.ELU(),
            ],
            {"bottleneck": nn.Linear(12, 3)},
            [nn.Linear(3, 96), nn.Unflatten(1, (6, 4, 4)), Channels(6), nn.ConvTranspose2d(6, 2, 3, 2, 1, (1, 0))],
        ),
        "pools": model(
            (2, 9, 15),
            [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2, 1), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(2), nn.Flatten()],
            {"bottleneck": nn.Linear(8, 4)},
            [
                nn.Linear(4, 60), nn.ReLU(), nn.Unflatten(1, (4, 3, 5)), nn.Upsample(scale_factor=2),
                nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU(), nn.Upsample(scale_factor=3, mode="bilinear"), nn.Conv2d(4, 2, 3, padding=1),
            ],
        ),
        "vae": model(
            (1, 8, 6),
            [nn.Flatten(), nn.Linear(48, 20), nn.ReLU()],
            {"fc_mu": nn.Linear(20, 3), "fc_var": nn.Linear(20, 3)},
            [nn.Linear(3, 20), nn.ReLU(), nn.Linear(20, 48)],
            nn.Sequential(nn.Unflatten(1, (1, 8, 6)), nn.Sigmoid()),
            examples,
        ),
        "convvae": model(
            (3, 16, 16),
            [
                nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.LeakyReLU(),
                nn.Conv2d(4, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.LeakyReLU(), nn.Flatten(),
            ],
            {"fc_mu": nn.Linear(128, 6), "fc_var": nn.Linear(128, 6)},
            [
                nn.Linear(6, 128), nn.Unflatten(1, (8, 4, 4)),
                nn.ConvTranspose2d(8, 6, 3, 2, 1, 1), nn.BatchNorm2d(6), nn.LeakyReLU(),
                nn.ConvTranspose2d(6, 4, 3, 2, 1, 1), nn.BatchNorm2d(4), nn.LeakyReLU(),
                nn.Conv2d(4, 3, 3, padding=1),
            ],
            nn.Tanh(),
            antixk,
        ),
        "double": model(
            (1, 6, 5),
            [nn.Flatten(), nn.Linear(30, 14), nn.Sigmoid()],
            {"bottleneck": nn.Linear(14, 4)},
            [nn.Linear(4, 14), nn.Sigmoid(), nn.Linear(14, 30)],
            nn.Unflatten(1, (1, 6, 5)),
            pythae,
            torch.float64,
        ),
        "half": model(
            (2, 10, 9),
            [nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3, 2, 1), nn.Tanh(), nn.Dropout(0.3), nn.Conv2d(4, 2, 3, 2, 1), nn.Flatten()],
            {},
            [nn.Unflatten(1, (2, 3, 3)), nn.ConvTranspose2d(2, 4, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(4, 2, 3, 2, 1, (1, 0))],
            nn.LeakyReLU(0.5),
            str,
            torch.float16,
        ),
        "conditional": model(
            (1, 8, 7),
            [nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Flatten()],
            {"fc_mu": nn.Linear(64 + 3, 3), "fc_var": nn.Linear(64 + 3, 3)},
            [nn.Linear(3 + 3, 64), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)), nn.ConvTranspose2d(4, 1, 3, 2, 1, (1, 0))],
            nn.Sigmoid(),
            classes=3,
        ),
        "dilated": model(
            (2, 11, 9),
            [nn.ConvTranspose2d(2, 4, 2, 1, 0, groups=2), nn.ELU(), nn.Conv2d(4, 4, 3, 2, 2, dilation=2), nn.SiLU(), nn.Flatten()],
            {"bottleneck": nn.Linear(120, 5)},
            [
                nn.Linear(5, 120), nn.SiLU(), nn.Unflatten(1, (4, 6, 5)),
                nn.ConvTranspose2d(4, 4, 3, 2, 2, 1, groups=2, dilation=2), nn.ELU(), nn.Conv2d(4, 2, 2, padding=0),
            ],
            nn.ReLU(),
            lambda name: "module." + name,
            torch.bfloat16,
        ),
        "quantised": model(
            (2, 8, 6),
            [nn.Conv2d(2, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 4, 3, padding=1), nn.Flatten()],
            {"codebook": nn.Embedding(8, 2)},
            [
                nn.Unflatten(1, (4, 4, 3)), nn.ConvTranspose2d(4, 6, 3, padding=1), nn.ReLU(),
                nn.ConvTranspose2d(6, 2, 3, 2, 1, 1),
            ],
            codes=quantised(channels_last=True),
        ),
        "quantisedrow": model(
            (1, 6, 5),
            [nn.Flatten(), nn.Linear(30, 12), nn.Tanh()],
            {"bottleneck": nn.Linear(12, 6), "codebook": nn.Embedding(5, 3)},
            [nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 30), nn.Unflatten(1, (1, 6, 5))],
            codes=quantised(channels_last=False),
        ),
        "levels": model(
            (1, 8, 6),
            [nn.Flatten(), nn.Linear(48, 14), nn.Tanh()],
            {"levels": levels(14, [5, 3, 2])},
            [nn.Linear(10, 14), nn.Tanh(), nn.Linear(14, 48), nn.Unflatten(1, (1, 8, 6))],
            nn.Sigmoid(),
            codes=three_levels,
        ),
        "tied": tied(),
    }


def golden(folder):
    """Writes NAME.safetensors, PyTorch's weights, and NAME.golden.safetensors,
    its outputs. The weights are twice PyTorch's first ones, so that outputs are
    of the order of 1; norms get others, so that nothing is one or zero."""
    import torch
    from safetensors.torch import save_file as save_torch

    torch.use_deterministic_algorithms(True)
    torch.manual_seed(7)
    for name, (whole, shape, code, output, names, dtype, classes) in build().items():
        torch.manual_seed(7)  # so that further models change nothing for these
        for module in whole.modules():
            if type(module).__name__ in ("Conv2d", "ConvTranspose2d", "Linear"):
                with torch.no_grad():
                    module.weight *= 2
            elif hasattr(module, "eps"):  # a norm
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
                torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            if hasattr(module, "running_mean"):
                torch.nn.init.uniform_(module.running_mean, -0.3, 0.3)
                torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        weights = {k: v.to(dtype) if v.is_floating_point() else v for k, v in whole.state_dict().items()}
        whole.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in weights.items()})
        whole.eval()
        images = torch.rand(BATCH, *shape)
        conditions = torch.nn.functional.one_hot(torch.arange(BATCH) % max(classes, 1)).float()[:, :classes]
        with torch.no_grad():
            features = torch.cat([whole.encoder(images), conditions], 1)
            outputs = {"images": images, **code(whole, features)}
            outputs["reconstructions"] = output(whole.decoder(torch.cat([outputs["codes"], conditions], 1)))
            if classes:
                outputs["conditions"] = conditions
        assert outputs["reconstructions"].shape == images.shape, (name, outputs["reconstructions"].shape)
        save_torch({names(k): v for k, v in weights.items()}, folder / f"{name}.safetensors")
        save_torch({k: v.contiguous() for k, v in outputs.items()}, folder / f"{name}.golden.safetensors")
        print(f"{name:10} {sum(v.numel() for v in weights.values()):6} weights, outputs up to {outputs['reconstructions'].abs().max():.2f}")


def difference(a, b):
    if a.shape != b.shape:
        return numpy.inf
    return float(numpy.abs(a.astype(numpy.float64) - b).max()) / max(1, float(numpy.abs(b).max()))


def worst(pairs):
    """The greatest difference, NaN counting as infinite."""
    return max(d if d == d else numpy.inf for d in (difference(a, b) for a, b in pairs))


def imported(path):
    """The module of a model.py."""
    spec = importlib.util.spec_from_file_location(f"model_{path.parent.name}", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def check_torch(folder):
    """Loads model.safetensors into the class of model.py, strictly, and a run's
    checkpoint into that of the run."""
    import torch
    from safetensors.torch import load_file as load_torch

    torch.set_num_threads(1)  # the models are small, and threads that wait for a busy machine are slow
    expected = load_file(folder / "expected.safetensors")
    script = imported(folder / "model.py")
    loaded = script.load()
    in_run, checkpoints = imported(folder / "run" / "model.py"), folder / "run" / "checkpoints"
    newest = in_run.load()  # the run has no best checkpoint yet
    (checkpoints / "latest").rename(checkpoints / "best")
    for name, tensor in loaded.state_dict().items():
        for other in newest, in_run.load():
            assert torch.equal(other.state_dict()[name], tensor), name
    again = type(loaded)()
    again.load_state_dict(load_torch(folder / "model.safetensors"), strict=True)
    script.load(folder / "checkpoint.safetensors")  # with the optimiser's moments
    images = torch.from_numpy(expected["images"])
    told = [torch.from_numpy(expected["conditions"])] if "conditions" in expected else []
    with torch.no_grad():
        exact = script.load().double()(images.double(), *(t.double() for t in told))
        forward = again.eval()(images, *told)
        pairs = [
            (loaded.encode(images, *told).numpy(), expected["codes"]),
            (loaded.decode(torch.from_numpy(expected["codes"]), *told).numpy(), expected["reconstructions"]),
            *(((whole[0] if isinstance(whole, tuple) else whole).numpy(), expected["reconstructions"]) for whole in (forward, exact)),
        ]
        if "log_variances" in expected:
            pairs.append((forward[2].numpy(), expected["log_variances"]))
            drawn = again.train()(images, *told)[0]  # must run, and differ from one draw to the next
            assert not torch.equal(drawn, again(images, *told)[0])
        if "indices" in expected:
            pairs.append((loaded.indices(images).numpy(), expected["indices"]))
            pairs.append((loaded.lookup(torch.from_numpy(expected["indices"]).long()).numpy(), expected["codes"]))
        if hasattr(loaded, "draw"):
            assert again.decode(again.draw(3)).shape == (3, *images.shape[1:])
            drawn, _, paid = again.train()(images)
            assert not torch.equal(drawn, again(images)[0]) and paid.min() >= 0
        if "divergences" in expected:
            pairs.append((forward[2].numpy(), expected["divergences"]))
    return worst(pairs)


def check_onnx(folder):
    """Runs whole model, encoder and decoder on one image and on all."""
    import onnx
    import onnxruntime

    expected = load_file(folder / "expected.safetensors")
    values = {"image": "images", "condition": "conditions", "code": "codes", "reconstruction": "reconstructions", "log_variance": "log_variances", "indices": "indices"}
    pairs = []
    for part in ("whole", "encoder", "decoder"):
        path = folder / f"{part}.onnx"
        onnx.checker.check_model(onnx.load(path), full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [v.name for v in session.get_outputs()]
        for batch in (1, BATCH):
            ours = {name: expected[key][:batch] for name, key in values.items() if key in expected}
            made = session.run(names, {v.name: ours[v.name] for v in session.get_inputs()})
            pairs += [(y, ours[name]) for name, y in zip(names, made) if name in ours]
    return worst(pairs)


def main():
    commands = {"golden": golden, "torch": check_torch, "onnx": check_onnx}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "golden":
        golden(folder)
        return
    failed = False
    models = sorted(path for path in folder.iterdir() if path.is_dir())
    for one in models:
        found = commands[sys.argv[1]](one)
        failed |= not found <= TOLERANCE
        print(f"{sys.argv[1]} {one.name:18} {found:.1e}")
    sys.exit(1 if failed or not models else 0)


if __name__ == "__main__":
    main()
