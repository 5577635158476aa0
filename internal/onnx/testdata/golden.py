"""Writes golden.onnx with the Python package, for the comparison byte by byte.

Made with Python 3.11 and the versions of bench/peers/requirements.txt:
    pip install -r bench/peers/requirements.txt && python golden.py
"""

import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

graph = helper.make_graph(
    [
        helper.make_node("Flatten", ["image"], ["row"], "row", axis=1),
        helper.make_node("Gemm", ["row", "w", ""], ["sum"], "sum", alpha=0.5, transB=1),
        helper.make_node("Reshape", ["sum", "shape"], ["y"], "y"),
        helper.make_node("AveragePool", ["y"], ["z"], "z", auto_pad="VALID", kernel_shape=[2, 1]),
        helper.make_node("ArgMax", ["z"], ["best"], "best", axis=3, keepdims=0),
    ],
    "golden",
    [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 2, 3], "pixels, größer als 0"),
    ],
    [
        helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 2, 1, 1]),
        helper.make_tensor_value_info("best", TensorProto.INT64, ["N", 2, 1]),
    ],
    [
        numpy_helper.from_array(numpy.arange(24, dtype=numpy.float32).reshape(4, 6) / 8 - 1, "w"),
        numpy_helper.from_array(numpy.array([0, 2, 2, -1], dtype=numpy.int64), "shape"),
    ],
)
for node in graph.node:  # the package sorts attributes by name, and so does the test
    assert [a.name for a in node.attribute] == sorted(a.name for a in node.attribute)
model = helper.make_model(
    graph,
    ir_version=8,
    opset_imports=[helper.make_opsetid("", 17)],
    producer_name="golden",
    producer_version="1",
    doc_string="two lines\nof it",
)
helper.set_model_props(model, {"a": "1", "b": "two"})
onnx.checker.check_model(model, full_check=True)
path = pathlib.Path(__file__).with_name("golden.onnx")
path.write_bytes(model.SerializeToString(deterministic=True))
