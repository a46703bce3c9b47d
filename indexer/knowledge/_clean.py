"""Foreign text, without what no reader can see."""

from __future__ import annotations

import re

from core import InputError

# Controls but tab and line feed; marks that turn the direction of writing or have no width; invisible "tag" letters;
# lone surrogates. The joiners U+200C and U+200D stay: Persian and Indic words need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def cleaned(text: str) -> str:
    """Return text with one kind of line end, and nothing invisible but tabs and line feeds."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, limit: int) -> str:
    """Return text as one line of at most ``limit`` characters, cut at a word where there is one."""
    flat = " ".join(cleaned(text).split())
    if len(flat) <= limit:
        return flat
    cut = flat[:limit]
    return cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut


def decoded(content: bytes) -> str:
    """Return the text of a file.

    Raises:
        InputError: It is not UTF-8; the message is the reason alone.
    """
    try:
        return cleaned(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"not UTF-8 (line {line}, byte {error.start}); save it as UTF-8") from None
