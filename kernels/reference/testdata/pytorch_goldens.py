"""Writes pytorch_goldens.json.gz: operations of package kernels with operands
and results computed by PyTorch in float64, for TestPyTorch to repeat.

    python pytorch_goldens.py        PyTorch 2.15.0 on a CPU, seed 20240229

A record is {"name", "type", "op", "in", "out"}: a Go type of package kernels,
its fields (enumerations by name), flat operands and the flat result. Results
of autograd are records of the backward types. Optimisers are records with
"rate", "params", "grads" (one list a step) and "out" (parameters after each
step). Images are converted from PyTorch's NCHW to NHWC.
"""

import gzip
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20240229)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

records = []


def draw(*shape, low=-2.0, high=2.0):
    """Uniform numbers of three decimals, which keep the file small."""
    x = torch.rand(shape) * (high - low) + low
    return (torch.round(x * 1000) / 1000).requires_grad_()


def flat(t):
    return t.detach().contiguous().reshape(-1).tolist()


def nhwc(t):
    return t.permute(0, 2, 3, 1)


def record(type, op, operands, result, name):
    records.append({"name": f"{type} {name}", "type": type, "op": op,
                    "in": [flat(t) for t in operands], "out": flat(result)})


def gradients(y, *leaves):
    """An upstream gradient for y, and the gradients of the leaves under it."""
    dy = draw(*y.shape).detach()
    return dy, torch.autograd.grad(y, leaves, dy)


# Convolutions: N, C, H, W, K, R, S, then (height, width) pairs.
GEOMETRIES = [
    ("3x3", (2, 3, 5, 4, 4, 3, 3), (1, 1), (1, 1), (1, 1), 1),
    ("stride 2 on an odd image", (1, 2, 7, 5, 3, 3, 3), (2, 2), (1, 1), (1, 1), 1),
    ("height unlike width", (1, 2, 9, 8, 2, 3, 2), (2, 3), (2, 0), (1, 2), 1),
    ("dilation", (1, 2, 7, 8, 2, 3, 3), (1, 1), (2, 2), (2, 2), 1),
    ("2 groups", (2, 4, 5, 5, 6, 3, 3), (2, 2), (1, 1), (1, 1), 2),
    ("depthwise", (1, 3, 5, 6, 6, 3, 3), (1, 1), (1, 1), (1, 1), 3),
    ("1x1", (2, 3, 3, 2, 5, 1, 1), (1, 1), (0, 0), (1, 1), 1),
]
for name, (n, c, h, w, k, r, s), stride, pad, dilation, groups in GEOMETRIES:
    op = {"N": n, "C": c, "H": h, "W": w, "K": k, "R": r, "S": s,
          "StrideH": stride[0], "StrideW": stride[1], "PadH": pad[0], "PadW": pad[1],
          "DilationH": dilation[0], "DilationW": dilation[1], "Groups": groups}
    x, weight, bias = draw(n, c, h, w), draw(k, c // groups, r, s), draw(k)
    y = F.conv2d(x, weight, bias, stride, pad, dilation, groups)
    record("ConvolveForward", op | {"Bias": True}, [nhwc(x), weight, bias], nhwc(y), name)
    dy, (dx, dw) = gradients(y, x, weight)
    record("ConvolveBackwardInput", op, [nhwc(dy), weight], nhwc(dx), name)
    record("ConvolveBackwardWeight", op, [nhwc(x), nhwc(dy)], dw, name)
    y = F.elu(y, 0.7)
    record("ConvolveForward", op | {"Bias": True, "Activation": {"Function": "elu", "Alpha": 0.7}},
           [nhwc(x), weight, bias], nhwc(y), name + " then ELU")

# Transposed convolutions: N, K (in), P, Q, C (out), R, S, then pairs.
TRANSPOSED = [
    ("doubling", (1, 3, 4, 3, 2, 3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1),
    ("output padding in height", (2, 2, 3, 3, 3, 4, 3), (3, 2), (1, 0), (2, 0), (1, 1), 1),
    ("2 groups, dilation", (1, 4, 3, 4, 4, 3, 3), (2, 1), (1, 2), (1, 0), (1, 2), 2),
]
for name, (n, k, p, q, c, r, s), stride, pad, extra, dilation, groups in TRANSPOSED:
    x, weight, bias = draw(n, k, p, q), draw(k, c // groups, r, s), draw(c)
    y = F.conv_transpose2d(x, weight, bias, stride, pad, extra, groups, dilation)
    op = {"N": n, "C": c, "H": y.shape[2], "W": y.shape[3], "K": k, "R": r, "S": s,
          "StrideH": stride[0], "StrideW": stride[1], "PadH": pad[0], "PadW": pad[1],
          "DilationH": dilation[0], "DilationW": dilation[1], "Groups": groups}
    record("ConvolveBackwardInput", op | {"Bias": True}, [nhwc(x), weight, bias], nhwc(y), "transposed, " + name)
    record("ConvolveBackwardInput", op | {"Bias": True, "Activation": {"Function": "silu"}},
           [nhwc(x), weight, bias], nhwc(F.silu(y)), "transposed then SiLU, " + name)
    dy, (dx, dw) = gradients(y, x, weight)
    record("ConvolveForward", op, [nhwc(dy), weight], nhwc(dx), "gradient of transposed, " + name)
    record("ConvolveBackwardWeight", op, [nhwc(dy), nhwc(x)], dw, "of transposed, " + name)

# A linear layer and its gradients.
x, weight, bias = draw(5, 7), draw(3, 7), draw(3)
y = F.linear(x, weight, bias)
record("Multiply", {"M": 5, "N": 3, "K": 7, "TransB": True, "Bias": True}, [x, weight, bias], y, "linear")
dy, (dx, dw, db) = gradients(y, x, weight, bias)
record("Multiply", {"M": 5, "N": 7, "K": 3}, [dy, weight], dx, "linear by input")
record("Multiply", {"M": 3, "N": 7, "K": 5, "TransA": True}, [dy, x], dw, "linear by weight")
record("Reduce", {"From": [5, 3], "To": [3], "Scale": 1}, [dy], db, "linear by bias")
image = draw(2, 3, 4, 5)
record("Transpose", {"Batch": 2, "Rows": 20, "Columns": 3}, [nhwc(image)], image.flatten(1), "flatten")

# Pooling; the inputs of three decimals in a narrow range have ties.
POOLS = [
    ("2x2", (2, 2), (2, 2), (0, 0)),
    ("3x2, overlapping, padded", (3, 2), (2, 1), (1, 1)),
    ("3x3, stride 1", (3, 3), (1, 1), (1, 0)),
]
for name, window, stride, pad in POOLS:
    n, c, h, w = 2, 2, 7, 6
    op = {"N": n, "C": c, "H": h, "W": w, "R": window[0], "S": window[1],
          "StrideH": stride[0], "StrideW": stride[1], "PadH": pad[0], "PadW": pad[1]}
    for label, low in [("", -2.0), (" with ties", -0.002)]:
        x = draw(n, c, h, w, low=low, high=-low)
        y = F.max_pool2d(x, window, stride, pad)
        record("PoolForward", op, [nhwc(x)], nhwc(y), "max " + name + label)
        dy, (dx,) = gradients(y, x)
        record("PoolBackward", op, [nhwc(x), nhwc(dy)], nhwc(dx), "max " + name + label)
    x = draw(n, c, h, w)
    y = F.avg_pool2d(x, window, stride, pad)
    record("PoolForward", op | {"Average": True}, [nhwc(x)], nhwc(y), "average " + name)
    dy, (dx,) = gradients(y, x)
    record("PoolBackward", op | {"Average": True}, [nhwc(dy)], nhwc(dx), "average " + name)

for mode, scale in [("nearest", (2, 2)), ("nearest", (3, 1)), ("bilinear", (2, 2)), ("bilinear", (3, 4))]:
    x = draw(2, 2, 3, 4)
    align = {"align_corners": False} if mode == "bilinear" else {}
    y = F.interpolate(x, scale_factor=scale, mode=mode, **align)
    op = {"N": 2, "C": 2, "H": 3, "W": 4, "ScaleH": scale[0], "ScaleW": scale[1], "Bilinear": mode == "bilinear"}
    name = f"{mode} {scale[0]}x{scale[1]}"
    record("UpsampleForward", op, [nhwc(x)], nhwc(y), name)
    dy, (dx,) = gradients(y, x)
    record("UpsampleBackward", op, [nhwc(dy)], nhwc(dx), name)

# Normalisations. Statistics are taken with torch.var, independently of the layer.
EPSILON = 1e-3


def normalised(name, op, x, y, scale, shift, statistics, frozen=False):
    """Records of a layer whose y came from x, all in our layout."""
    record("NormForward", op, [x, statistics, scale, shift], y, name)
    dy, (dx, dscale, dshift) = gradients(y, x, scale, shift)
    record("NormBackwardInput", op | {"Frozen": frozen}, [dy, x, statistics, scale], dx, name)
    record("NormBackwardScale", op, [dy, x, statistics], dscale, name)
    record("Reduce", {"From": list(x.shape), "To": list(shift.shape), "Scale": 1}, [dy], dshift, name + " by shift")


def pair(x, axes):
    return torch.cat([x.mean(axes).reshape(-1), x.var(axes, correction=0).reshape(-1)])


n, h, w, c = 3, 2, 4, 6
op = {"N": n, "Pixels": h * w, "C": c, "Groups": 1, "Epsilon": EPSILON}
x, scale, shift = draw(n, h, w, c), draw(c), draw(c)
running = torch.cat([draw(c), draw(c, low=0.5, high=2.0)]).detach()
mean, variance = running[:c].clone(), running[c:].clone()
y = nhwc(F.batch_norm(x.permute(0, 3, 1, 2), mean, variance, scale, shift, True, 0.2, EPSILON))
normalised("train", op | {"Norm": "batchnorm"}, x, y, scale, shift, pair(x, (0, 1, 2)))
record("NormStatistics", op | {"Norm": "batchnorm"}, [x], pair(x, (0, 1, 2)), "batch")
record("NormTrack", op | {"Norm": "batchnorm", "Momentum": 0.2}, [running, pair(x, (0, 1, 2))],
       torch.cat([mean, variance]), "running statistics")
y = nhwc(F.batch_norm(x.permute(0, 3, 1, 2), mean, variance, scale, shift, False, 0.2, EPSILON))
normalised("eval", op | {"Norm": "batchnorm"}, x, y, scale, shift, torch.cat([mean, variance]), frozen=True)

for groups in (1, 3, 6):
    x = draw(n, h, w, c)
    y = nhwc(F.group_norm(x.permute(0, 3, 1, 2), groups, scale, shift, EPSILON))
    statistics = pair(x.reshape(n, h * w, groups, c // groups), (1, 3))
    group_op = op | {"Norm": "groupnorm", "Groups": groups}
    normalised(f"{groups} groups", group_op, x, y, scale, shift, statistics)
    record("NormStatistics", group_op, [x], statistics, f"{groups} groups")

x = draw(n, h, w, c)
y = F.layer_norm(x, (c,), scale, shift, EPSILON)
normalised("rows", op | {"Norm": "layernorm"}, x, y, scale, shift, pair(x, (3,)))
record("NormStatistics", op | {"Norm": "layernorm"}, [x], pair(x, (3,)), "rows")

# Activations, with 0 and large arguments among the others.
ACTIVATIONS = [
    ("identity", 0, lambda x: x * 1), ("relu", 0, F.relu), ("leakyrelu", 0.2, lambda x: F.leaky_relu(x, 0.2)),
    ("elu", 1, F.elu), ("elu", 1.5, lambda x: F.elu(x, 1.5)), ("silu", 0, F.silu), ("gelu", 0, F.gelu),
    ("tanh", 0, torch.tanh), ("sigmoid", 0, torch.sigmoid), ("softplus", 0, F.softplus),
]
for name, alpha, function in ACTIVATIONS:
    x = torch.cat([draw(24, low=-4, high=4), torch.tensor([0.0, -15, 15])]).detach().requires_grad_()
    y = function(x)
    op = {"Function": name, "Alpha": alpha, "Size": x.numel()}
    record("Activate", op, [x], y, f"{name} {alpha}")
    dy, (dx,) = gradients(y, x)
    record("ActivateBackward", op, [x if name in ("silu", "gelu") else y, dy], dx, f"{name} {alpha}")

for name, function in [("exp", torch.exp), ("log", torch.log), ("square", torch.square), ("sqrt", torch.sqrt), ("abs", torch.abs)]:
    positive = name in ("log", "sqrt")
    x = draw(16, low=0.1 if positive else -3, high=3)
    if name == "abs":
        x = torch.cat([x, torch.zeros(1)]).detach().requires_grad_()
    y = function(x)
    op = {"Function": name, "Size": x.numel()}
    record("Map", op, [x], y, name)
    dy, (dx,) = gradients(y, x)
    record("MapBackward", op, [x, dy], dx, name)

for name, function in [("add", torch.add), ("subtract", torch.sub), ("times", torch.mul), ("divide", torch.div)]:
    for a, b in [((2, 3, 4), (4,)), ((3, 1, 2), (1, 4, 2)), ((), (2, 3))]:
        x, y = draw(*a), draw(*b, low=0.5, high=2)
        record("Combine", {"Arithmetic": name, "A": list(a), "B": list(b)}, [x, y], function(x, y), f"{name} {a} {b}")

# Losses; where y = t among them, and saturated logits.
LOSSES = [
    ("mse", 0, F.mse_loss), ("l1", 0, F.l1_loss),
    ("huber", 0.7, lambda y, t, reduction: F.huber_loss(y, t, reduction=reduction, delta=0.7)),
    ("bce_with_logits", 0, F.binary_cross_entropy_with_logits),
]
for name, delta, function in LOSSES:
    y = torch.cat([draw(20), torch.tensor([0.25, 60.0, -60.0, 1e4, -1e4])]).detach().requires_grad_()
    t = torch.cat([draw(20, low=0, high=1), torch.tensor([0.25, 1.0, 1.0, 0.0, 0.5])]).detach()
    op = {"Criterion": name, "Delta": delta, "Size": y.numel()}
    each = function(y, t, reduction="none")
    record("LossEach", op, [y, t], each, name)
    dy, (dx,) = gradients(each, y)
    record("LossBackward", op | {"Scale": 1, "Each": True}, [y, t, dy], dx, name + " each")
    mean = function(y, t, reduction="mean")
    record("LossSum", op | {"Scale": 1 / y.numel()}, [y, t], mean, name)
    dy, (dx,) = gradients(mean, y)
    record("LossBackward", op | {"Scale": 1 / y.numel()}, [y, t, dy], dx, name)

# Three steps of each optimiser, with and without clipping.
OPTIMISERS = [
    ({"Rule": "sgd", "Momentum": 0.9, "WeightDecay": 0.01},
     lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01)),
    ({"Rule": "sgd"}, lambda p: torch.optim.SGD(p, 0.1)),
    ({"Rule": "adam", "Beta1": 0.9, "Beta2": 0.99, "Epsilon": 1e-6, "WeightDecay": 0.1},
     lambda p: torch.optim.Adam(p, 0.1, (0.9, 0.99), 1e-6, weight_decay=0.1)),
    ({"Rule": "adamw", "Beta1": 0.8, "Beta2": 0.999, "Epsilon": 1e-8, "WeightDecay": 0.1},
     lambda p: torch.optim.AdamW(p, 0.1, (0.8, 0.999), 1e-8, weight_decay=0.1)),
]
for op, build in OPTIMISERS:
    for norm in (0, 1.5):
        parameter = draw(11)
        start = flat(parameter)
        optimiser = build([parameter])
        grads, out = [], []
        for step in range(3):
            parameter.grad = draw(11, low=-1 - step, high=1).detach()
            grads.append(flat(parameter.grad))
            if norm:
                torch.nn.utils.clip_grad_norm_([parameter], norm)
            optimiser.step()
            out.append(flat(parameter))
        records.append({"name": f"Update {op['Rule']} momentum {op.get('Momentum', 0)} clip {norm}", "type": "Optimiser",
                        "op": op | {"ClipNorm": norm}, "rate": 0.1, "params": start, "grads": grads, "out": out})

path = pathlib.Path(__file__).with_name("pytorch_goldens.json.gz")
with open(path, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
    packed.write(json.dumps({"torch": torch.__version__.split("+")[0], "records": records}, separators=(",", ":")).encode())
print(f"{path.name}: {len(records)} records, {path.stat().st_size} bytes")
