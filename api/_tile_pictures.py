"""Pictures and window files of a tile, each with what it was made of in its headers."""

from __future__ import annotations

import io
from collections.abc import Sequence

from api._tile_caching import Shown
from core import Record, SceneError, SwathError, safe_name
from indexer import Reach, RenderingError, draw, stored_picture, window_file

MAX_REASON = 200
"""Characters of a reason in a header."""

GEOTIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
"""Media type of a COG, https://github.com/radiantearth/stac-spec/blob/v1.1.0/best-practices.md#common-media-types"""


def stored_preview(record: Record) -> Shown:
    """Return the stored preview.

    Raises:
        SceneError: It is no WebP picture.
    """
    if record.preview[:4] != b"RIFF" or record.preview[8:12] != b"WEBP":
        raise SceneError("the stored preview is no WebP picture")
    return Shown(body=record.preview, media_type="image/webp")


def picture(record: Record, rendering: str | None, size: int, reach: Reach) -> Shown:
    """Return a tile from its original pixels, or its stored preview where those are out of reach.

    Raises:
        RenderingError: The sensor, or the bands that its files hold, do not allow that rendering.
        SceneError: Neither the original nor the preview can be read.
    """
    try:
        drawn = draw(record, rendering, size, reach=reach)
    except RenderingError:
        raise
    except SwathError as error:
        return _fallback(record, size, told(error))
    headers = {"X-Swath-Pixels": "original", "X-Swath-Rendering": drawn.legend.name}
    return Shown(body=drawn.png, media_type="image/png", headers=headers)


def _fallback(record: Record, size: int, reason: str) -> Shown:
    stored = stored_picture(record.preview)
    stored.thumbnail((size, size))
    png = io.BytesIO()
    stored.save(png, format="PNG")
    headers = {"X-Swath-Pixels": "stored-preview", "X-Swath-Rendering": "default", "X-Swath-Reason": reason}
    return Shown(body=png.getvalue(), media_type="image/png", headers=headers, lasting=False)


def pixels(record: Record, bands: Sequence[str], reach: Reach) -> Shown:
    """Return the tile's window as a GeoTIFF.

    Raises:
        RenderingError: The files hold no such band, or too many numbers.
        SwathError: The original cannot be read.
    """
    headers = {
        "X-Swath-Pixels": "original",
        "Content-Disposition": f'attachment; filename="{safe_name(record.tile_id)}.tif"',
    }
    return Shown(body=window_file(record, bands=bands, reach=reach), media_type=GEOTIFF, headers=headers)


def told(error: SwathError) -> str:
    """Return why an original cannot be read, fit for a header: one short line of ASCII, without what to set where."""
    line = " ".join(str(error).split()).partition("; ")[0]
    return line.encode("ascii", "replace").decode("ascii")[:MAX_REASON]
