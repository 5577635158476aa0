"""The standard workloads in PyTorch on a GPU, tuned: the peer of bench/gpucheck.

    gpu_torch.py WORKLOAD BATCH SECONDS PRECISION,... eager|compiled
    gpu_torch.py ceilings

WORKLOAD is W1, W2 or W3. Modes, eager or compiled ones, are warmed up and compiled
within about SECONDS; what takes longer is absent. The precisions are fp32, tf32 and
bf16, which is autocast with parameters in float32. The first line of output says
versions, the number of parameters, the modes by precision, and which are absent and
why. Each line of input, {"mode": NAME, "seconds": S}, is then answered by a line with the
milliseconds of a step, measured for about S seconds in each of three ways:

    host_ms    each from the batch in pinned memory to its loss on the host
    queued_ms  the same, but nothing waits for the losses of steps before the last
    device_ms  steps alone, one right behind the other, by events of the device

and the memory that the mode would take alone. A mode has its activations and its
CUDA graph only while it is timed.

cuDNN chooses its algorithms by their times in the first steps, so the processes for
eager modes take these one after another.

With ceilings it measures how fast the GPU copies (bytes read and written) and
multiplies matrices, prints a line, and ends.
"""
import fcntl
import gc
import json
import os
import signal
import sys
import time

BEGAN = time.monotonic()  # to import PyTorch takes some of the time that there is

import torch

from workloads import WORKLOADS

PRECISIONS = ("fp32", "tf32", "bf16")
EAGER, GRAPH, COMPILED = "eager", "eager, CUDA graph", "compile max-autotune, CUDA graph"
WAYS = {"eager": (EAGER, GRAPH), "compiled": (COMPILED,)}


def precision(number):
    allowed = number != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
    if hasattr(torch.backends.cudnn, "fp32_precision"):  # which alone Inductor asks for its convolutions, as of 2.9
        torch.backends.cudnn.fp32_precision = "tf32" if allowed else "ieee"


def clean():
    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()


class Mode:
    """A model with its optimiser and a way to take steps with it."""

    def __init__(self, make, batch, number, way):
        self.number, self.way, self.graph = number, way, None
        clean()
        before = torch.cuda.memory_allocated()
        precision(number)
        torch.manual_seed(1)
        self.model = make().cuda().to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=make.rate, fused=True, capturable=True)
        self.loss_of = torch.compile(self.model, mode="max-autotune-no-cudagraphs") if way == COMPILED else self.model
        self.x = torch.empty(batch, *make.shape, device="cuda").to(memory_format=torch.channels_last)
        try:
            self.x.copy_(pinned)
            for _ in range(2):  # compiles
                self.eager()
        finally:
            self.release()
        self.kept = torch.cuda.memory_allocated() - before

    def eager(self):
        self.optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=self.number == "bf16"):
            loss = self.loss_of(self.x)
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def replay(self):
        self.graph.replay()
        return self.loss

    def activate(self):
        """Returns the step, ready to be timed."""
        precision(self.number)
        clean()
        self.others = torch.cuda.memory_allocated() - self.kept, torch.cuda.memory_reserved() - self.kept
        torch.cuda.reset_peak_memory_stats()
        for _ in range(3):
            self.eager()
        if self.way == EAGER:
            return self.eager
        self.optimiser.zero_grad(set_to_none=True)
        clean()
        torch.cuda.reset_peak_memory_stats()
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph, stream=torch.cuda.current_stream()):
            self.loss = self.eager()
        return self.replay

    def memory(self):
        return {"peak_bytes": torch.cuda.max_memory_allocated() - self.others[0], "reserved_bytes": torch.cuda.max_memory_reserved() - self.others[1]}

    def release(self):
        self.loss = self.graph = None
        self.optimiser.zero_grad(set_to_none=True)
        clean()


def measure(mode, seconds):
    step, x = mode.activate(), mode.x

    def whole():
        x.copy_(pinned, non_blocking=True)
        return step()

    host, began = [], time.perf_counter()
    while len(host) < 3 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        whole().item()
        host.append(1e3 * (time.perf_counter() - start))
    n = len(host)
    losses = torch.empty(n, pin_memory=True)
    start = time.perf_counter()
    for i in range(n):
        losses[i].copy_(whole(), non_blocking=True)
    torch.cuda.synchronize()
    queued = 1e3 * (time.perf_counter() - start) / n
    if not torch.isfinite(losses).all():
        raise RuntimeError("the loss is not finite")
    return {"host_ms": host, "queued_ms": queued, "device_ms": 1e3 * elapsed(step, n), **mode.memory()}


def elapsed(work, n):
    """Seconds on the GPU of each of n runs of work, one right behind the other."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(n):
        work()
    end.record()
    end.synchronize()
    return 1e-3 * start.elapsed_time(end) / n


def ceilings():
    """Medians of rounds, as time allows the clocks to settle."""
    def median(work):
        elapsed(work, 3)
        return sorted(elapsed(work, 10) for _ in range(7))[3]

    a = torch.rand(1 << 29, device="cuda")
    b = torch.empty_like(a)
    found = {"gpu": torch.cuda.get_device_name(), "copy_bytes_per_second": 2 * 4 * a.numel() / median(lambda: b.copy_(a)), "flops_per_second": {}}
    del a, b
    side = 8192
    for number in PRECISIONS:
        precision(number)
        kind = torch.bfloat16 if number == "bf16" else torch.float32
        a, b = (torch.randn(side, side, device="cuda").to(kind) for _ in range(2))
        c = torch.empty_like(a)
        found["flops_per_second"][number] = 2 * side**3 / median(lambda: torch.mm(a, b, out=c))
    return found


class Late(BaseException):
    """What compiles catches every Exception."""


def late(signum, frame):
    raise Late("it was not ready in time")


def prepare(make, batch, seconds, precisions, ways):
    """Builds the modes; fp32, which takes longest, comes last."""
    modes, absent = {}, {}
    signal.signal(signal.SIGALRM, late)
    for way in ways:
        for number in reversed(precisions):
            name = f"{way}, {number}"
            left = int(seconds - (time.monotonic() - BEGAN))
            if way == COMPILED and make is WORKLOADS["W3"] and number == "fp32":
                absent[name] = "left out: its compilation takes long, and fp32 is bound by arithmetic"
                continue
            if left < 1:
                absent[name] = "it was not ready in time"
                continue
            signal.setitimer(signal.ITIMER_REAL, left, 5)  # again, should somebody catch it
            try:
                modes[name] = number, Mode(make, batch, number, way)
            except (Exception, Late) as reason:  # whatever it is, the mode is not to be had here
                absent[name] = said(reason)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            print(f"gpu_torch: {make.__name__} {name} {absent.get(name, 'is ready')} after {time.monotonic() - BEGAN:.0f} s", file=sys.stderr, flush=True)
    return modes, absent


def said(reason):
    return f"{type(reason).__name__}: {str(reason).strip()}".split("\n")[0]


def serve(modes):
    for line in sys.stdin:
        asked = json.loads(line)
        mode = modes[asked["mode"]][1]
        try:
            answer = measure(mode, asked["seconds"])
        except Exception as reason:  # of memory, above all
            answer = {"absent": said(reason)}
        mode.release()
        print(json.dumps(answer), file=answers, flush=True)


answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what others print is no answer
torch.backends.cudnn.benchmark = True
torch.cuda.set_stream(torch.cuda.Stream())  # a graph cannot be captured behind work on the default stream
if sys.argv[1] == "ceilings":
    print(json.dumps(ceilings()), file=answers, flush=True)
    sys.exit()
make, batch, seconds = WORKLOADS[sys.argv[1]], int(sys.argv[2]), float(sys.argv[3])
precisions, ways = sys.argv[4].split(","), WAYS[sys.argv[5]]
pinned = torch.rand(batch, *make.shape).to(memory_format=torch.channels_last).pin_memory()
with open(__file__) as turns:
    if EAGER in ways:
        fcntl.flock(turns, fcntl.LOCK_EX)
    modes, absent = prepare(make, batch, seconds, precisions, ways)
print(json.dumps({
    "versions": {"torch": torch.__version__, "cuda": torch.version.cuda or "", "cudnn": str(torch.backends.cudnn.version()),
                 "python": sys.version.split()[0], "gpu": torch.cuda.get_device_name()},
    "parameters": sum(p.numel() for p in make().parameters()),
    "modes": {number: [name for name, (of, _) in modes.items() if of == number] for number in precisions},
    "absent": absent,
}), file=answers, flush=True)
serve(modes)
