"""When a file was acquired: from a name pattern or from tags; never from its modification time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from rasterio.io import DatasetReader

from core import NamePattern, SceneError


def file_date(stem: str, dataset: DatasetReader, pattern: NamePattern | None) -> datetime | None:
    """Return the UTC date of a file, or None. A pattern, where given, decides alone.

    Raises:
        SceneError: The pattern matches several dates in the name, or a tag holds a date outside the years 1 to 9999.
    """
    if pattern:
        return pattern.find(stem)
    return tag_date(dataset.tags(ns="IMAGERY"), dataset.tags())


def tag_date(imagery: Mapping[str, str], tags: Mapping[str, str]) -> datetime | None:
    """Return the first date that can be read from, in order, the tags listed below; naive dates are UTC.

    ``ACQUISITIONDATETIME`` of the ``IMAGERY`` domain (https://gdal.org/user/raster_data_model.html#imagery-domain-remote-sensing),
    ``datetime`` (ISO 8601, as xarray-based tools write it), ``TIFFTAG_DATETIME`` (TIFF 6.0, ``YYYY:MM:DD HH:MM:SS``).

    Raises:
        SceneError: A date is outside the years 1 to 9999 in UTC.
    """
    texts = (imagery.get("ACQUISITIONDATETIME"), tags.get("datetime"), tags.get("TIFFTAG_DATETIME"))
    return next((instant for text in texts if text and (instant := _read(text.strip()))), None)


def _read(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, _read_tiff):
        try:
            instant = parse(text)
        except ValueError:
            continue
        return as_utc(instant)
    return None


def as_utc(instant: datetime) -> datetime:
    """Return an instant in UTC; one without a time zone is in UTC.

    Raises:
        SceneError: In UTC it is outside the years 1 to 9999.
    """
    try:
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise SceneError(f"has the date {instant.isoformat()}, which is outside the years 1 to 9999 in UTC") from None


def _read_tiff(text: str) -> datetime:
    return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
