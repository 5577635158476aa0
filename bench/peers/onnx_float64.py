"""What the operators of an ONNX model say in float64, by onnx.reference.

onnxruntime has no convolution in float64; the reference has, and is slow.
"""

import numpy
import onnx
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun


class ConvTranspose(OpRun):
    """The reference's own, of onnx 1.23, refuses groups: it takes the weights of
    one by the number of outputs."""

    def _run(self, x, w, b=None, dilations=None, group=None, output_padding=None, pads=None, strides=None, **_):
        (n, c, *size), (_, outputs, *kernel) = x.shape, w.shape
        x = x.reshape(n, group, c // group, *size)
        w = w.reshape(group, c // group, outputs, *kernel)
        spread = [(size[i] - 1) * strides[i] + 1 for i in (0, 1)]
        whole = [spread[i] + (kernel[i] - 1) * dilations[i] + output_padding[i] for i in (0, 1)]
        y = numpy.zeros((n, group, outputs, *whole), x.dtype)
        for r in range(kernel[0]):
            for s in range(kernel[1]):
                top, left = r * dilations[0], s * dilations[1]
                term = numpy.einsum("ngchw,gck->ngkhw", x, w[..., r, s])
                y[..., top : top + spread[0] : strides[0], left : left + spread[1] : strides[1]] += term
        y = y[..., pads[0] : whole[0] - pads[2], pads[1] : whole[1] - pads[3]]
        y = y.reshape(n, group * outputs, *y.shape[-2:])
        return (y if b is None else y + b[:, None, None],)


class Float64:
    """A function from named inputs to named outputs, of a float32 model."""

    def __init__(self, model):
        exact = onnx.ModelProto()
        exact.CopyFrom(model)
        graph = exact.graph
        scales = {n.input[2] for n in graph.node if n.op_type == "Resize"}  # which are float32 always
        for tensor in graph.initializer:
            if tensor.data_type == TensorProto.FLOAT and tensor.name not in scales:
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float64), tensor.name))
        for value in [*graph.input, *graph.output]:
            if value.type.tensor_type.elem_type == TensorProto.FLOAT:
                value.type.tensor_type.elem_type = TensorProto.DOUBLE
        onnx.checker.check_model(exact, full_check=True)
        self.evaluator = ReferenceEvaluator(exact, new_ops=[ConvTranspose])

    def __call__(self, given):
        made = self.evaluator.run(None, {name: given[name].astype(numpy.float64) for name in self.evaluator.input_names})
        return dict(zip(self.evaluator.output_names, made))
