"""Where a torch network runs: in batches on the GPU in bfloat16 where there is one, otherwise on the CPU in float32.

bfloat16 is applied as autocast: matrices are multiplied in it while norms, sums and the vectors stay in float32. On the
CPU autocast is slower than float32 for vision transformers (measured on two cores), so it is not used there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

GPU_BATCH = 256
"""Inputs at a time on the GPU; half as many are tried whenever its memory is full."""
CPU_BATCH = 32
"""Inputs at a time on the CPU, which bounds the memory that activations take."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """Where to run, how precisely and how much at a time."""

    name: str
    """`cuda`, `cpu` or another name torch knows."""
    precision: Literal["bfloat16", "float32"]
    """Arithmetic of matrix products; vectors are float32 either way."""
    batch: int
    """Inputs at a time."""


def best_device() -> Device:
    """Return the GPU where torch sees one, in bfloat16 where it can compute in it, otherwise the CPU."""
    import torch

    if not torch.cuda.is_available():
        return Device(name="cpu", precision="float32", batch=CPU_BATCH)
    precision: Literal["bfloat16", "float32"] = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return Device(name="cuda", precision=precision, batch=GPU_BATCH)


def gpu_names() -> tuple[str, ...]:
    """Return the GPUs that torch can use, by their makers' names; none where torch is built without."""
    import torch

    if not torch.cuda.is_available():
        return ()
    return tuple(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))


class Placed:
    """A network on its device, in evaluation mode and without gradients.

    Args:
        network: Moved in place.
        device: None takes `best_device`.
    """

    def __init__(self, network: torch.nn.Module, device: Device | None = None) -> None:
        self.device = device or best_device()
        self.network = network.eval().requires_grad_(False).to(self.device.name)

    def unit_vectors(
        self, forward: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor, dim: int
    ) -> NDArray[np.float32]:
        """Return (n, dim) float32 unit vectors on the CPU.

        Args:
            forward: Maps a batch on the device to (n, dim) vectors of any length, e.g. a method of the network.
            inputs: (n, ...) on the CPU; sent to the device batch by batch.
            dim: Length of a vector, for n = 0.

        Raises:
            torch.OutOfMemoryError: If one single input does not fit on the device.
        """
        out = np.empty((len(inputs), dim), dtype=np.float32)
        start, size = 0, self.device.batch
        while start < len(inputs):
            part = inputs[start : start + size]
            try:
                out[start : start + len(part)] = self._run(forward, part)
            except _out_of_memory():
                if size == 1:
                    raise
                size = max(1, size // 2)
                continue
            start += len(part)
        return out

    def _run(self, forward: Callable[[torch.Tensor], torch.Tensor], part: torch.Tensor) -> NDArray[np.float32]:
        import torch

        half = self.device.precision == "bfloat16"
        with torch.inference_mode(), torch.autocast(_kind(self.device.name), dtype=torch.bfloat16, enabled=half):
            vectors = forward(part.to(self.device.name))
        unit: Any = torch.nn.functional.normalize(vectors.float(), dim=-1)
        array: NDArray[np.float32] = unit.cpu().numpy()
        return array


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _out_of_memory() -> type[BaseException]:
    import torch

    return torch.OutOfMemoryError
