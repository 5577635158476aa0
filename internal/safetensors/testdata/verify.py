"""Reads the file that the Go test wrote and compares it with what it should hold."""

import sys

import numpy
from safetensors import safe_open

want = {
    "weight": numpy.arange(100_000, dtype=numpy.float32).reshape(10, 10_000) / 4,
    "bias": numpy.array([0.5, -1.5], dtype=numpy.float32),
    "steps": numpy.array(-7, dtype=numpy.int64),
    "variance": numpy.array([1 / 3, 1e300], dtype=numpy.float64),
    "bytes": numpy.array([1, 2, 3], dtype=numpy.uint8),
    "empty": numpy.zeros((0, 4), dtype=numpy.float32),
    "größe <&>": numpy.array([2], dtype=numpy.float32),
}
with safe_open(sys.argv[1], framework="numpy") as file:
    assert file.metadata() == {"model": "a < b", "note": "line\nbreak, ü"}, file.metadata()
    assert set(file.keys()) == set(want), file.keys()
    for name, values in want.items():
        got = file.get_tensor(name)
        assert got.dtype == values.dtype and got.shape == values.shape, (name, got.dtype, got.shape)
        assert (got == values).all(), name
