"""Whether a GPU that is there can be used."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from swath._doctor_check import Check

DRIVER = Path("/proc/driver/nvidia/version")
"""There where NVIDIA's driver is loaded, containers with its toolkit included."""

ONNX_HELP = "pip install --force-reinstall --no-deps onnxruntime-gpu"
TORCH_HELP = "install a torch that is built for CUDA: https://pytorch.org/get-started"


def gpu() -> Check:
    """Look for a GPU, and whether ONNX Runtime and torch can use it."""
    import onnxruntime

    cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if not DRIVER.exists():
        if cuda:
            advice = "load NVIDIA's driver; in a container, give it the GPU (docker run --gpus all)"
            found = "ONNX Runtime is built for CUDA, and there is no NVIDIA driver"
            return Check(name="gpu", state="warn", found=found, advice=advice)
        return Check(name="gpu", state="ok", found="none; encoders run on the processor")
    if not cuda:
        found = "a GPU is here, and ONNX Runtime cannot use it"
        return Check(name="gpu", state="warn", found=found, advice=ONNX_HELP)
    return _torch()


def _torch() -> Check:
    try:
        built = version("torch")
    except PackageNotFoundError:
        return Check(name="gpu", state="ok", found="ONNX Runtime uses CUDA; torch is not installed")
    from embeddings import gpu_names

    names = gpu_names()
    if not names:
        return Check(
            name="gpu", state="warn", found=f"a GPU is here, and torch {built} cannot use it", advice=TORCH_HELP
        )
    return Check(name="gpu", state="ok", found=f"{', '.join(names)}; ONNX Runtime and torch {built} use CUDA")
