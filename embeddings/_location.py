"""Places to vectors as SatCLIP does it: spherical harmonics of lon, lat, then a small network of sines.

The layout of the parameters and the harmonics are those of the published weights, so that they load as they are.
Paper: https://arxiv.org/abs/2311.17179. Code read: https://github.com/microsoft/satclip (satclip/location_encoder.py,
satclip/positional_encoding/).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from core import InputError

DEGREES = 10
"""Degrees of harmonics, 0 to 9, of SatCLIP's L10 models."""
FIRST_FREQUENCY = 30.0
"""Factor within the first layer's sine (satclip/location_encoder.py, w0_initial)."""
DROPOUT = 0.5
"""Share of units left out in training, before the sine: torch's default, which SatCLIP leaves as it is."""


def spherical_harmonics(lonlat: Tensor, degrees: int = DEGREES) -> Tensor:
    """Return the real spherical harmonics of places as SatCLIP defines them.

    Without Condon-Shortley phase, orders -l to l after each other, and with SatCLIP's slip kept: harmonics of order 0
    are larger by pi than orthonormal ones, for ``sqrt((2 * l + 1) / 4 * pi)`` stands where ``/ (4 * pi)`` was meant
    (satclip/positional_encoding/spherical_harmonics_generate_ylms.py).

    Args:
        lonlat: (n, 2) lon, lat in degrees.
        degrees: Number of degrees, from 0.

    Returns:
        (n, degrees ** 2), in the dtype of `lonlat`, computed in float64.
    """
    angles = torch.deg2rad(lonlat.double() + lonlat.new_tensor([180.0, 90.0], dtype=torch.float64))
    azimuth, polar = angles[:, 0], angles[:, 1]
    legendre = _legendre(polar.cos(), polar.sin(), degrees)
    columns = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            plain = legendre[degree, abs(order)]
            if order == 0:
                columns.append(math.pi * plain)
            else:
                wave = torch.sin if order < 0 else torch.cos
                columns.append(math.sqrt(2) * plain * wave(abs(order) * azimuth))
    return torch.stack(columns, dim=-1).to(lonlat.dtype)


class Siren(nn.Module):
    """A linear layer and a sine of its sum.

    Args:
        inputs: Length of what comes in.
        outputs: Length of what goes out.
        frequency: Factor within the sine; None leaves the sum as it is.
        first: Whether this is the first layer, which starts from other weights.
        dropout: Share of sums left out in training.
    """

    def __init__(
        self, inputs: int, outputs: int, *, frequency: float | None = 1.0, first: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        bound = 1 / inputs if first else math.sqrt(6 / inputs) / (frequency or 1.0)
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))
        self._frequency, self._dropout = frequency, dropout

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs) of (n, inputs)."""
        y = functional.dropout(functional.linear(x, self.weight, self.bias), self._dropout, self.training)
        return y if self._frequency is None else torch.sin(self._frequency * y)


class SirenNet(nn.Module):
    """Hidden layers of sines and a plain last one."""

    def __init__(self, *, inputs: int, width: int, outputs: int, layers: int, dropout: float) -> None:
        super().__init__()
        first = Siren(inputs, width, frequency=FIRST_FREQUENCY, first=True, dropout=dropout)
        self.layers = nn.ModuleList([first, *(Siren(width, width, dropout=dropout) for _ in range(layers - 1))])
        self.last_layer = Siren(width, outputs, frequency=None)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs) of (n, inputs)."""
        for layer in self.layers:
            x = layer(x)
        y: Tensor = self.last_layer(x)
        return y


class LocationEncoder(nn.Module):
    """SatCLIP's location encoder.

    Args:
        width: Units of a hidden layer.
        outputs: Length of the vector.
        layers: Hidden layers.
        degrees: Degrees of harmonics.
        dropout: Share of hidden units left out in training.
    """

    def __init__(
        self, *, width: int = 512, outputs: int = 256, layers: int = 2, degrees: int = DEGREES, dropout: float = DROPOUT
    ) -> None:
        super().__init__()
        self._degrees = degrees
        self.nnet = SirenNet(inputs=degrees**2, width=width, outputs=outputs, layers=layers, dropout=dropout)

    def forward(self, lonlat: Tensor) -> Tensor:
        """Return (n, outputs), not normalised, of (n, 2) lon, lat in degrees.

        Always in float32: in bfloat16 the first sine, of angles times 30, would be noise.
        """
        with torch.autocast(lonlat.device.type, enabled=False):
            y: Tensor = self.nnet(spherical_harmonics(lonlat.float(), self._degrees))
        return y


def check_places(lonlat: Tensor) -> None:
    """Raise InputError unless `lonlat` is (n, 2) lon, lat in degrees."""
    if lonlat.ndim != 2 or lonlat.shape[1] != 2:
        raise InputError(f"places must be (n, 2) lon, lat in degrees, got {tuple(lonlat.shape)}")
    inside = (lonlat.abs() <= lonlat.new_tensor([180.0, 90.0])).all(dim=1)
    if not inside.all():
        lon, lat = lonlat[~inside][0].tolist()
        raise InputError(f"places must be lon, lat in degrees, lon first, got lon {lon:g}, lat {lat:g}")


def _legendre(cos: Tensor, sin: Tensor, degrees: int) -> dict[tuple[int, int], Tensor]:
    """Return orthonormal associated Legendre functions by degree and order, by the stable recursion over degrees.

    Numerical Recipes, 3rd edition, 6.7.1; without Condon-Shortley phase.
    """
    found: dict[tuple[int, int], Tensor] = {(0, 0): torch.full_like(cos, math.sqrt(1 / (4 * math.pi)))}
    for order in range(degrees):
        if order:
            found[order, order] = math.sqrt((2 * order + 1) / (2 * order)) * sin * found[order - 1, order - 1]
        for degree in range(order + 1, degrees):
            scale = math.sqrt((4 * degree**2 - 1) / (degree**2 - order**2))
            value = cos * found[degree - 1, order]
            if degree > order + 1:
                before = degree - 1
                value -= math.sqrt((before**2 - order**2) / (4 * before**2 - 1)) * found[degree - 2, order]
            found[degree, order] = scale * value
    return found
