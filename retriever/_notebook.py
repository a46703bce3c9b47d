"""Hits as a grid of pictures in a notebook.

Styles stand in the elements, because notebooks drop style sheets of outputs they do not trust, and colours follow the
text's own, because a notebook may be dark. Everything that comes from files is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from core import Hit, printable
from retriever import _export
from retriever._contact_sheet import place_text

if TYPE_CHECKING:
    from retriever._hits import Hits

GRID_LIMIT = 100
"""Most pictures shown: about half a megabyte of previews."""

MAX_TEXT = 80
"""Characters of a label, or of the query in the headline."""

_SIDE = 128
_GRID = f"display:grid;grid-template-columns:repeat(auto-fill,{_SIDE}px);gap:14px 12px;margin:8px 0"
_FIGURE = f"margin:0;width:{_SIDE}px;font:11px/1.45 system-ui,sans-serif;color:inherit;overflow-wrap:anywhere"
_PICTURE = "display:block;border-radius:4px;background:rgba(127,127,127,.25);object-fit:cover"
_TRACK = "height:4px;margin:5px 0 3px;border-radius:2px;background:rgba(127,127,127,.3)"
# Readable on white and on black: contrast 4.0 and 5.2 (https://www.w3.org/TR/WCAG22/#non-text-contrast asks for 3).
_BAR = "height:4px;border-radius:2px;background:#2f81d6"


def html_grid(hits: Hits) -> str:
    """Return a headline, remarks, and one picture a hit with its score as a bar, date, sensor, place and label."""
    more = f", first {GRID_LIMIT} shown" if len(hits) > GRID_LIMIT else ""
    asked = _short(", ".join(f"{name}: {value}" for name, value in hits.query.items() if name in ("text", "like")))
    head = f"{len(hits)} hits of {hits.matched:,} matching tiles in {hits.took_ms:.0f} ms{more}"
    lines = [head, *([asked] if asked else []), *map(printable, hits.remarks)]
    said = "".join(f'<p style="margin:2px 0">{escape(line)}</p>' for line in lines)
    shown = hits[:GRID_LIMIT]
    return f'{said}<div style="{_GRID}">{"".join(_figure(hit, _share(hit, shown)) for hit in shown)}</div>'


def _share(hit: Hit, shown: Sequence[Hit]) -> float:
    """Return how long the bar is, 0..1: the probability, or the score beside the best score."""
    if hit.probability is not None:
        return hit.probability
    best = max(other.score for other in shown)
    return max(hit.score, 0.0) / best if best > 0 else 0.0


def _figure(hit: Hit, share: float) -> str:
    name = escape(hit.tile_id)
    sure = "" if hit.probability is None else f" · {hit.probability:.0%}"
    date = "no date" if hit.datetime is None else f"{hit.datetime:%Y-%m-%d}"
    lines = [date, hit.sensor, place_text(hit.centroid), *([hit.label] if hit.label else [])]
    return (
        f'<figure style="{_FIGURE}" title="{name}">'
        f'<img src="{escape(_export.preview_uri(hit.preview))}" width="{_SIDE}" height="{_SIDE}" alt="{name}"'
        f' style="{_PICTURE}">'
        f'<div style="{_TRACK}"><div style="{_BAR};width:{share:.0%}"></div></div>'
        f"<figcaption><b>{hit.rank}</b> · {hit.score:.3f}{sure}<br>"
        f"{'<br>'.join(escape(_short(line)) for line in lines)}</figcaption></figure>"
    )


def _short(text: str) -> str:
    line = printable(text)
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"
