"""A tile as a picture for a model, and in words what its colours mean."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PIL import Image

from core import Channel, Record, Rendering, SceneError, Sensor, SwathError, UnknownNameError, load_sensor, render
from indexer import read_original

if TYPE_CHECKING:
    from mcp.types import ImageContent

QUALITY = 88
"""Of JPEG, which every model reads; differences from the WebP or the pixels are not seen at this setting."""

MAX_PREVIEW_SIDE = 512
"""Largest stored preview decoded, in pixels; ours have 128."""

Source = Literal["original", "stored-preview"]


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A picture of a tile."""

    picture: Image.Image
    """RGB."""
    rendering: str
    """Name of the rendering drawn."""
    legend: str
    """What the colours mean."""
    source: Source
    """Where the pixels come from."""
    reason: str | None
    """Why it is the stored preview; None where it is not."""


def look(record: Record, rendering: str | None, size: int) -> Looked:
    """Return a tile drawn from its original pixels, or its stored preview where those are out of reach.

    Args:
        record: The tile.
        rendering: One of the renderings of its sensor; None for the first.
        size: Longest side in pixels; smaller originals are not enlarged.

    Raises:
        UnknownNameError: The sensor has no such rendering; the message lists those it has.
    """
    sensor = _known_sensor(record)
    if sensor is not None and rendering is not None and rendering not in _names(sensor):
        raise UnknownNameError(f"rendering of {record.sensor}", rendering, _names(sensor))
    try:
        tile = read_original(record)
    except SwathError as error:
        return _stored(record, sensor, str(error))
    colours = render(tile.pixels, tile.mask, tile.sensor, tile.bands, rendering=rendering)
    drawn = rendering or _first_drawn(tile.sensor, tile.bands)
    picture = Image.fromarray(colours)
    picture.thumbnail((size, size))
    words = legend(tile.sensor, drawn)
    return Looked(picture=picture, rendering=drawn, legend=words, source="original", reason=None)


def _stored(record: Record, sensor: Sensor | None, reason: str) -> Looked:
    words = _UNKNOWN
    if sensor is not None:
        first = sensor.renderings[0].name
        words = f"Drawn when the tile was indexed, as {first} where its bands were there. {legend(sensor, first)}"
    picture = stored_preview(record)
    return Looked(picture=picture, rendering="preview", legend=words, source="stored-preview", reason=reason)


def stored_preview(record: Record) -> Image.Image:
    """Return the stored preview, RGB.

    Raises:
        SceneError: It cannot be read.
    """
    try:
        with Image.open(io.BytesIO(record.preview), formats=["WEBP"]) as preview:
            if max(preview.size) > MAX_PREVIEW_SIDE:
                raise SceneError(f"the stored preview has {preview.width} x {preview.height} pixels; not decoded")
            return preview.convert("RGB")
    except OSError:
        raise SceneError("the stored preview of this tile cannot be read") from None


def renderings_of(name: str) -> tuple[str, ...]:
    """Return the renderings of a sensor by name; none for a sensor from somebody's own file."""
    try:
        return _names(load_sensor(name)[0])
    except SwathError:
        return ()


def _first_drawn(sensor: Sensor, bands: tuple[str, ...]) -> str:
    return next(rendering.name for rendering in sensor.renderings if _needs(rendering) <= set(bands))


def _needs(rendering: Rendering) -> set[str]:
    return {name for channel in rendering.channels for name in (channel.band, channel.over) if name}


def legend(sensor: Sensor, rendering: str) -> str:
    """Return what the colours of a rendering mean, for who has never seen one."""
    channels = next(found.channels for found in sensor.renderings if found.name == rendering)
    if len(channels) == 1:
        return f"Gray shows {_shown(sensor, channels[0])}: bright is high. {_ABOUT[sensor.kind]}"
    colours = zip(("red", "green", "blue"), channels, strict=True)
    shown = ", ".join(f"{colour} shows {_shown(sensor, channel)}" for colour, channel in colours)
    return f"{shown[0].upper()}{shown[1:]}. {_meaning(sensor, channels)} {_ABOUT[sensor.kind]}"


def _shown(sensor: Sensor, channel: Channel) -> str:
    band = sensor.band(channel.band)
    name = band.name if band.common_name in ("", band.name.lower()) else f"{band.name} ({band.common_name})"
    return name if channel.over is None else f"{name} over {channel.over}"


def _meaning(sensor: Sensor, channels: tuple[Channel, ...]) -> str:
    if sensor.kind == "sar":
        return _RADAR
    kinds = tuple(_INVISIBLE.get(sensor.band(channel.band).common_name, "") for channel in channels)
    return _MEANINGS.get(kinds, "These are not the colours the eye would see.")


def _known_sensor(record: Record) -> Sensor | None:
    try:
        return load_sensor(record.sensor)[0]
    except SwathError:
        return None


def _names(sensor: Sensor) -> tuple[str, ...]:
    return tuple(rendering.name for rendering in sensor.renderings)


def image_content(picture: Image.Image) -> ImageContent:
    """Return a picture as content of an answer."""
    from mcp.types import ImageContent

    data = io.BytesIO()
    picture.save(data, "JPEG", quality=QUALITY)
    return ImageContent(type="image", data=b64encode(data.getvalue()).decode("ascii"), mime_type="image/jpeg")


_UNKNOWN = "The sensor comes from somebody's own file; what the colours show is not recorded."
_ABOUT = {
    "optical": "The stretch is fixed, so brightness can be compared between tiles; black is without data.",
    "sar": "This is radar backscatter and no photograph; the stretch is fixed; black is without data or very dark.",
}
_RADAR = "Towns and metal are bright, smooth water and tarmac dark; vegetation scatters more into VH and HV."
_INVISIBLE = {"nir": "nir", "nir08": "nir", "swir16": "swir", "swir22": "swir"}
_MEANINGS: dict[tuple[str, ...], str] = {
    ("", "", ""): "Colours are about as the eye would see them.",
    ("nir", "", ""): "Healthy vegetation is red, water dark, towns and bare ground gray to cyan.",
    ("swir", "nir", ""): "Vegetation is green, burnt and bare ground red to brown, water dark blue to black.",
}
"""What stands out, by what red, green and blue show."""
