"""Writes golden.safetensors with the Python package, for the Go reader's test.

Made with Python 3.11, safetensors 0.8.0, numpy 2.4.6:
    pip install safetensors==0.8.0 numpy==2.4.6 && python golden.py
"""

import pathlib

import numpy
from safetensors.numpy import save_file

save_file(
    {
        "encoder.0.weight": (numpy.arange(24, dtype=numpy.float32) / 8 - 1).reshape(2, 3, 2, 2),
        "encoder.0.bias": numpy.array([1e-38, -numpy.inf], dtype=numpy.float32),
        "norm.num_batches_tracked": numpy.array(-(2**62) - 1, dtype=numpy.int64),
        "variance": numpy.array([1 / 3, 1e300], dtype=numpy.float64),
        "palette": numpy.array([[0, 1, 255]], dtype=numpy.uint8),
        "half": numpy.array([1, 2, 3], dtype=numpy.float16),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
        'a "quoted" name, größer': numpy.array([7], dtype=numpy.float32),
    },
    pathlib.Path(__file__).with_name("golden.safetensors"),
    metadata={"format": "pt", "note": "line\nbreak, ü, \U0001F600"},
)
