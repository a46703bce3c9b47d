"""A tower in int8: static quantisation after a look at real items, and the cosine to what it was."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from core import ConfigError

BATCH = 16


def quantise(path: Path, planes: Tensor | None) -> None:
    """Replace an fp32 network over planes by one whose pointwise convolutions compute in int8.

    Weights get a scale for each channel, activations the range seen on `planes`; QDQ nodes, as ONNX Runtime wants them
    (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html).

    Args:
        path: ONNX file with the input `planes`.
        planes: Real items, (n, planes, size, size) uint8.

    Raises:
        ConfigError: There are no items to look at.
    """
    if planes is None or len(planes) == 0:
        raise ConfigError(f"export.weights = 'int8' needs items to calibrate {path.stem} on, and no pool has any")
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger("root").setLevel(logging.ERROR)  # onnxruntime recommends there what is done here
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            _reader(planes.numpy()),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=delicate(onnx.load(prepared)),
        )


def delicate(model: Any) -> list[str]:
    """Return the convolutions that stay fp32: depthwise ones, the first three and the last two.

    Measured on real items with an optical tower in training, cosine to fp32 (mean, first percentile): everything in
    int8 0.737 and 0.230, convolutions alone 0.995 and 0.951, without depthwise ones 0.997 and 0.976, and without these
    0.9998 and 0.9988.
    """
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    grouped = [node for node in convolutions if any(part.name == "group" and part.i > 1 for part in node.attribute)]
    return sorted({node.name for node in (*grouped, *convolutions[:3], *convolutions[-2:])})


def cosines(path: Path, planes: Tensor, expected: Tensor) -> tuple[float, float]:
    """Return mean and first percentile of the cosine of a stored network's vectors to the `expected` (n, d)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    parts = [session.run(None, {"planes": part.numpy()})[0] for part in torch.split(planes, BATCH)]
    found = (np.concatenate(parts) * expected.numpy()).sum(axis=1)
    return float(found.mean()), float(np.percentile(found, 1))


def _reader(planes: NDArray[np.uint8]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
        """Feeds the items in batches."""

        def __init__(self) -> None:
            self._batches: Iterator[dict[str, NDArray[np.uint8]]] = (
                {"planes": planes[start : start + BATCH]} for start in range(0, len(planes), BATCH)
            )

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            """Return the next batch, or None after the last."""
            return next(self._batches, None)

    return Reader()
