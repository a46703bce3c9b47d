"""Smaller ONNX files: large initializers are stored as int8 or fp16 and widened again when the session is created.

ONNX Runtime folds `Cast`, `Mul` and `Reshape` of constants while it loads, so arithmetic and speed are those of fp32;
only the stored numbers are rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 4096
"""Initializers with fewer numbers stay fp32."""
BLOCK = 32
"""Neighbours in a row that share one scale."""


def compress(model: Any) -> Any:
    """Store the large fp32 initializers of an ONNX model compactly, in place.

    Matrices become int8 with one fp16 scale for each block of a row; convolutions become fp16.

    Args:
        model: An `onnx.ModelProto`.

    Returns:
        The same model.
    """
    from onnx import numpy_helper

    nodes: list[Any] = []
    stored: list[Any] = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < SMALL:
            stored.append(tensor)
        elif values.ndim == 2 and values.shape[1] % BLOCK == 0:
            _as_int8(tensor.name, values, stored, nodes)
        else:
            _as_half(tensor.name, values, stored, nodes)
    _replace(model.graph, stored, nodes)
    return model


def blockwise_int8(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Return int8 numbers (rows, blocks, BLOCK) and fp16 scales (rows, blocks, 1) whose product is near `values`."""
    blocks = values.reshape(len(values), -1, BLOCK)
    scale = np.maximum(np.abs(blocks).max(axis=2, keepdims=True) / 127, 1e-7).astype(np.float16)
    return np.clip(np.rint(blocks / scale.astype(np.float32)), -127, 127).astype(np.int8), scale


def _as_int8(name: str, values: NDArray[np.float32], stored: list[Any], nodes: list[Any]) -> None:
    from onnx import TensorProto, helper, numpy_helper

    numbers, scale = blockwise_int8(values)
    stored.append(numpy_helper.from_array(numbers, f"{name}.int8"))
    stored.append(numpy_helper.from_array(scale, f"{name}.scale"))
    stored.append(numpy_helper.from_array(np.array(values.shape, dtype=np.int64), f"{name}.shape"))
    nodes += [
        helper.make_node("Cast", [f"{name}.int8"], [f"{name}.int8.fp32"], to=TensorProto.FLOAT),
        helper.make_node("Cast", [f"{name}.scale"], [f"{name}.scale.fp32"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.int8.fp32", f"{name}.scale.fp32"], [f"{name}.blocks"]),
        helper.make_node("Reshape", [f"{name}.blocks", f"{name}.shape"], [name]),
    ]


def _as_half(name: str, values: NDArray[np.float32], stored: list[Any], nodes: list[Any]) -> None:
    from onnx import TensorProto, helper, numpy_helper

    stored.append(numpy_helper.from_array(values.astype(np.float16), f"{name}.fp16"))
    nodes.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT))


def _replace(graph: Any, stored: list[Any], nodes: list[Any]) -> None:
    kept = list(graph.node)
    del graph.initializer[:]
    del graph.node[:]
    graph.initializer.extend(stored)
    graph.node.extend([*nodes, *kept])
