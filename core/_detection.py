"""Which sensor a scene comes from: decided on evidence, never guessed.

Decisive, in this order: the STAC collection or properties; the colours a file declares (generic sensors only); band
names that are one sensor's own and complete. A band count and a type decide nothing: they only name the candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core._errors import AmbiguousSensorError, SensorError
from core._sensors import builtin_sensors
from core._types import Encoding, Sensor


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a scene before any pixel is read."""

    collection_id: str | None = None
    """STAC collection id."""
    properties: Mapping[str, object] = field(default_factory=dict)
    """STAC item properties."""
    band_names: tuple[str | None, ...]
    """Band descriptions, one a band of the file; None where there is none."""
    dtype: str
    """numpy dtype name."""
    colorinterp: tuple[str, ...] = ()
    """rasterio's names (``gray``, ``red``, ``alpha``, ``undefined``...), one a band of the file."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Dataset tags; ``units`` may name the encoding (``dB``, ``linear``)."""


@dataclass(frozen=True, kw_only=True)
class SensorMatch:
    """What the evidence says."""

    sensor: Sensor
    """The one sensor that fits."""
    encoding: Encoding
    """How its numbers are stored."""
    bands: tuple[str, ...]
    """Sensor band names for file bands 1, 2, 3...; shorter than the file where it ends with alpha."""


def detect_sensor(evidence: Evidence) -> SensorMatch:
    """Return the built-in sensor that the evidence proves.

    Raises:
        AmbiguousSensorError: Several sensors or encodings could fit, or one could but nothing proves it.
        SensorError: Nothing fits; the message says what was seen.
    """
    sensor = _by_catalog(evidence) or _by_colours(evidence) or _by_names(evidence)
    if sensor is None:
        raise _undecided(evidence)
    return SensorMatch(
        sensor=sensor,
        encoding=choose_encoding(sensor, evidence.dtype, _stated_encoding(sensor, evidence)),
        bands=match_bands(sensor, evidence.band_names, len(evidence.band_names), evidence.colorinterp),
    )


def choose_encoding(sensor: Sensor, dtype: str, requested: Encoding | None = None) -> Encoding:
    """Return the encoding that was requested, or else the only one that comes in this type.

    Raises:
        AmbiguousSensorError: Several encodings come in this type; the message lists them.
        SensorError: None does.
    """
    if requested is not None:
        return requested
    fitting = _fitting(sensor, dtype)
    if not fitting:
        offers = "; ".join(f"{item.name} in {', '.join(item.dtypes)}" for item in sensor.encodings)
        raise SensorError(f"{dtype} fits no encoding of {sensor.name} ({offers})")
    if len(fitting) > 1:
        raise _ambiguous(f"{sensor.name} comes in several encodings as {dtype}", _flags(sensor, dtype))
    return fitting[0]


def match_bands(
    sensor: Sensor, band_names: Sequence[str | None], count: int, colorinterp: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the sensor's band names for file bands 1..count: by their names, or else by a layout of that length.

    Args:
        sensor: The sensor the file is known to come from.
        band_names: Band descriptions, or None where there is none. Names, aliases and common names are understood,
            case ignored. Descriptions that repeat, or of which the sensor knows none, count as missing.
        count: How many bands the file has.
        colorinterp: rasterio's colour interpretations. A last band tagged alpha is left out of the result unless the
            sensor has a layout that needs it: writers tag the fourth band of any 8-bit file so.

    Raises:
        SensorError: Only some names are known, two mean the same band, or no layout has this length.
    """
    if count not in map(len, sensor.layouts):
        count -= _alpha(colorinterp)
    names = _distinct(band_names[:count])
    if len(names) == count:
        known = _lookup(sensor)
        bands = [known.get(name) for name in names]
        if any(bands):
            return _checked(sensor, names, bands)
    for layout in sensor.layouts:
        if len(layout) == count:
            return layout
    lengths = " or ".join(str(len(layout)) for layout in sensor.layouts)
    raise SensorError(f"the file has {_bands(count)} without names; {sensor.name} without names has {lengths}")


def _checked(sensor: Sensor, names: Sequence[str], bands: Sequence[str | None]) -> tuple[str, ...]:
    strangers = [name for name, band in zip(names, bands, strict=True) if band is None]
    if strangers:
        known = ", ".join(band.name for band in sensor.bands)
        raise SensorError(f"{sensor.name} has no band {', '.join(map(repr, strangers))}; its bands are {known}")
    found = tuple(band for band in bands if band is not None)
    if len(set(found)) < len(found):
        raise SensorError(f"several of the names {', '.join(names)} mean the same band of {sensor.name}")
    return found


def _detectable() -> list[Sensor]:
    return [item for item in builtin_sensors().values() if not item.detection.dataset]


def _by_catalog(evidence: Evidence) -> Sensor | None:
    sensors = _detectable()
    collection = (evidence.collection_id or "").lower()
    fitting = [item for item in sensors if collection in map(str.lower, item.detection.collections)]
    fitting = fitting or [item for item in sensors if _properties_fit(item, evidence.properties)]
    if len(fitting) > 1:
        flags = [flag for sensor in fitting for flag in _flags(sensor, evidence.dtype)]
        raise _ambiguous("the catalog's properties fit several sensors", flags)
    return fitting[0] if fitting else None


def _properties_fit(sensor: Sensor, properties: Mapping[str, object]) -> bool:
    wanted = sensor.detection.properties
    return bool(wanted) and all(
        _words(properties.get(key)) & set(map(str.lower, values)) for key, values in wanted.items()
    )


def _words(value: object) -> set[str]:
    return {str(item).lower() for item in (value if isinstance(value, list | tuple) else [value])}


def _by_colours(evidence: Evidence) -> Sensor | None:
    """A generic sensor whose colours the file itself declares."""
    alpha = _alpha(evidence.colorinterp)
    declared = tuple(evidence.colorinterp[: len(evidence.colorinterp) - alpha])
    for sensor in _detectable():
        colours = tuple(band.common_name for band in sensor.bands)
        if sensor.detection.generic and declared == colours and _fitting(sensor, evidence.dtype):
            return sensor
    return None


def _by_names(evidence: Evidence) -> Sensor | None:
    """The only sensor for which the names are its own and make up one of its layouts."""
    names = _distinct(evidence.band_names)
    if len(names) < len(evidence.band_names):
        return None
    complete = [item for item in _detectable() if _complete(item, names)]
    fitting = [item for item in complete if _fitting(item, evidence.dtype)]
    return fitting[0] if len(fitting) == 1 else None


def _complete(sensor: Sensor, names: Sequence[str]) -> bool:
    known = _lookup(sensor, common=False)
    found = {known.get(name) for name in names}
    return any(found == set(layout) for layout in sensor.layouts)


def _undecided(evidence: Evidence) -> SensorError:
    seen = _seen(evidence)
    flags = [flag for sensor in _candidates(evidence) for flag in _flags(sensor, evidence.dtype)]
    if flags:
        return _ambiguous(f"cannot tell the sensor of {seen}", flags)
    return SensorError(f"no known sensor fits {seen}; describe it in a TOML file and pass --sensor FILE.toml")


def _candidates(evidence: Evidence) -> list[Sensor]:
    """Sensors that know all the names; where nobody knows any of them, those with a layout of that length."""
    names = _distinct(evidence.band_names)
    count = len(evidence.band_names) - _alpha(evidence.colorinterp)
    sensors = _detectable()
    if len(names) == len(evidence.band_names) and any(_lookup(item).keys() & set(names) for item in sensors):
        return [item for item in sensors if set(names) <= _lookup(item).keys()]
    return [item for item in sensors if count in map(len, item.layouts)]


def _fitting(sensor: Sensor, dtype: str) -> list[Encoding]:
    return [item for item in sensor.encodings if not item.dtypes or dtype in item.dtypes]


def _flags(sensor: Sensor, dtype: str) -> list[str]:
    """The values of ``--sensor`` that would fit files of this type."""
    fitting = _fitting(sensor, dtype)
    return [sensor.name] if len(fitting) == 1 else [f"{sensor.name}/{item.name}" for item in fitting]


def _stated_encoding(sensor: Sensor, evidence: Evidence) -> Encoding | None:
    by_collection = {key.lower(): name for key, name in sensor.detection.encodings.items()}
    stated = by_collection.get((evidence.collection_id or "").lower()) or evidence.tags.get("units", "").lower()
    return next((item for item in _fitting(sensor, evidence.dtype) if item.name == stated), None)


def _ambiguous(problem: str, flags: Iterable[str]) -> AmbiguousSensorError:
    candidates = tuple(sorted(flags))
    return AmbiguousSensorError(
        f"{problem}; candidates: {', '.join(candidates)}; choose one with --sensor NAME, "
        "or describe your own with --sensor FILE.toml",
        candidates=candidates,
    )


def _seen(evidence: Evidence) -> str:
    names = [name or "?" for name in evidence.band_names]
    shown = ", ".join(names[:16]) + (", ..." if len(names) > 16 else "")
    named = f"named {shown}" if any(evidence.band_names) else "without names"
    colours = ", ".join(evidence.colorinterp[:4])
    return f"{_bands(len(names), evidence.dtype)} {named}" + (f" (colours {colours})" if "red" in colours else "")


def _bands(count: int, dtype: str = "") -> str:
    return f"{count} {dtype} band".replace("  ", " ") + ("" if count == 1 else "s")


def _alpha(colorinterp: Sequence[str]) -> int:
    """1 where the last of several bands is transparency, else 0."""
    return int(len(colorinterp) > 1 and colorinterp[-1] == "alpha")


def _distinct(band_names: Sequence[str | None]) -> tuple[str, ...]:
    """Return the names in lower case, or nothing where one is missing or used twice."""
    names = tuple((name or "").strip().lower() for name in band_names)
    return names if all(names) and len(set(names)) == len(names) else ()


def _lookup(sensor: Sensor, *, common: bool = True) -> dict[str, str]:
    """Return band names by everything a band may be called, in lower case; own names win over common ones."""
    shared = [band.common_name.lower() for band in sensor.bands if common and band.common_name]
    table = {
        band.common_name.lower(): band.name for band in sensor.bands if shared.count(band.common_name.lower()) == 1
    }
    for band in sensor.bands:
        table |= {name.lower(): band.name for name in (band.name, *band.aliases)}
    return table
