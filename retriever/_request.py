"""What is asked of an index: wide types in ``SearchRequest.build``, checked values inside."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date as Day  # noqa: N812  # as below
from datetime import datetime as Instant  # noqa: N812  # the field below is called datetime, as in every other type
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from core import BBox, Interval, QueryError, cell_text, parse_bbox, parse_cell, parse_geometry, parse_interval, rfc3339
from embeddings import Prompts
from retriever._expansion import Expand
from retriever._expression import Expression, Nearby
from retriever._switches import Calibrated, check_probability, read_prompts, read_switch
from retriever._where import where

MAX_K = 10_000
"""Most hits of one search."""

MAX_TEXT = 10_000
"""Most characters of a text query; encoders read a few hundred at most."""

Picture = Path | Image.Image | NDArray[np.uint8]
"""A file, a Pillow image, or (h, w, 3) numbers 0..255."""

Names = str | Iterable[str]
"""One name or several."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchRequest:
    """One question to an index. Exactly one of text, image, like and vector is given."""

    text: str | None = None
    """What to look for, in words."""
    image: Picture | None = None
    """A picture to look like."""
    like: str | None = None
    """Id of a tile to look like; the tile itself is left out."""
    vector: NDArray[np.float32] | None = None
    """(dim,) direction to look in; any length but 0."""
    k: int = 10
    """Most hits, 1 to 10,000."""
    bbox: BBox | None = None
    """The footprint intersects it."""
    within: BaseGeometry | None = None
    """The footprint intersects this Polygon or MultiPolygon, lon lat."""
    near: Nearby | None = None
    """The footprint comes this near."""
    h3: tuple[int, ...] = ()
    """The tile's centre lies in one of these cells."""
    datetime: Interval | None = None
    """First and last instant, both included."""
    sensor: tuple[str, ...] = ()
    """One of these sensors."""
    collection: tuple[str, ...] = ()
    """One of these collections."""
    label: tuple[str, ...] = ()
    """One of these labels."""
    max_cloud: float | None = None
    """Percent 0..100; a tile of unknown cloud does not match."""
    min_valid: float | None = None
    """Fraction 0..1."""
    filter: str | Mapping[str, Any] | None = None
    """CQL2 as it was given; it has been parsed once."""
    prompts: Prompts = "auto"
    """How a text is worded for the encoder."""
    expand: Expand = "auto"
    """Whether synonyms of a text are searched as well."""
    calibrated: Calibrated = "auto"
    """Whether tiles rank by calibrated probability."""
    min_probability: float | None = None
    """Leave out tiles of smaller calibrated probability, 0..1; filters and ``matched`` stay as they are."""

    @classmethod
    def build(
        cls,
        *,
        text: str | None = None,
        image: str | Picture | None = None,
        like: str | None = None,
        vector: ArrayLike | None = None,
        k: int = 10,
        bbox: str | Sequence[float] | None = None,
        within: str | Path | Mapping[str, Any] | BaseGeometry | None = None,
        near: str | Sequence[float] | None = None,
        radius_km: float | None = None,
        h3: Names | None = None,
        datetime: str | Day | Instant | Sequence[str | Instant | None] | None = None,
        sensor: Names | None = None,
        collection: Names | None = None,
        label: Names | None = None,
        max_cloud: float | None = None,
        min_valid: float | None = None,
        filter: str | Mapping[str, Any] | None = None,  # noqa: A002  # the name of the option, and of the field in STAC
        prompts: str | Sequence[str] | None = "auto",
        expand: bool | str = "auto",
        calibrated: bool | str = "auto",
        min_probability: float | None = None,
    ) -> SearchRequest:
        """Return a checked request.

        Args:
            text: What to look for, in words.
            image: Path of a picture, a Pillow image, or (h, w, 3) uint8 numbers.
            like: Tile id.
            vector: (dim,) numbers.
            k: Most hits.
            bbox: west, south, east, north in degrees as numbers or text; west > east crosses the antimeridian.
            within: GeoJSON file, text or mapping, or a shapely Polygon or MultiPolygon.
            near: lat, lon in degrees as numbers or text; goes with ``radius_km``.
            radius_km: Kilometres.
            h3: Cells in hexadecimal, of resolution 12 or coarser.
            datetime: ``A/B`` with ``..`` for open ends, an instant, a day, a datetime, or two of them.
            sensor: One or several sensor names.
            collection: One or several collection names.
            label: One or several labels.
            max_cloud: Percent 0..100.
            min_valid: Fraction 0..1.
            filter: CQL2 text or JSON.
            prompts: ``auto`` for the encoder's own templates, None for the text as typed, or templates with ``{}``.
            expand: ``auto`` adds synonyms where the text names a class; True also says when none is known.
            calibrated: ``auto`` uses the index's calibration where there is one; True insists on it.
            min_probability: Least calibrated probability of a hit, 0..1.

        Raises:
            QueryError: Anything above is wrong; the message says what was received and what would work.
        """
        _exactly_one(text=text, image=image, like=like, vector=vector)
        request = cls(
            text=None if text is None else _words(text),
            image=Path(image) if isinstance(image, str) else image,
            like=None if like is None else _words(like, name="like", limit=1000),
            vector=None if vector is None else _direction(vector),
            k=_count(k),
            bbox=None if bbox is None else parse_bbox(bbox),
            within=None if within is None else parse_geometry(within),
            near=_nearby(near, radius_km),
            h3=tuple(map(parse_cell, _several("h3", h3))),
            datetime=None if datetime is None else _interval(datetime),
            sensor=_several("sensor", sensor),
            collection=_several("collection", collection),
            label=_several("label", label),
            max_cloud=_between("max_cloud", max_cloud, 100),
            min_valid=_between("min_valid", min_valid, 1),
            filter=filter,
            prompts=read_prompts(prompts),
            expand=read_switch("expand", expand),
            calibrated=read_switch("calibrated", calibrated),
            min_probability=_between("min_probability", min_probability, 1),
        )
        request.where()
        check_probability(request.calibrated, request.min_probability, in_words=request.text is not None)
        return request

    def where(self) -> Expression | None:
        """Return the filter a tile must pass; None where every tile does.

        Raises:
            FilterError: ``filter`` is wrong.
        """
        return where(self)

    def describe(self) -> dict[str, Any]:
        """Return what was asked as JSON values, without what was left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        given = {name: value for name, value in values.items() if value is not None and not _is_empty(value)}
        given = {name: value for name, value in given.items() if not (name in _SWITCHES and value == "auto")}
        return {name: _SHOWN[name](value) if name in _SHOWN else value for name, value in given.items()}


def _is_empty(value: object) -> bool:
    return isinstance(value, tuple) and not value


def _exactly_one(**subjects: object) -> None:
    given = [name for name, value in subjects.items() if value is not None]
    if not given:
        raise QueryError("nothing to search for: give one of text, image, like or vector")
    if len(given) > 1:
        raise QueryError(f"give only one of {', '.join(subjects)}, got {' and '.join(given)}")


def _words(text: object, *, name: str = "text", limit: int = MAX_TEXT) -> str:
    if not isinstance(text, str) or not text.strip():
        raise QueryError(f"{name} must be a text that is not empty, got {text!r}")
    if len(text) > limit:
        raise QueryError(f"{name} has {len(text):,} characters; at most {limit:,} are accepted")
    return _unicode(name, text).strip()


def _unicode(name: str, text: str) -> str:
    """Bytes of a command line that are not UTF-8 arrive as lone surrogates, which no column and no encoder takes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise QueryError(f"{name} is not valid Unicode text, got {text[:80]!a}") from None
    return text


def _direction(vector: ArrayLike) -> NDArray[np.float32]:
    try:
        numbers_ = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise QueryError(f"vector is not numbers: {error}") from None
    if numbers_.ndim != 1:
        raise QueryError(f"vector must have shape (dim,), got {numbers_.shape}")
    return unit(numbers_, "vector")


def unit(vector: NDArray[Any], name: str) -> NDArray[np.float32]:
    """Return the (dim,) vector at unit length.

    Raises:
        QueryError: It is zero or not finite.
    """
    wide = vector.astype(np.float64)
    largest = float(np.abs(wide).max(initial=0))
    if not math.isfinite(largest) or largest == 0:
        found = "is all zeros and has no direction" if largest == 0 else "holds NaN or infinity"
        raise QueryError(f"the {name} {found}")
    # Divided by the largest number first, so that the squares neither overflow nor vanish.
    scaled = wide / largest
    return (scaled / np.linalg.norm(scaled)).astype(np.float32)


def _count(k: object) -> int:
    if isinstance(k, bool) or not isinstance(k, numbers.Integral) or not 1 <= int(k) <= MAX_K:
        raise QueryError(f"k must be between 1 and {MAX_K:,}, got {k!r}")
    return int(k)


def _nearby(near: str | Sequence[float] | None, radius_km: float | None) -> Nearby | None:
    if near is None and radius_km is None:
        return None
    if near is None or radius_km is None:
        raise QueryError("near and radius_km go together, e.g. near 40.4,-3.7 (lat, lon) and radius_km 25")
    lat, lon = _point(near)
    radius = _number("radius_km", radius_km)
    if radius <= 0:
        raise QueryError(f"radius_km must be more than 0, got {radius_km!r}")
    return Nearby(lat=lat, lon=lon, radius_km=radius)


def _point(near: str | Sequence[float]) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in (near.split(",") if isinstance(near, str) else near))
    except (TypeError, ValueError):
        raise QueryError(f"near {near!r} is not two numbers; expected lat,lon in degrees, e.g. 40.4,-3.7") from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise QueryError(f"near {near!r} is out of range; expected lat -90..90, then lon -180..180, e.g. 40.4,-3.7")
    return lat, lon


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise QueryError(f"{name} must be a finite number, got {value!r}")
    return float(value)


def _between(name: str, value: float | None, most: float) -> float | None:
    if value is None:
        return None
    number = _number(name, value)
    if not 0 <= number <= most:
        raise QueryError(f"{name} must be between 0 and {most:g}, got {value!r}")
    return number


def _several(name: str, value: Names | None) -> tuple[str, ...]:
    if value is None:
        return ()
    try:
        names = (value,) if isinstance(value, str) else tuple(value)
    except TypeError:
        raise QueryError(f"{name} must be a text or several, got {value!r}") from None
    if not all(isinstance(each, str) and each for each in names):
        raise QueryError(f"{name} must be a text or several, none of them empty, got {value!r}")
    return tuple(_unicode(name, each) for each in names)


def _interval(value: str | Day | Instant | Sequence[str | Instant | None]) -> Interval:
    if isinstance(value, str):
        return parse_interval(value)
    if isinstance(value, Day) and not isinstance(value, Instant):
        return parse_interval(value.isoformat())
    ends = (value, value) if isinstance(value, Instant) else tuple(value) if isinstance(value, Sequence) else ()
    if len(ends) != 2:
        raise QueryError(f"datetime must be A/B, one instant or two, got {value!r}")
    return parse_interval("/".join(map(_end, ends)))


def _end(value: str | Instant | None) -> str:
    if isinstance(value, Instant):
        if value.tzinfo is None:
            raise QueryError(f"datetime {value.isoformat()} has no time zone; e.g. datetime(2020, 6, 1, tzinfo=UTC)")
        return value.isoformat()
    return ".." if value is None else str(value)


def _shown_picture(picture: Picture) -> str:
    if isinstance(picture, Path):
        return str(picture)
    width, height = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
    return f"picture of {width} x {height} pixels"


_SWITCHES = ("prompts", "expand", "calibrated")

_SHOWN: dict[str, Any] = {
    "image": _shown_picture,
    "vector": lambda vector: [float(number) for number in vector],
    "bbox": list,
    "within": mapping,
    "near": lambda near: {"lat": near.lat, "lon": near.lon, "radius_km": near.radius_km},
    "h3": lambda cells: [cell_text(cell) for cell in cells],
    "datetime": lambda ends: "/".join(".." if end is None else rfc3339(end) for end in ends),
    "sensor": list,
    "collection": list,
    "label": list,
    "prompts": lambda prompts: prompts if isinstance(prompts, str) else list(prompts),
}
"""How the fields that are not JSON values already are written."""
