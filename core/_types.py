"""The vocabulary: frozen values that travel from source to answer.

Coordinates are always lon, lat in degrees (EPSG:4326); a bbox is west, south, east, north and crosses the
antimeridian when west > east (RFC 7946). Times are timezone-aware UTC. Fractions are 0..1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from shapely.geometry.base import BaseGeometry

from core._errors import InputError

if TYPE_CHECKING:
    from core._tile import Tile

BBox = tuple[float, float, float, float]
"""west, south, east, north in degrees; west > east when it crosses the antimeridian."""

Transform = Literal["identity", "power-to-db", "amplitude-to-db"]
"""How a stored number, after scale and offset, becomes the band's unit."""


@dataclass(frozen=True, kw_only=True)
class Display:
    """A fixed stretch: ``clip(gain * ((x - minimum) / (maximum - minimum)) ** gamma, 0, 1)``."""

    minimum: float
    """Value, in the band's unit (linear power for dB bands), drawn black."""
    maximum: float
    """Value drawn at ``gain``."""
    gamma: float = 1.0
    """Exponent."""
    gain: float = 1.0
    """Factor after the exponent."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """One band of a sensor."""

    name: str
    """The mission's own name, e.g. ``B04``, ``VV``."""
    aliases: tuple[str, ...]
    """Other names the band goes by in files and catalogs; compared without case."""
    common_name: str
    """STAC common name, e.g. ``red``; ``vv`` and ``vh`` for SAR."""
    center_wavelength_um: float | None
    """Centre wavelength in micrometres; None where the product does not define one."""
    unit: str
    """Unit of the pixels Swath delivers: ``reflectance``, ``dB``, ``dn``."""
    scale: float
    """Stored number times scale plus offset gives the unit."""
    offset: float
    """See scale."""
    nodata: float | None
    """Stored number that means no data; None where every number is data."""
    display: Display
    """The fixed display stretch."""
    source: str
    """URL of the document the numbers come from."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """One way a sensor's numbers are stored in files, e.g. ``dn``, ``reflectance``, ``linear``, ``db``."""

    name: str
    """Name, written after a slash on the command line: ``sentinel-1-rtc/db``."""
    dtypes: tuple[str, ...]
    """numpy dtype names this encoding may come in; empty for any."""
    scale: float | None = None
    """Replaces each band's scale; None keeps it."""
    offset: float | None = None
    """Replaces each band's offset; None keeps it."""
    transform: Transform = "identity"
    """Applied after scale and offset."""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One of the three colours of a rendering: a band, or a band over another."""

    band: str
    """Band name."""
    over: str | None = None
    """Divide by this band (in linear power for dB bands)."""
    display: Display | None = None
    """Replaces the band's own stretch."""


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """A fixed recipe from bands to red, green and blue."""

    name: str
    """E.g. ``true-color``, ``false-color``, ``swir``, ``sar``, ``gray``."""
    channels: tuple[Channel, ...]
    """Three channels, or one for gray."""


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What identifies a sensor in metadata."""

    collections: tuple[str, ...] = ()
    """STAC collection ids that hold only this sensor."""
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """STAC properties and the values that, all together, name this sensor."""
    encodings: Mapping[str, str] = field(default_factory=dict)
    """Encoding that a STAC collection always uses: collection id to encoding name."""
    generic: bool = False
    """True for rgb and panchromatic: chosen only when the file itself declares its colours."""
    dataset: bool = False
    """True for the chips of one dataset, which its adapter names: no file is ever taken for one."""


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """A sensor product: its bands, encodings and renderings. One TOML file each."""

    name: str
    """E.g. ``sentinel-2-l2a``."""
    title: str
    """One line for people."""
    kind: Literal["optical", "sar"]
    """What physics the pixels follow."""
    gsd: float | None
    """Nominal ground sample distance in metres; None for generic pictures."""
    source: str
    """URL of the product's definition."""
    bands: tuple[Band, ...]
    """In the order of the product."""
    encodings: tuple[Encoding, ...]
    """At least one; the first whose dtype fits is the default where only one fits."""
    renderings: tuple[Rendering, ...]
    """In order of preference; the first whose bands are all present is used."""
    layouts: tuple[tuple[str, ...], ...]
    """Band orders a file without band names may have; told apart by their length."""
    detection: Detection = Detection()
    """What identifies the sensor in metadata."""

    def band(self, name: str) -> Band:
        """Return the band called ``name`` or known by that alias (case ignored).

        Raises:
            InputError: No such band; the message lists the bands.
        """
        wanted = name.lower()
        for band in self.bands:
            if wanted == band.name.lower() or wanted in (alias.lower() for alias in band.aliases):
                return band
        known = ", ".join(band.name for band in self.bands)
        raise InputError(f"{self.name} has no band {name!r}; its bands are {known}")


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file of a scene and the bands to be read from it."""

    href: str
    """Path or URL as the source gave it (relative hrefs made absolute)."""
    bands: tuple[str, ...]
    """Sensor band names, in the order of ``indexes``."""
    indexes: tuple[int, ...]
    """1-based band numbers in the file."""


@dataclass(frozen=True, kw_only=True)
class CloudMask:
    """A classification band from which the cloud fraction of a tile is counted."""

    href: str
    """Path or URL."""
    index: int
    """1-based band number."""
    values: tuple[int, ...] = ()
    """Class values that are cloud (Sentinel-2 SCL)."""
    bits: tuple[int, ...] = ()
    """Bit numbers any of which means cloud (Landsat QA_PIXEL)."""


@dataclass(frozen=True, kw_only=True)
class Offset:
    """The radiometric offset that was added to stored numbers, and who said so."""

    value: float = 0.0
    """In stored numbers (DN), e.g. -1000 for Sentinel-2 baseline 04.00 and later."""
    origin: str = "none"
    """``none``, ``sensor``, ``stac:raster:offset``, ``stac:processing-baseline``, ``stac:boa-offset-applied``..."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One acquisition as a source found it. Nothing has been read but metadata."""

    scene_id: str
    """Unique within its collection; only ``[A-Za-z0-9._-]``."""
    collection: str
    """Collection name; only ``[A-Za-z0-9._-]``."""
    href: str
    """What a person would open: the file, or the STAC item."""
    assets: tuple[Asset, ...]
    """The files, at least one unless ``read`` stands in for them."""
    sensor: Sensor
    """Which sensor, never guessed."""
    encoding: Encoding
    """How its numbers are stored."""
    datetime: datetime | None
    """UTC; None when unknown."""
    fingerprint: str
    """Changes when the source files or their metadata change (href, size, mtime or etag)."""
    georeferenced: bool = True
    """False for plain pictures: no CRS, footprint or cells are expected."""
    cloud: float | None = None
    """Scene-wide cloud fraction 0..1 (``eo:cloud_cover`` / 100); None when unknown."""
    cloud_mask: CloudMask | None = None
    """Where per-pixel cloud is to be read, if anywhere."""
    offset: Offset = Offset()
    """Radiometric offset to add before scaling."""
    label: str | None = None
    """Class of the picture, from its folder or captions.jsonl."""
    captions: tuple[str, ...] = ()
    """Sentences about the scene that came with it."""
    read: Callable[[], Tile] | None = None
    """Reads the whole scene as one tile, where a dataset gives its pixels; ``assets`` is empty then."""


@dataclass(frozen=True, kw_only=True)
class PixelWindow:
    """A window of the scene's reference grid, in pixels of the file's full resolution."""

    col_off: int
    """Left edge; 0-based."""
    row_off: int
    """Top edge; 0-based."""
    width: int
    """Columns, including padding beyond the scene's edge."""
    height: int
    """Rows, including padding beyond the scene's edge."""


@dataclass(frozen=True, kw_only=True)
class VectorSpace:
    """What makes two vectors comparable; checked for equality before any pixel is read."""

    encoder: str
    """Registry name, e.g. ``swath-mini``."""
    revision: str
    """Changes whenever the weights or their preprocessing change."""
    dim: int
    """Length of a vector."""
    metric: Literal["cosine"] = "cosine"
    """Vectors are unit length, so the score is their dot product, -1..1."""

    def __str__(self) -> str:
        return f"{self.encoder}@{self.revision} ({self.dim}-d, {self.metric})"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the store keeps of a tile, without its vector."""

    tile_id: str
    """See Tile."""
    scene_id: str
    """See Tile."""
    collection: str
    """See Tile."""
    sensor: str
    """Sensor name."""
    encoding: str
    """See Tile; with sensor, href and window it lets the original pixels be read again."""
    datetime: datetime | None
    """UTC."""
    bbox: BBox | None
    """Of the footprint; west > east across the antimeridian; None for plain pictures."""
    centroid: tuple[float, float] | None
    """lon, lat."""
    footprint: BaseGeometry | None
    """See Tile."""
    h3: str | None
    """Centre cell (resolution 12) as the usual hexadecimal text."""
    h3_cover: tuple[str, ...]
    """Cells that cover the footprint."""
    gsd: float | None
    """See Tile."""
    crs: str | None
    """See Tile."""
    href: str
    """See Tile."""
    window: PixelWindow
    """See Tile."""
    valid: float
    """See Tile."""
    cloud: float | None
    """See Tile."""
    offset: Offset
    """See Tile."""
    label: str | None
    """See Tile."""
    captions: tuple[str, ...]
    """See Tile."""
    preview: bytes
    """128-px WebP in the fixed display stretch."""


@dataclass(frozen=True, kw_only=True)
class Hit(Record):
    """A record that answers a search."""

    rank: int
    """1 is best."""
    score: float
    """Cosine similarity, -1..1."""
    probability: float | None = None
    """Calibrated probability that the tile fits the words, 0..1; None where nothing is calibrated."""
