"""The options that reading every single scene needs, resolved once."""

from __future__ import annotations

from dataclasses import dataclass

from core import Encoding, NamePattern, Sensor, Settings, load_sensor, safe_name
from indexer.sources._options import SourceOptions


@dataclass(frozen=True, kw_only=True)
class Request:
    """A sensor that the caller named."""

    sensor: Sensor
    """The sensor."""
    encoding: Encoding | None
    """The encoding, where one was named, too."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How scenes are to be read."""

    settings: Settings
    """Limits and allowed hosts."""
    collection: str | None
    """Safe name of the collection the caller named."""
    request: Request | None
    """The sensor the caller named; None detects it."""
    pattern: NamePattern | None
    """Where dates are in names; None reads them from tags and catalogs."""

    @classmethod
    def of(cls, options: SourceOptions) -> Reading:
        """Resolve options.

        Raises:
            InputError: The date pattern or sensor file is wrong.
            UnknownNameError: No such sensor.
        """
        sensor = load_sensor(options.sensor) if options.sensor else None
        return cls(
            settings=options.settings,
            collection=safe_name(options.collection) if options.collection else None,
            request=Request(sensor=sensor[0], encoding=sensor[1]) if sensor else None,
            pattern=NamePattern(options.datetime_pattern) if options.datetime_pattern else None,
        )
