"""The standard workloads in PyTorch on the CPU, tuned: the peer of hourglass bench.

    step_torch.py WORKLOAD BATCH THREADS STEPS MODE

WORKLOAD is W1, W2 or W3, as bench/w1.go and its siblings describe them; MODE is
eager, channels-last or compile, which is channels-last too. The first line of
output says versions and the number of parameters, or why the mode is not to be
had here. Each line of input is then answered by a line with the milliseconds of
STEPS steps and the most memory that the process has had. A step goes from a
batch in memory to its loss as a number.
"""
import json
import resource
import sys
import time

import torch

from workloads import WORKLOADS

workload, batch, threads, steps, mode = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
make = WORKLOADS[workload]


def trainer():
    torch.manual_seed(1)
    layout = torch.contiguous_format if mode == "eager" else torch.channels_last
    model = make().to(memory_format=layout)
    optimiser = torch.optim.Adam(model.parameters(), lr=make.rate, fused=True)
    loss_of = torch.compile(model) if mode == "compile" else model
    x = torch.rand(batch, *make.shape).to(memory_format=layout)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(x)
        loss.backward()
        optimiser.step()
        return loss.item()

    for _ in range(2):  # warms up, compiles
        step()
    return step


versions = {"pytorch": torch.__version__, "python": sys.version.split()[0]}
try:
    step = trainer()
except Exception as reason:  # whatever it is, the mode is not to be had here
    print(json.dumps({"versions": versions, "absent": str(reason).strip().split("\n")[0]}), flush=True)
    sys.exit()
print(json.dumps({"versions": versions, "parameters": sum(p.numel() for p in make().parameters())}), flush=True)
for _ in sys.stdin:
    times = []
    for _ in range(steps):
        began = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - began))
    print(json.dumps({"ms": times, "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)
