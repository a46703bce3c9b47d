"""Where torch networks run. No GPU is needed: torch is told that there is one, or the GPU path runs on the CPU."""

import importlib.util
from typing import Any

import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch networks need the extra 'torch'", allow_module_level=True)

import torch  # after the skip

from embeddings._devices import Device, Placed, best_device

SMALL = Device(name="cpu", precision="float32", batch=4)


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 32), torch.nn.GELU(), torch.nn.Linear(32, 8))


@pytest.mark.parametrize(
    ("there", "bf16", "wanted"),
    [(False, False, ("cpu", "float32")), (True, True, ("cuda", "bfloat16")), (True, False, ("cuda", "float32"))],
)
def test_gpu_in_bfloat16_where_it_can(
    monkeypatch: pytest.MonkeyPatch, there: bool, bf16: bool, wanted: tuple[str, str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    device = best_device()
    assert (device.name, device.precision) == wanted


def test_the_network_is_sent_to_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def remember(self: torch.nn.Module, name: str) -> torch.nn.Module:
        asked.append(name)
        return self

    monkeypatch.setattr(torch.nn.Module, "to", remember)
    Placed(network(), Device(name="cuda", precision="bfloat16", batch=2))
    assert asked == ["cuda"]


def test_batches_are_cut_and_put_together_again() -> None:
    sizes: list[int] = []
    placed = Placed(network(), SMALL)

    def forward(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        result: torch.Tensor = placed.network(x)
        return result

    x = torch.randn(11, 6)
    vectors = placed.unit_vectors(forward, x, 8)
    assert sizes == [4, 4, 3]
    alone = np.concatenate([placed.unit_vectors(forward, x[i : i + 1], 8) for i in range(11)])
    np.testing.assert_allclose(vectors, alone, atol=1e-6)


def test_vectors_are_unit_float32_whatever_the_network_gives() -> None:
    vectors = Placed(network(), SMALL).unit_vectors(lambda x: 100.0 * x, torch.randn(5, 6), 6)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_bfloat16_multiplies_in_bfloat16_and_returns_nearly_the_same_unit_vectors() -> None:
    placed = Placed(network(), Device(name="cpu", precision="bfloat16", batch=4))
    seen: list[torch.dtype] = []

    def forward(x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = placed.network(x)
        seen.append(y.dtype)
        return y

    x = torch.randn(5, 6)
    half = placed.unit_vectors(forward, x, 8)
    full = Placed(network(), SMALL).unit_vectors(network().eval(), x, 8)
    assert seen == [torch.bfloat16, torch.bfloat16]
    assert half.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(half, axis=1), 1.0, atol=1e-6)
    assert (half * full).sum(axis=1).min() > 0.999
    assert np.abs(half - full).max() > 0


def test_a_full_gpu_is_tried_again_with_half_as_many() -> None:
    sizes: list[int] = []

    def forward(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        if len(x) > 1:
            raise torch.OutOfMemoryError("full")
        return x

    vectors = Placed(network(), SMALL).unit_vectors(forward, torch.eye(3), 3)
    np.testing.assert_array_equal(vectors, np.eye(3))
    assert sizes == [3, 2, 1, 1, 1]


def test_one_input_that_does_not_fit_is_an_error() -> None:
    def forward(x: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("full")

    with pytest.raises(torch.OutOfMemoryError):
        Placed(network(), SMALL).unit_vectors(forward, torch.eye(3), 3)


def test_nothing_in_nothing_out() -> None:
    assert Placed(network(), SMALL).unit_vectors(lambda x: x, torch.empty(0, 6), 8).shape == (0, 8)
