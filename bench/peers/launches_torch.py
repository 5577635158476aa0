"""What PyTorch's eager mode launches and moves in a training step of a standard
workload: the peer of bench/launches. It needs no GPU, and computes nothing: the
tensors have sizes alone.

    launches_torch.py WORKLOAD BATCH ...

A step is zero_grad, forward, backward and fused Adam, as in gpu_torch.py. Counted
is every operation of ATen that is no view and does not merely take memory:

    operations     each once
    bytes          of its operands read and its results written, each once
    kernels        what each launches on CUDA at least, by the sources of ATen
    kernel_bytes   of their operands and results

All doubts are decided for PyTorch: cuDNN changes no layout, multiplies without
workspace and normalises a batch in one kernel that reads it once, a sum takes one
launch, and so does fused Adam for all parameters. The line of JSON holds the sums,
and the operations by name.
"""
import json
import math
import sys

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from workloads import WORKLOADS

FIGURES = ("operations", "bytes", "kernels", "kernel_bytes")
FREE = {"empty", "empty_like", "empty_strided", "new_empty", "detach", "_unsafe_view", "lift_fresh"}
UNREAD = {"randn_like", "ones_like", "zeros_like"}  # they read the shape alone


def size(tensors):
    """Bytes of distinct elements: what is repeated by a stride of 0 counts once."""
    return sum(t.element_size() * math.prod(n for n, stride in zip(t.shape, t.stride()) if stride) for t in tensors)


def kernels(name, given, result):
    """How many kernels an operation launches at least, and what they read and write
    beyond its operands and results, each once."""
    of = lambda argument: size([given[argument]])
    match name:
        case "convolution" if given["bias"] is not None:  # Convolution.cpp: cuDNN's, then add_ of the bias
            return 2, 2 * size([result])
        case "convolution_backward":  # by the input, by the weights, and the sum by the bias: each reads dy
            n = sum(given["output_mask"])
            return n, (n - 1) * of("grad_output")
        case "native_group_norm":  # group_norm_kernel.cu: moments, a and b of each channel, a·x + b
            return 3, of("input")
        case "native_group_norm_backward":  # the same file: sums, c1, c2 and c3, dx, dscale and dshift
            return 5, of("grad_out") + of("input")
        case "mse_loss":  # Loss.cpp: the squares, their mean
            return 2, 2 * of("self")
        case "binary_cross_entropy_with_logits":  # Loss.cpp: 1 - t, mul_, log_sigmoid, sub_, sum
            return 5, 9 * of("self")
    return 1, 0


def tensors(values):
    return [t for t in tree_flatten(values)[0] if isinstance(t, torch.Tensor)]


class Count(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.by_name = {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        name = operation._schema.name.removeprefix("aten::")
        if operation.namespace == "aten" and not operation.is_view and name not in FREE:
            schema = operation._schema.arguments
            given = {a.name: a.default_value for a in schema} | dict(zip((a.name for a in schema), args)) | (kwargs or {})
            changed = [a.name for a in schema if a.alias_info and a.alias_info.is_write]
            if name == "_fused_adam_":
                changed.remove("grads")  # which it writes only to undo a scaler's factor
            made = [] if changed else tensors(result)
            written = size(made) + sum(size(tensors(given[c])) for c in changed)
            read = 0 if name in UNREAD else size(tensors([args, kwargs]))
            self.add(name, read + written, *kernels(name, given, result))
        return result

    def add(self, name, moved, launches, besides):
        seen = self.by_name.setdefault(name, dict.fromkeys(FIGURES, 0))
        for figure, n in zip(FIGURES, (1, moved, launches, moved + besides)):
            seen[figure] += n


def count(make, batch):
    with FakeTensorMode():
        model = make()
        optimiser = torch.optim.Adam(model.parameters(), lr=make.rate, fused=True)
        x = torch.rand(batch, *make.shape)

        def step():
            optimiser.zero_grad(set_to_none=True)
            model(x).backward()
            optimiser.step()

        step()  # makes the moments
        with Count() as counted:
            step()
    by_name = dict(sorted(counted.by_name.items()))
    total = {key: sum(one[key] for one in by_name.values()) for key in FIGURES}
    return {"batch": batch, **total, "by_name": by_name, "parameters": sum(p.numel() for p in model.parameters())}


asked = zip(sys.argv[1::2], map(int, sys.argv[2::2]))
print(json.dumps({"torch": torch.__version__, "workloads": {name: count(WORKLOADS[name], batch) for name, batch in asked}}))
