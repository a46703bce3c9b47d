"""Which assets of a STAC item are read, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pystac

from core import (
    Asset,
    Encoding,
    Evidence,
    SceneError,
    Sensor,
    SensorError,
    SensorMatch,
    builtin_sensors,
    detect_sensor,
)
from indexer._gdal import gdal_env, open_raster
from indexer.sources._reading import Reading
from indexer.sources._sensing import Sensed, file_evidence, requested_encoding, sense_file
from indexer.sources._stac_bands import AssetNote, BandNote, data_assets
from indexer.sources._stac_io import absolute_href


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The assets to read and how to understand them."""

    assets: tuple[Asset, ...]
    """At least one; hrefs absolute."""
    sensed: Sensed
    """Sensor, encoding, and all bands in the order of the assets."""
    scalings: tuple[tuple[float | None, float | None], ...]
    """Scale and offset as published, for each of the bands."""


@dataclass(frozen=True, kw_only=True)
class _Pick:
    """A band of a sensor and where it is."""

    band: str
    said: str
    note: BandNote
    asset: AssetNote
    index: int


class Chooser:
    """Chooses the assets of one item after another.

    Args:
        reading: Its ``request`` names the sensor, or leaves it to detection.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        sensors = [reading.request.sensor] if reading.request else builtin_sensors().values()
        self._tables = [(sensor, _band_table(sensor)) for sensor in sensors]

    def choose(self, item: pystac.Item, base: str, collection: str | None) -> Choice:
        """Return the assets of an item that hold bands of its sensor.

        A raster is opened only where the item does not say what bands or type of number it holds.

        Raises:
            SceneError: No asset is readable.
            SensorError: No sensor, or more than one, fits; or the item has none of the sensor's bands.
        """
        notes = data_assets(item)
        if not notes:
            keys = ", ".join(item.assets) or "none"
            raise SceneError(f"has no asset with measurements as GeoTIFF, COG or JPEG 2000; its assets: {keys}")
        picks = {sensor.name: _picks(sensor, table, notes) for sensor, table in self._tables}
        if len(notes) == 1 and not any(picks.values()):
            return self._opened(self._located(notes[0], base), item, collection)
        if (request := self._reading.request) and not any(picks.values()):
            raise _stranger(request.sensor, notes)
        dtype = self._dtype(notes, picks, base)
        evidence = Evidence(collection_id=collection, properties=item.properties, band_names=(), dtype=dtype)
        sensor, encoding = self._sensor(notes, picks, evidence)
        if not picks[sensor.name]:
            raise _stranger(sensor, notes)
        return self._described(sensor, encoding, picks[sensor.name], base)

    def _located(self, note: AssetNote, base: str) -> AssetNote:
        return replace(note, href=absolute_href(note.href, base, self._reading.settings))

    def _opened(self, note: AssetNote, item: pystac.Item, collection: str | None) -> Choice:
        """The one asset of an item that does not name its bands, or in words of its own: the file itself has to."""
        with gdal_env(self._reading.settings), open_raster(note.href) as dataset:
            evidence = file_evidence(dataset, collection=collection, properties=item.properties)
            evidence = replace(evidence, tags={**_units(note.bands), **evidence.tags})
            sensed = sense_file(evidence, self._reading.request)
            scalings: list[Any] = list(zip(dataset.scales, dataset.offsets, strict=True))
            table = _band_table(sensed.sensor)
            # Names that the sensor does not know must not end as "the bands in the usual order".
            if note.named and not any((name or "").lower() in table for name in dataset.descriptions):
                raise _stranger(sensed.sensor, [note])
        if len(note.bands) >= len(sensed.bands):
            scalings = [(band.scale, band.offset) for band in note.bands]
        asset = Asset(href=note.href, bands=sensed.bands, indexes=sensed.indexes)
        return Choice(assets=(asset,), sensed=sensed, scalings=tuple(scalings[: len(sensed.bands)]))

    def _dtype(self, notes: list[AssetNote], picks: Mapping[str, list[_Pick]], base: str) -> str:
        """Return the type of the numbers: as the item says, or else as a raster with a band some sensor knows does."""
        if self._reading.request and self._reading.request.encoding:
            return ""  # the caller has decided already
        known = [pick for found in picks.values() for pick in found]
        stated = [pick.note.dtype for pick in known] or [band.dtype for note in notes for band in note.bands]
        if dtype := next(filter(None, stated), None):
            return dtype
        note = self._located(known[0].asset if known else notes[0], base)
        with gdal_env(self._reading.settings), open_raster(note.href) as dataset:
            return str(dataset.dtypes[0])

    def _sensor(
        self, notes: list[AssetNote], picks: Mapping[str, list[_Pick]], evidence: Evidence
    ) -> tuple[Sensor, Encoding]:
        if request := self._reading.request:
            told = replace(evidence, tags=_units(pick.note for pick in picks[request.sensor.name]))
            return request.sensor, requested_encoding(request, told)
        match = _by_catalog(picks, evidence) or _by_names(picks, evidence)
        if match is None:
            names = tuple(name for note in notes for band in note.bands for name in band.names[:1])
            units = _units(band for note in notes for band in note.bands)
            match = detect_sensor(replace(evidence, band_names=names, tags=units))
        return match.sensor, match.encoding

    def _described(self, sensor: Sensor, encoding: Encoding, picks: list[_Pick], base: str) -> Choice:
        assets, ordered = [], []
        for asset in dict.fromkeys(pick.asset for pick in picks):
            own = [pick for pick in picks if pick.asset == asset]
            href = self._located(asset, base).href
            indexes = tuple(pick.index for pick in own)
            assets.append(Asset(href=href, bands=tuple(pick.band for pick in own), indexes=indexes))
            ordered += own
        bands, indexes = tuple(pick.band for pick in ordered), tuple(pick.index for pick in ordered)
        return Choice(
            assets=tuple(assets),
            sensed=Sensed(sensor=sensor, encoding=encoding, bands=bands, indexes=indexes),
            scalings=tuple((pick.note.scale, pick.note.offset) for pick in ordered),
        )


def _band_table(sensor: Sensor) -> dict[str, str]:
    """Band names by everything a band may be called; own names win over common ones, which bands may share."""
    common = [band.common_name.lower() for band in sensor.bands]
    table = {name: band.name for name, band in zip(common, sensor.bands, strict=True) if common.count(name) == 1}
    for band in sensor.bands:
        table |= {name.lower(): band.name for name in (band.name, *band.aliases)}
    table.pop("", None)
    return table


def _picks(sensor: Sensor, table: Mapping[str, str], notes: Iterable[AssetNote]) -> list[_Pick]:
    """Return where each band of a sensor is found, in the sensor's order; the first asset that has it wins."""
    picks: dict[str, _Pick] = {}
    for asset in notes:
        for index, note in enumerate(asset.bands, 1):
            said = next((name for name in note.names if name.lower() in table), None)
            if said and (band := table[said.lower()]) not in picks:
                picks[band] = _Pick(band=band, said=said, note=note, asset=asset, index=index)
    return [picks[band.name] for band in sensor.bands if band.name in picks]


def _units(bands: Iterable[BandNote]) -> dict[str, str]:
    """The unit that the item states for the bands, as a tag, where it is one."""
    units = {band.unit for band in bands if band.unit}
    return {"units": units.pop()} if len(units) == 1 else {}


def _stranger(sensor: Sensor, notes: Iterable[AssetNote]) -> SensorError:
    found = ", ".join(name for note in notes for band in note.bands for name in band.names[:1])
    return SensorError(f"has no band of {sensor.name}; its bands: {found or 'unnamed'}")


def _by_catalog(picks: Mapping[str, list[_Pick]], evidence: Evidence) -> SensorMatch | None:
    """The sensor that collection or properties prove: detection finds it from them and a single band."""
    specific = (name for name, found in picks.items() if found and not builtin_sensors()[name].detection.generic)
    return next((match for name in specific if (match := _proved(name, picks[name], evidence, names=1))), None)


def _by_names(picks: Mapping[str, list[_Pick]], evidence: Evidence) -> SensorMatch | None:
    """The only sensor whose bands these are, of those that explain most of them; masks and by-products do not count."""
    most = max(map(len, picks.values()))
    names = (name for name, found in picks.items() if len(found) == most)
    matches = [match for name in names if (match := _proved(name, picks[name], evidence))]
    return matches[0] if len(matches) == 1 else None


def _proved(name: str, picks: list[_Pick], evidence: Evidence, *, names: int | None = None) -> SensorMatch | None:
    """Ask for the sensor by the first few names, but by the units of all its bands."""
    units = _units(pick.note for pick in picks)
    try:
        match = detect_sensor(replace(evidence, band_names=tuple(pick.said for pick in picks[:names]), tags=units))
    except SensorError:
        return None
    return match if match.sensor.name == name else None
