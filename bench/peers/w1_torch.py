"""Workload W1 in PyTorch, tuned: the peer of bench/gpucheck.

    w1_torch.py BATCH STEPS

The first line of output says versions, the number of parameters, and which
modes do not work here and why. Each line of input is then answered by a line
with the milliseconds of STEPS steps in each mode, by the device's events and
by the host's clock. A step goes from the batch in pinned memory to its loss on
the host, as ours does.
"""
import json
import sys
import time

import torch
from torch import nn

batch, steps = int(sys.argv[1]), int(sys.argv[2])


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 7 * 7, 32))
        self.decoder = nn.Sequential(
            nn.Linear(32, 64 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 3, 2, 1, 1))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def whole(compiled):
    """A step as one CUDA graph: forward, backward and fused Adam."""
    x, step = plain(compiled)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay():
        graph.replay()
        return loss

    return x, replay


def plain(compiled):
    model = Autoencoder().cuda().to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, capturable=True)
    forward = torch.compile(model, mode=compiled) if compiled else model
    x = torch.empty(batch, 1, 28, 28, device="cuda").to(memory_format=torch.channels_last)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = nn.functional.mse_loss(forward(x), x)
        loss.backward()
        optimiser.step()
        return loss.detach()

    return x, step


def precision(name):
    allowed = name == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def timed(x, step, pinned, n):
    device, host = [], []
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    for _ in range(n):
        began = time.perf_counter()
        start.record()
        x.copy_(pinned, non_blocking=True)
        loss = step()
        end.record()
        loss.item()
        host.append(1e3 * (time.perf_counter() - began))
        end.synchronize()
        device.append(start.elapsed_time(end))
    return device, host


torch.backends.cudnn.benchmark = True
torch.manual_seed(1)
pinned = torch.rand(batch, 1, 28, 28).to(memory_format=torch.channels_last).pin_memory()
modes, absent = {}, {}
for number in ("fp32", "tf32"):
    precision(number)
    for name, make, compiled in (
        ("eager", plain, None),
        ("eager, CUDA graph", whole, None),
        ("compile max-autotune", plain, "max-autotune"),
        ("compile max-autotune, whole CUDA graph", whole, "max-autotune-no-cudagraphs"),
    ):
        try:
            x, step = make(compiled)
            timed(x, step, pinned, 30)  # warms up, compiles
            modes[f"{name}, {number}"] = (number, x, step)
        except Exception as reason:  # whatever it is, the mode is not to be had here
            absent[f"{name}, {number}"] = str(reason).split("\n")[0]

print(json.dumps({
    "versions": {"torch": torch.__version__, "cuda": torch.version.cuda or "", "cudnn": str(torch.backends.cudnn.version()),
                 "python": sys.version.split()[0], "gpu": torch.cuda.get_device_name()},
    "parameters": sum(p.numel() for p in Autoencoder().parameters()),
    "absent": absent,
}), flush=True)
for _ in sys.stdin:
    times = {}
    for name, (number, x, step) in modes.items():
        precision(number)
        times[f"{name}, device"], times[f"{name}, host"] = timed(x, step, pinned, steps)
    print(json.dumps(times), flush=True)
