"""What is asked of an index: wide types in ``SearchRequest.build``, checked values inside."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date as Day  # noqa: N812  # as below
from datetime import datetime as Instant  # noqa: N812  # the field below is called datetime, as in every other type
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from core import BBox, Interval, QueryError, cell_text, parse_bbox, parse_cell, parse_geometry, parse_interval, rfc3339
from embeddings import Prompts
from retriever._checks import MAX_ID, Names, between, direction, lat_lon, number, several, words
from retriever._expansion import Expand
from retriever._expression import Expression, Nearby
from retriever._switches import Calibrated, check_probability, read_prompts, read_switch
from retriever._terms import Picture, Term, given_picture, read_marks, read_terms, shown_picture
from retriever._where import where

MAX_K = 10_000
"""Most hits of one search."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchRequest:
    """One question to an index. At most one of text, image, like, vector and query is given; marks may come alone."""

    text: str | None = None
    """What to look for, in words."""
    image: Picture | None = None
    """A picture to look like."""
    like: str | None = None
    """Id of a tile to look like; the tile itself is left out."""
    vector: NDArray[np.float32] | None = None
    """(dim,) direction to look in; any length but 0."""
    query: tuple[Term, ...] = ()
    """Several of these, added up with weights; one term alone, of positive weight, is written as text, image..."""
    plus: tuple[str, ...] = ()
    """Ids of tiles marked as right."""
    minus: tuple[str, ...] = ()
    """Ids of tiles marked as wrong; they are left out."""
    image_sensor: str | None = None
    """Sensor of GeoTIFF pictures; None goes by the file."""
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
    min_score: float | None = None
    """Leave out tiles of smaller score, -1..1; filters and ``matched`` stay as they are."""
    exact: bool = False
    """Answer as if every tile were compared, whatever it costs; else the fast routes may miss a few of the best."""
    explain: bool = False
    """Say how the search was answered: the route, tiles passed and scored."""

    @classmethod
    def build(
        cls,
        *,
        text: str | None = None,
        image: str | Picture | None = None,
        like: str | None = None,
        vector: ArrayLike | None = None,
        query: Sequence[Term | Mapping[str, Any]] | None = None,
        plus: Names | None = None,
        minus: Names | None = None,
        image_sensor: str | None = None,
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
        min_score: float | None = None,
        exact: bool = False,
        explain: bool = False,
    ) -> SearchRequest:
        """Return a checked request.

        Args:
            text: What to look for, in words.
            image: Path or bytes of a picture or GeoTIFF, a Pillow image, or (h, w, 3) uint8 numbers.
            like: Tile id.
            vector: (dim,) numbers.
            query: Terms: each a mapping with one of text, image, like, vector and point (lon, lat), and a ``weight``.
            plus: Ids of tiles marked as right.
            minus: Ids of tiles marked as wrong.
            image_sensor: Sensor of GeoTIFF pictures, e.g. ``sentinel-1-rtc/db``, or a sensor file; None detects it.
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
            min_score: Least cosine of a hit, -1..1.
            exact: True answers as if every tile were compared, whatever it costs.
            explain: True says in ``why`` how the search was answered.

        Raises:
            QueryError: Anything above is wrong; the message says what was received and what would work.
        """
        marks: dict[str, Any] = {"plus": read_marks("plus", plus), "minus": read_marks("minus", minus)}
        one = _subject(text=text, image=image, like=like, vector=vector, query=query, marked=any(marks.values()))
        request = cls(
            **one,
            **marks,
            image_sensor=None if image_sensor is None else words(image_sensor, name="image_sensor", limit=MAX_ID),
            k=_count(k),
            bbox=None if bbox is None else parse_bbox(bbox),
            within=None if within is None else parse_geometry(within),
            near=_nearby(near, radius_km),
            h3=tuple(map(parse_cell, several("h3", h3))),
            datetime=None if datetime is None else _interval(datetime),
            sensor=several("sensor", sensor),
            collection=several("collection", collection),
            label=several("label", label),
            max_cloud=between("max_cloud", max_cloud, 100),
            min_valid=between("min_valid", min_valid, 1),
            filter=filter,
            prompts=read_prompts(prompts),
            expand=read_switch("expand", expand),
            calibrated=read_switch("calibrated", calibrated),
            min_probability=between("min_probability", min_probability, 1),
            min_score=between("min_score", min_score, 1, least=-1),
            exact=bool(exact),
            explain=bool(explain),
        )
        request.where()
        check_probability(request.calibrated, request.min_probability, in_words=request.in_words)
        return request

    @property
    def in_words(self) -> bool:
        """Whether words alone are searched for, which is what scores are calibrated on."""
        return self.text is not None and not self.plus and not self.minus

    def where(self) -> Expression | None:
        """Return the filter a tile must pass; None where every tile does.

        Raises:
            FilterError: ``filter`` is wrong.
        """
        kept: tuple[Expression | None] | None = self.__dict__.get("_where")
        if kept is None:  # cached_property of Python 3.11 would let in one thread at a time
            kept = self.__dict__["_where"] = (where(self),)
        return kept[0]

    def describe(self) -> dict[str, Any]:
        """Return what was asked as JSON values, without what was left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        given = {name: value for name, value in values.items() if value is not None and not _is_empty(value)}
        given = {name: value for name, value in given.items() if not (name in _SWITCHES and value == "auto")}
        return {name: _SHOWN[name](value) if name in _SHOWN else value for name, value in given.items()}


def _is_empty(value: object) -> bool:
    return value is False or (isinstance(value, tuple) and not value)


def _subject(*, marked: bool, **subjects: Any) -> dict[str, Any]:
    """Return the one subject as the request's field; nothing where there are only marks."""
    given = {name: value for name, value in subjects.items() if value is not None}
    if len(given) > 1:
        raise QueryError(f"give only one of {', '.join(subjects)}, got {' and '.join(given)}")
    if not given and not marked:
        raise QueryError("nothing to search for: give one of text, image, like, vector or query, or mark tiles plus")
    return {name: value for pair in given.items() for name, value in _READ[pair[0]](pair[1]).items()}


def _terms(query: Any) -> dict[str, Any]:
    """A single term that counts is what it would be by itself, and is calibrated and left out alike."""
    terms = read_terms(query)
    if len(terms) == 1 and terms[0].weight > 0 and terms[0].point is None:
        return dict([terms[0].subject])
    return {"query": terms}


_READ: dict[str, Any] = {
    "text": lambda text: {"text": words(text)},
    "image": lambda image: {"image": given_picture(image)},
    "like": lambda like: {"like": words(like, name="like", limit=MAX_ID)},
    "vector": lambda vector: {"vector": direction(vector)},
    "query": _terms,
}
"""How each subject becomes a field of the request."""


def _count(k: object) -> int:
    if isinstance(k, bool) or not isinstance(k, numbers.Integral) or not 1 <= int(k) <= MAX_K:
        raise QueryError(f"k must be between 1 and {MAX_K:,}, got {k!r}")
    return int(k)


def _nearby(near: str | Sequence[float] | None, radius_km: float | None) -> Nearby | None:
    if near is None and radius_km is None:
        return None
    if near is None or radius_km is None:
        raise QueryError("near and radius_km go together, e.g. near 40.4,-3.7 (lat, lon) and radius_km 25")
    lat, lon = lat_lon(near)
    radius = number("radius_km", radius_km)
    if radius <= 0:
        raise QueryError(f"radius_km must be more than 0, got {radius_km!r}")
    return Nearby(lat=lat, lon=lon, radius_km=radius)


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


_SWITCHES = ("prompts", "expand", "calibrated")

_SHOWN: dict[str, Any] = {
    "image": shown_picture,
    "vector": lambda vector: [float(value) for value in vector],
    "query": lambda terms: [term.describe() for term in terms],
    "plus": list,
    "minus": list,
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
