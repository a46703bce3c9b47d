"""Which sensor a file comes from: as the caller says, or on the file's own evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from core import (
    Encoding,
    Evidence,
    Sensor,
    SensorError,
    builtin_sensors,
    choose_encoding,
    detect_sensor,
    match_bands,
)
from indexer.sources._reading import Request

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Sensed:
    """Sensor, encoding and bands of a scene, decided together."""

    sensor: Sensor
    """The sensor."""
    encoding: Encoding
    """How numbers are stored."""
    bands: tuple[str, ...]
    """Sensor band names that were found."""
    indexes: tuple[int, ...]
    """1-based band number of each in its file."""

    @property
    def name(self) -> str:
        """As on the command line: ``sentinel-2-l2a/dn``."""
        return f"{self.sensor.name}/{self.encoding.name}"

    @property
    def identity(self) -> tuple[object, ...]:
        """Changes when the file is understood in another way."""
        return self.name, self.bands, self.indexes

    def scaling(self, band: str) -> tuple[float, float]:
        """Return scale and offset that turn stored numbers of a band into its unit."""
        found = self.sensor.band(band)
        scale = found.scale if self.encoding.scale is None else self.encoding.scale
        return scale, found.offset if self.encoding.offset is None else self.encoding.offset


def file_evidence(
    dataset: DatasetReader, *, collection: str | None = None, properties: Mapping[str, object] = _NOTHING
) -> Evidence:
    """Return what an open file, and a catalog where there is one, say about the sensor."""
    units = {unit for unit in dataset.units if unit}
    return Evidence(
        collection_id=collection,
        properties=properties,
        band_names=tuple(dataset.descriptions),
        dtype=dataset.dtypes[0],
        colorinterp=tuple(colour.name for colour in dataset.colorinterp),
        tags=({"units": units.pop()} if len(units) == 1 else {}) | dataset.tags(),
    )


def sense_file(evidence: Evidence, request: Request | None) -> Sensed:
    """Return what a file holds.

    Args:
        evidence: What is known of it.
        request: The sensor the caller named; None detects it.

    Raises:
        SensorError: Nothing fits, or several sensors do.
    """
    if request is None:
        match = detect_sensor(evidence)
        return _sensed(match.sensor, match.encoding, match.bands)
    bands = match_bands(request.sensor, evidence.band_names, len(evidence.band_names), evidence.colorinterp)
    return _sensed(request.sensor, requested_encoding(request, evidence), bands)


def requested_encoding(request: Request, evidence: Evidence) -> Encoding:
    """Return the encoding the caller named, or else the one that the unit of the numbers names, or the only one.

    Raises:
        AmbiguousSensorError: Several come in this type of number, and nothing says which.
        SensorError: None does.
    """
    unit = evidence.tags.get("units", "").lower()
    stated = (
        encoding
        for encoding in request.sensor.encodings
        if encoding.name == unit and (not encoding.dtypes or evidence.dtype in encoding.dtypes)
    )
    return choose_encoding(request.sensor, evidence.dtype, request.encoding or next(stated, None))


def sense_picture(evidence: Evidence, request: Request | None) -> Sensed:
    """Return what a plain picture holds: ``rgb``, ``panchromatic``, or the sensor the caller named.

    Raises:
        SensorError: Neither gray nor red, green and blue, and no sensor named.
    """
    colours = tuple(name for name in evidence.colorinterp if name != ColorInterp.alpha.name)
    generic = {("red", "green", "blue"): "rgb", ("gray",): "panchromatic"}.get(colours)
    if request is None and generic is None:
        found = ", ".join(evidence.colorinterp[:6])
        raise SensorError(f"has the bands {found}; expected gray or red, green, blue; choose with --sensor NAME")
    return sense_file(evidence, request or Request(sensor=builtin_sensors()[str(generic)], encoding=None))


def _sensed(sensor: Sensor, encoding: Encoding, bands: tuple[str, ...]) -> Sensed:
    return Sensed(sensor=sensor, encoding=encoding, bands=bands, indexes=tuple(range(1, len(bands) + 1)))
