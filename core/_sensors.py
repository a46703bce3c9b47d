"""Sensors are data: one TOML file each, checked completely when read.

A file mirrors the types `Sensor`, `Band`, `Encoding`, `Rendering` and `Detection`. The one addition is the table
``band_defaults``: what every band has unless it says otherwise.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core._errors import InputError, SensorError, UnknownNameError
from core._reading import read_limited
from core._settings import Settings
from core._toml import parse_toml
from core._types import Band, Channel, Detection, Display, Encoding, Rendering, Sensor

_FILE_REFERENCE = re.compile(r"(?P<path>.+\.toml)(?:/(?P<encoding>[^/]+))?", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")

_BAND_DEFAULTS: Mapping[str, object] = {
    "aliases": (),
    "common_name": "",
    "center_wavelength_um": None,
    "nodata": None,
}
_SENSOR_DEFAULTS: Mapping[str, object] = {"gsd": None, "layouts": ()}

_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""Types of pydantic's errors that mean so."""

_DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64")

_TABLES: Mapping[str, type] = {
    "bands": Band,
    "channels": Channel,
    "detection": Detection,
    "display": Display,
    "encodings": Encoding,
    "renderings": Rendering,
}
"""Which type a table of a sensor file becomes, by its key."""


def sensor_names() -> tuple[str, ...]:
    """Return the names of the built-in sensors, sorted. Reads no file."""
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if _is_toml(entry)))


@cache
def builtin_sensors() -> Mapping[str, Sensor]:
    """Return every built-in sensor by name. Read once."""
    return MappingProxyType({name: _builtin(name) for name in sensor_names()})


def load_sensor(name_or_path: str | Path) -> tuple[Sensor, Encoding | None]:
    """Return a built-in sensor or the one a TOML file describes, and the encoding where one was asked for.

    Args:
        name_or_path: ``"naip"``, ``"sentinel-1-rtc/db"``, ``"./my.toml"`` or ``"./my.toml/db"``.

    Raises:
        UnknownNameError: No such sensor or encoding; the message lists the known ones.
        SensorError: The file cannot be read or is wrong; the message names the file, the key and what is expected.
    """
    text = str(name_or_path)
    reference = _FILE_REFERENCE.fullmatch(text)
    if reference:
        sensor, wanted = _from_file(Path(reference["path"])), reference["encoding"]
    else:
        name, _, wanted = text.partition("/")
        if name not in sensor_names():
            raise UnknownNameError("sensor", name, sensor_names())
        sensor = _builtin(name)
    return sensor, _encoding(sensor, wanted) if wanted else None


def sensor_file(name_or_path: str) -> Path | None:
    """Return the TOML file of what ``load_sensor`` takes; None for the name of a built-in sensor."""
    reference = _FILE_REFERENCE.fullmatch(name_or_path)
    return Path(reference["path"]) if reference else None


def _encoding(sensor: Sensor, name: str) -> Encoding:
    for encoding in sensor.encodings:
        if encoding.name == name:
            return encoding
    raise UnknownNameError(f"encoding of {sensor.name}", name, tuple(item.name for item in sensor.encodings))


def _folder() -> Traversable:
    return files("core") / "sensors"


def _is_toml(entry: Traversable) -> bool:
    return entry.name.endswith(".toml")


@cache
def _builtin(name: str) -> Sensor:
    return _parse((_folder() / f"{name}.toml").read_bytes(), f"{name}.toml")


def _from_file(path: Path) -> Sensor:
    sensor = _parse(_read(path), str(path))
    if sensor.name in sensor_names() and sensor != _builtin(sensor.name):
        raise _wrong(str(path), f"name {sensor.name!r} is taken by a built-in sensor; choose another")
    return sensor


def _read(path: Path) -> bytes:
    try:
        return read_limited(path, Settings().max_metadata_bytes)
    except InputError as error:
        raise SensorError(f"cannot read sensor file {path}: {error}") from None


def _wrong(origin: str, problem: str) -> SensorError:
    return SensorError(f"sensor file {origin}: {problem}")


def _parse(raw: bytes, origin: str) -> Sensor:
    try:
        table = parse_toml(raw)
    except InputError as error:
        raise _wrong(origin, f"not TOML: {error}") from None
    sensor = _typed(_filled(table), origin)
    if not sensor.layouts:
        sensor = dataclasses.replace(sensor, layouts=(tuple(band.name for band in sensor.bands),))
    for problem in _problems(sensor):
        raise _wrong(origin, problem)
    return sensor


def _filled(table: dict[str, Any]) -> dict[str, Any]:
    """Spread ``band_defaults`` over the bands; whatever is not a table is left for validation to name."""
    table = {**_SENSOR_DEFAULTS, **table}
    defaults, bands = table.get("band_defaults", {}), table.get("bands")
    if isinstance(defaults, dict) and isinstance(bands, list):
        table.pop("band_defaults", None)
        table["bands"] = [{**_BAND_DEFAULTS, **defaults, **band} if isinstance(band, dict) else band for band in bands]
    return table


@cache
def _schema() -> Any:
    # pydantic takes a third of a second to import, so it is not imported with the package's front door
    from pydantic import BaseModel, ConfigDict, create_model

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    return create_model("SensorFile", __base__=Strict, sensor=(Sensor, ...))


def _typed(table: dict[str, Any], origin: str) -> Sensor:
    from pydantic import ValidationError

    try:
        sensor: Sensor = _schema()(sensor=table).sensor
    except ValidationError as error:
        # A misspelt key is both unknown and missing: name the spelling.
        first = min(error.errors(include_url=False), key=lambda item: item["type"] not in _UNKNOWN_KEY)
        raise _wrong(origin, _explained(first)) from None
    return sensor


def _explained(error: Any) -> str:
    """Say what one pydantic error means in the words of the file: the key, what is expected, what is there."""
    location = error["loc"][1:]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if error["type"] in _UNKNOWN_KEY:
        return f"unknown key {key}; known here: {', '.join(_known_keys(location))}"
    if error["type"] == "missing":
        return f"missing key {key}" + (" (or band_defaults." + str(location[-1]) + ")" if "bands" in location else "")
    return f"{key}: {error['msg']}, got {str(error['input'])[:80]!r}"


def _known_keys(location: tuple[str | int, ...]) -> list[str]:
    tables = [part for part in location[:-1] if isinstance(part, str)]
    names = [item.name for item in dataclasses.fields(_TABLES.get(tables[-1], Sensor) if tables else Sensor)]
    return names if tables else [*names, "band_defaults"]


def _problems(sensor: Sensor) -> Iterator[str]:
    """Yield what no type can express, one sentence each."""
    if not _NAME.fullmatch(sensor.name):
        yield f"name {sensor.name!r} may hold only a-z, 0-9, '.', '_' and '-'"
    for key, values in (("bands", sensor.bands), ("encodings", sensor.encodings), ("renderings", sensor.renderings)):
        if not values:
            yield f"{key} is empty; expected at least one"
    yield from _repeated("bands", [name for band in sensor.bands for name in {*_own_names(band)}])
    yield from _repeated("encodings", [encoding.name for encoding in sensor.encodings])
    yield from _repeated("renderings", [rendering.name for rendering in sensor.renderings])
    for band in sensor.bands:
        yield from _band_problems(band)
    for encoding in sensor.encodings:
        yield from _encoding_problems(encoding)
    for name in sensor.detection.encodings.values():
        if name not in [encoding.name for encoding in sensor.encodings]:
            yield f"detection.encodings names {name!r}, which is not among the encodings"
    yield from _rendering_problems(sensor)
    yield from _layout_problems(sensor)


def _own_names(band: Band) -> Iterator[str]:
    yield from (name.lower() for name in (band.name, *band.aliases))


def _repeated(key: str, names: list[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{key}: {name!r} is used {times} times; names and aliases must differ"


def _band_problems(band: Band) -> Iterator[str]:
    if not band.name:
        yield "bands: a name is empty"
    if not (math.isfinite(band.scale) and band.scale != 0 and math.isfinite(band.offset)):
        yield f"band {band.name!r}: scale must be a number other than 0 and offset a number"
    yield from _display_problems(f"band {band.name!r}", band.display)


def _display_problems(where: str, display: Display) -> Iterator[str]:
    if not display.maximum > display.minimum:
        yield f"{where}: display.maximum {display.maximum} must be above display.minimum {display.minimum}"
    if not (display.gamma > 0 and display.gain > 0):
        yield f"{where}: display.gamma and display.gain must be above 0"


def _encoding_problems(encoding: Encoding) -> Iterator[str]:
    if not _NAME.fullmatch(encoding.name):
        yield f"encoding name {encoding.name!r} may hold only a-z, 0-9, '.', '_' and '-'"
    if encoding.scale == 0:
        yield f"encoding {encoding.name!r}: scale must not be 0"
    for name in encoding.dtypes:
        if name not in _DTYPES:
            yield f"encoding {encoding.name!r}: unknown dtype {name!r}; known: {', '.join(_DTYPES)}"


def _rendering_problems(sensor: Sensor) -> Iterator[str]:
    known = {band.name for band in sensor.bands}
    for rendering in sensor.renderings:
        where = f"rendering {rendering.name!r}"
        if len(rendering.channels) not in (1, 3):
            yield f"{where} has {len(rendering.channels)} channels; expected 3, or 1 for gray"
        for channel in rendering.channels:
            yield from _unknown_bands(where, (channel.band, channel.over or channel.band), known)
            if channel.display:
                yield from _display_problems(where, channel.display)


def _layout_problems(sensor: Sensor) -> Iterator[str]:
    known = {band.name for band in sensor.bands}
    for layout in sensor.layouts:
        yield from _unknown_bands("a layout", layout, known)
        yield from _repeated("layouts", list(layout))
    yield from (
        f"layouts: {times} have {length} bands; they are told apart by their length"
        for length, times in Counter(map(len, sensor.layouts)).items()
        if times > 1
    )


def _unknown_bands(where: str, names: tuple[str, ...], known: set[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f"{where} names band {name!r}, which is not among the bands: {', '.join(sorted(known))}"
