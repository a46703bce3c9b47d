"""Pictures as every server reads them: PNG or JPEG, no larger than asked, without transparency."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from retriever.rag._model import ImagePart
from retriever.rag._types import EvidencePicture
from retriever.rag.evidence._pictures import NO_DATA

if TYPE_CHECKING:
    from PIL.Image import Image

_PNG_LEVEL = 3
"""Of deflate; a third of the time of the usual 6 for a few percent more bytes."""

_READ_BY_ALL = ("image/png", "image/jpeg")
"""llama.cpp decodes with stb_image, which reads no WebP: https://github.com/nothings/stb/blob/master/stb_image.h."""


def sent_picture(picture: EvidencePicture, longest: int) -> ImagePart:
    """Return a picture whose longer side has at most ``longest`` pixels, as it is where it can be sent so.

    Raises:
        OSError: It is damaged.
    """
    from PIL import Image

    with Image.open(BytesIO(picture.data)) as opened:
        ready = picture.media_type in _READ_BY_ALL and max(opened.size) <= longest
        if ready and _opaque(opened):
            return ImagePart(media_type=picture.media_type, data=picture.data)
        return _redrawn(opened, longest)


def _opaque(opened: Image) -> bool:
    """Whether every pixel is valid; the pictures of tiles have an alpha channel even then."""
    if opened.mode == "RGBA":
        return opened.getchannel("A").getextrema() == (255, 255)
    return opened.mode in ("RGB", "L") and "transparency" not in opened.info


def _redrawn(opened: Image, longest: int) -> ImagePart:
    from PIL import Image

    layers = opened.convert("RGBA")
    layers.thumbnail((longest, longest))
    # Models flatten transparency to black or white, which water and snow are, too.
    flat = Image.new("RGB", layers.size, NO_DATA)
    flat.paste(layers, mask=layers.getchannel("A"))
    into = BytesIO()
    flat.save(into, "PNG", compress_level=_PNG_LEVEL)
    return ImagePart(media_type="image/png", data=into.getvalue())
