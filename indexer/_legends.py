"""What a tile can be drawn as: the sensor's own renderings, and spectral indices in fixed colours over a fixed range.

A legend says which bands go in, by which formula, over which range, and what the colours mean, so that a person or a
model can read the picture. Ranges never depend on a tile: two pictures can be compared.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from core import Channel, InputError, Rendering, Sensor, Settings, SwathError, builtin_sensors, load_sensor

Color = Literal["red", "green", "blue", "gray"]
"""What a band is drawn as."""

INDEX_PREFIX = "index:"
"""What the name of a spectral index starts with among the renderings."""


class RenderingError(InputError):
    """A rendering that the sensor, or what is left of its bands in a file, does not allow; lists those it does."""


@dataclass(frozen=True, kw_only=True)
class SpectralIndex:
    """A normalised difference ``(first - second) / (first + second)``, -1..1, of two bands by their common names."""

    name: str
    """E.g. ``ndvi``."""
    first: tuple[str, ...]
    """Common names that may stand first; the first one the sensor has is taken."""
    second: tuple[str, ...]
    """Likewise."""
    minimum: float
    """Drawn in the first colour, and everything below."""
    maximum: float
    """Drawn in the last colour, and everything above."""
    colors: str
    """Colour map of matplotlib by its name in rio-tiler."""
    meaning: str
    """What the colours say, in a sentence."""
    source: str
    """URL of its definition."""


_NIR = ("nir", "nir08")

INDICES = (
    SpectralIndex(
        name="ndvi",
        first=_NIR,
        second=("red",),
        minimum=-0.2,  # clear water lies below it, and all of that may look alike
        maximum=0.9,  # of the densest canopies
        colors="rdylgn",
        meaning="Green is vegetation, the darker the denser; yellow is sparse or dry; orange to red is bare ground, "
        "buildings, snow, cloud or water.",
        source="https://www.usgs.gov/landsat-missions/landsat-normalized-difference-vegetation-index",
    ),
    SpectralIndex(
        name="ndwi",
        first=("green",),
        second=_NIR,
        minimum=-0.8,
        maximum=0.8,
        colors="delta_r",
        meaning="Blue is open water; pale is wet, bare or built-up ground; green is vegetation, the darker the denser.",
        source="https://doi.org/10.1080/01431169608948714",
    ),
    SpectralIndex(
        name="nbr",
        first=_NIR,
        second=("swir22",),
        minimum=-0.5,  # severely burnt ground reaches about that low
        maximum=0.9,
        colors="rdylgn",
        meaning="Green is healthy vegetation; yellow is sparse, dry or bare; orange to red is burnt ground. "
        "Water, snow and cloud are not to be read.",
        source="https://www.usgs.gov/landsat-missions/landsat-normalized-burn-ratio",
    ),
    SpectralIndex(
        name="ndsi",
        first=("green",),
        second=("swir16",),
        minimum=-0.8,
        maximum=0.8,
        colors="brbg",
        meaning="Blue-green is snow, ice or open water (above 0.4 snow where it is bright in true colour); white is "
        "mixed; brown is ground and vegetation.",
        source="https://www.usgs.gov/landsat-missions/normalized-difference-snow-index",
    ),
)
"""In the order in which they are listed."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What one colour of a picture shows."""

    color: Color
    """Which."""
    shows: str
    """Band, or band over band."""
    minimum: float
    """Value drawn black; linear power for dB bands."""
    maximum: float
    """Value drawn at ``gain``."""
    gamma: float
    """Exponent."""
    gain: float
    """Factor after the exponent."""


@dataclass(frozen=True, kw_only=True)
class Legend:
    """One way to draw a tile, and how to read it."""

    name: str
    """E.g. ``true-color``, ``index:ndvi``."""
    kind: Literal["colors", "gray", "index"]
    """Three bands as colours, one as brightness, or an index as a colour map."""
    bands: tuple[str, ...]
    """The sensor's bands that go in, each once."""
    formula: str
    """How they do."""
    unit: str
    """Unit of the bands, or what the index is of."""
    channels: tuple[Drawn, ...] = ()
    """What each colour shows; empty for an index."""
    range: tuple[float, float] | None = None
    """Least and greatest value of an index that have a colour of their own."""
    colormap: str | None = None
    """Name of the colour map of an index."""
    meaning: str = ""
    """How to read the colours."""


def legends_of(sensor: Sensor, bands: Collection[str] | None = None) -> tuple[Legend, ...]:
    """Return what a sensor's tiles can be drawn as, best first.

    Args:
        sensor: The sensor.
        bands: The bands that are there; None for all of the sensor.
    """
    own = (_colored(sensor, rendering) for rendering in sensor.renderings)
    known = (*own, *filter(None, (_index(sensor, index) for index in INDICES)))
    return tuple(legend for legend in known if bands is None or set(legend.bands) <= set(bands))


def legend_of(sensor: Sensor, name: str | None, bands: Collection[str] | None = None) -> Legend:
    """Return one of `legends_of`; None takes the first.

    Raises:
        RenderingError: There is none of that name; the message lists those there are.
    """
    offered = legends_of(sensor, bands)
    for legend in offered:
        if name in (None, legend.name):
            return legend
    there = ", ".join(legend.name for legend in offered) or "none"
    held = "" if bands is None else f" with the bands {', '.join(bands) or 'none'}"
    raise RenderingError(f"no rendering {name!r} for {sensor.name}{held}; there are {there}")


def sensor_of(name: str, settings: Settings | None = None) -> Sensor:
    """Return a sensor by its name in an index: a built-in one, or one of ``SWATH_SENSOR_FILES``.

    Raises:
        InputError: It is neither, or a sensor file is wrong.
    """
    return load_sensor(sensor_reference(name, settings))[0]


def sensor_reference(name: str, settings: Settings | None = None) -> str:
    """Return what ``--sensor`` would be for a sensor's name in an index: the name itself, or the path of its file.

    Raises:
        InputError: No such sensor, or a sensor file is wrong.
    """
    if name in builtin_sensors():
        return name
    for path in (settings or Settings()).sensor_files:
        if load_sensor(path)[0].name == name:
            return path
    raise InputError(f"sensor {name!r} is not a built-in one; name its TOML file in SWATH_SENSOR_FILES")


def renderings_of(name: str) -> tuple[str, ...]:
    """Return the names of what tiles of a sensor can be drawn as; none where the sensor is not known here."""
    try:
        return tuple(legend.name for legend in legends_of(sensor_of(name)))
    except SwathError:
        return ()


def index_named(name: str) -> SpectralIndex:
    """Return the index of a legend of that kind."""
    return next(index for index in INDICES if name == INDEX_PREFIX + index.name)


def _index(sensor: Sensor, index: SpectralIndex) -> Legend | None:
    first, second = _by_common_name(sensor, index.first), _by_common_name(sensor, index.second)
    if first is None or second is None:
        return None
    unit = sensor.band(first).unit
    return Legend(
        name=INDEX_PREFIX + index.name,
        kind="index",
        bands=(first, second),
        formula=f"({first} - {second}) / ({first} + {second})",
        unit=f"ratio of {'raw numbers, not of reflectance' if unit == 'dn' else unit}",
        range=(index.minimum, index.maximum),
        colormap=index.colors,
        meaning=index.meaning,
    )


def _by_common_name(sensor: Sensor, names: tuple[str, ...]) -> str | None:
    found = {band.common_name: band.name for band in reversed(sensor.bands)}
    return next((found[name] for name in names if name in found), None)


def _colored(sensor: Sensor, rendering: Rendering) -> Legend:
    colors: tuple[Color, ...] = ("red", "green", "blue") if len(rendering.channels) == 3 else ("gray",)
    channels = tuple(_drawn(sensor, color, channel) for color, channel in zip(colors, rendering.channels, strict=True))
    bands = tuple(dict.fromkeys(name for each in rendering.channels for name in (each.band, each.over) if name))
    return Legend(
        name=rendering.name,
        kind="gray" if len(channels) == 1 else "colors",
        bands=bands,
        formula=", ".join(f"{channel.color} = {channel.shows}" for channel in channels),
        unit="linear power" if sensor.band(bands[0]).unit == "dB" else sensor.band(bands[0]).unit,
        channels=channels,
        meaning=_meaning(sensor, rendering),
    )


def _drawn(sensor: Sensor, color: Color, channel: Channel) -> Drawn:
    display = channel.display or sensor.band(channel.band).display
    return Drawn(
        color=color,
        shows=channel.band if channel.over is None else f"{channel.band} / {channel.over}",
        minimum=display.minimum,
        maximum=display.maximum,
        gamma=display.gamma,
        gain=display.gain,
    )


def _meaning(sensor: Sensor, rendering: Rendering) -> str:
    if sensor.kind == "sar":
        return _RADAR if len(rendering.channels) == 3 else _RADAR_GRAY
    kinds = tuple(_KINDS.get(sensor.band(each.band).common_name, "?") for each in rendering.channels)
    return _MEANINGS.get(kinds, "Brighter is more light reflected in that band.")


_RADAR = (
    "Radar, not a photograph. Green to yellow is vegetation, yellow to white dense forest and towns, pink and magenta "
    "buildings, ships and rough bare fields; blue to black is smooth: water, tarmac, flat bare ground, snow."
)
_RADAR_GRAY = "Radar, not a photograph. Bright is rough ground, buildings and ships; dark is smooth: water, tarmac."
_KINDS = {
    **dict.fromkeys(("red", "green", "blue", "pan"), "visible"),
    **dict.fromkeys(("nir", "nir08", "nir09"), "nir"),
    **dict.fromkeys(("swir16", "swir22"), "swir"),
}
_MEANINGS = {
    ("visible", "visible", "visible"): "The colours that the eye would see.",
    ("visible",): "Bright is light to the eye.",
    ("nir", "visible", "visible"): "Red is vegetation, the brighter the more vigorous; blue-gray is towns and bare "
    "ground; black is clear water; white is cloud, snow or sand.",
    ("swir", "nir", "visible"): "Green is vegetation; pink, brown and red are bare or burnt ground and towns; "
    "dark blue to black is water; cyan is snow.",
}
