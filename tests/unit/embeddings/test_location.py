"""The location encoder: harmonics as SatCLIP published them, lon before lat, and a network of sines."""

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("the location encoder needs the extra 'torch'", allow_module_level=True)

import torch  # after the skip

from core import InputError
from embeddings._location import LocationEncoder, check_places, spherical_harmonics
from tests.unit.embeddings.closp_reference import published_harmonics

PLACES = np.array([[7.69, 45.07], [-179.9, -33.2], [12.5, 90.0], [0.0, 0.0], [-71.1, -89.99], [151.2, -33.9]])


def index(degree: int, order: int) -> int:
    return degree**2 + degree + order


def test_harmonics_equal_the_formula_they_were_generated_from() -> None:
    found = spherical_harmonics(torch.from_numpy(PLACES)).numpy()
    expected = np.stack([published_harmonics(lon, lat) for lon, lat in PLACES])
    np.testing.assert_allclose(found, expected, atol=1e-10)


def test_harmonics_equal_the_published_expressions() -> None:
    """Copied digits of satclip/positional_encoding/spherical_harmonics_ylm.py, generated 2023-07-26."""
    lon, lat = 7.69, 45.07
    phi, theta = np.deg2rad(lon + 180), np.deg2rad(lat + 90)
    cos, sin = np.cos(theta), (1.0 - np.cos(theta) ** 2) ** 0.5
    published = {
        (0, 0): 0.886226925452758,
        (1, -1): 0.48860251190292 * sin * np.sin(phi),
        (1, 0): 1.53499006191973 * cos,
        (1, 1): 0.48860251190292 * sin * np.cos(phi),
        (2, 0): 2.97249547320451 * cos**2 - 0.990831824401503,
        (3, -3): 0.590043589926644 * sin**3 * np.sin(3 * phi),
        (6, -4): 0.0010678622237645 * sin**4 * (5197.5 * cos**2 - 472.5) * np.sin(4 * phi),
        (8, 0): 183.699503695146 * cos**8
        - 342.905740230939 * cos**6
        + 197.830234748619 * cos**4
        - 35.9691335906579 * cos**2
        + 0.999142599740499,
        (8, 5): 5.10587282657803e-5 * sin**5 * (337837.5 * cos**3 - 67567.5 * cos) * np.cos(5 * phi),
        (9, -9): 0.748900951853188 * sin**9 * np.sin(9 * phi),
    }
    found = spherical_harmonics(torch.tensor([[lon, lat]], dtype=torch.float64))[0].numpy()
    for (degree, order), value in published.items():
        assert found[index(degree, order)] == pytest.approx(value, abs=1e-9), (degree, order)


def test_harmonics_but_those_of_order_0_are_orthonormal() -> None:
    """Order 0 carries the published slip, a factor pi: without it this would be the identity."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    lon = np.arange(48) * 7.5 - 180
    lat = np.rad2deg(np.arccos(nodes)) - 90
    grid = np.stack(np.meshgrid(lon, lat), axis=-1).reshape(-1, 2)
    area = np.repeat(weights, 48) * 2 * np.pi / 48
    values = spherical_harmonics(torch.from_numpy(grid)).numpy()
    expected = np.ones(100)
    expected[[index(degree, 0) for degree in range(10)]] = np.pi**2
    np.testing.assert_allclose((values * area[:, None]).T @ values, np.diag(expected), atol=1e-10)


def test_longitude_comes_first() -> None:
    turned = torch.tensor([[40.0, 90.0], [-130.0, 90.0], [90.0, 40.0]], dtype=torch.float64)
    pole, same_pole, elsewhere = spherical_harmonics(turned)
    torch.testing.assert_close(pole, same_pole, atol=1e-12, rtol=0)
    assert (pole - elsewhere).abs().max() > 0.1


def test_the_antimeridian_is_one_line() -> None:
    east, west = spherical_harmonics(torch.tensor([[180.0, -12.0], [-180.0, -12.0]], dtype=torch.float64))
    torch.testing.assert_close(east, west, atol=1e-12, rtol=0)


def test_the_network_is_two_sines_and_a_plain_layer() -> None:
    torch.manual_seed(0)
    encoder = LocationEncoder(width=16, outputs=4).eval()
    state = encoder.state_dict()
    assert [(key, tuple(value.shape)) for key, value in state.items()] == [
        ("nnet.layers.0.weight", (16, 100)),
        ("nnet.layers.0.bias", (16,)),
        ("nnet.layers.1.weight", (16, 16)),
        ("nnet.layers.1.bias", (16,)),
        ("nnet.last_layer.weight", (4, 16)),
        ("nnet.last_layer.bias", (4,)),
    ]
    x = spherical_harmonics(torch.from_numpy(PLACES).float())
    x = torch.sin(30 * (x @ state["nnet.layers.0.weight"].T + state["nnet.layers.0.bias"]))
    x = torch.sin(x @ state["nnet.layers.1.weight"].T + state["nnet.layers.1.bias"])
    x = x @ state["nnet.last_layer.weight"].T + state["nnet.last_layer.bias"]
    torch.testing.assert_close(encoder(torch.from_numpy(PLACES)), x, atol=1e-6, rtol=0)


def test_half_precision_around_it_does_not_blur_places() -> None:
    torch.manual_seed(0)
    encoder = LocationEncoder(width=16, outputs=4).eval()
    places = torch.from_numpy(PLACES).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = encoder(places)
    torch.testing.assert_close(found, encoder(places), atol=1e-6, rtol=0)


def test_it_learns_and_drops_out_only_in_training() -> None:
    torch.manual_seed(0)
    encoder = LocationEncoder(width=64, outputs=4)
    places = torch.from_numpy(PLACES).float()
    assert not torch.equal(encoder(places), encoder(places))
    encoder(places).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in encoder.parameters())
    assert torch.equal(encoder.eval()(places), encoder(places))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([[45.07, 107.69]], "lon first, got lon 45.07, lat 107.69"),
        ([[181.0, 0.0]], "got lon 181"),
        ([[float("nan"), 0.0]], "got lon nan"),
        ([[1.0, 2.0, 3.0]], r"must be \(n, 2\) lon, lat"),
    ],
)
def test_what_is_no_place_is_refused(places: list[list[float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_places(torch.tensor(places))
