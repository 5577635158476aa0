"""Single convolutions in PyTorch on the CPU: the peer of hourglass bench --layers.

    layers_torch.py THREADS

The first line of output says versions. Each line of input, "N C H W K R STRIDE
PAD PASS", is answered by a line with the milliseconds of some runs, after two
that warm up. PASS is 0 for the convolution, 1 for its gradient by the input, 2
for that by the weights. Tensors are channels-last, as PyTorch is fastest.
"""
import json
import sys
import time

import torch

threads = int(sys.argv[1])
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
print(json.dumps({"versions": {"pytorch": torch.__version__}}), flush=True)


def pass_of(n, c, h, w, k, r, stride, pad, which):
    def tensor(*shape):
        return torch.rand(*shape).sub_(0.5).to(memory_format=torch.channels_last)

    x, filters = tensor(n, c, h, w), tensor(k, c, r, r)
    dy = torch.rand_like(torch.nn.functional.conv2d(x, filters, stride=stride, padding=pad))
    if which == 0:
        return lambda: torch.nn.functional.conv2d(x, filters, stride=stride, padding=pad)
    wanted = [which == 1, which == 2, False]
    return lambda: torch.ops.aten.convolution_backward(
        dy, x, filters, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1, wanted)


with torch.no_grad():
    for line in sys.stdin:
        run = pass_of(*map(int, line.split()))
        times, begun = [], time.perf_counter()
        while len(times) < 5 or time.perf_counter() - begun < 0.05:
            started = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - started))
        print(json.dumps({"ms": times[2:]}), flush=True)
