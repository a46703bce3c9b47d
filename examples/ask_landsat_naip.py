"""Ten questions to a real archive, answered from records; writes docs/how-to/ask-examples.md and its pictures.

The archive: eight Landsat composites of the Ucayali River in Peru and ten NAIP years of prairie wetlands in the United
States, in the layout of https://github.com/opengeos/data (folders ``landsat`` and ``naip``). Four entries of knowledge
name the places. Run: ``python -m examples.ask_landsat_naip --data FOLDER --out docs/how-to/ask-examples.md``.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw

from indexer import draw as draw_tile
from indexer import renderings_of
from retriever.rag import Answer, EvidenceTile, QueryPlan

ROOT = Path(__file__).parents[1]
KNOWLEDGE = ROOT / "examples" / "landsat_naip_places.geojson"
COMPOSITE = ROOT / "docs" / "examples" / "landsat-uint8-composite.toml"
SENSOR_FILES = json.dumps([str(COMPOSITE)])
"""What ``SWATH_SENSOR_FILES`` must be for original pixels of the composites to be read again."""

QUESTIONS = (
    "How did the Ucayali River move between 1985 and 2020?",
    "Which years were the wetlands of the Prairie Pothole Region dry?",
    "Where was open water lost along the Ucayali River between 1985 and 2005?",
    "Compare open water in the Prairie Pothole Region in 2009 and in 2020.",
    "How did open water in Yarinacocha change since 1985?",
    "How many dates of Pucallpa are there?",
    "Since when are there pictures of the Prairie Pothole Region?",
    "Is there radar imagery of Pucallpa?",
    "Are there pictures of the Prairie Pothole Region from 2011?",
    "What do you have of Yarinacocha?",
)

TILES = {QUESTIONS[0]: 50, QUESTIONS[2]: 50}
"""Tiles of evidence where twelve would not show every bend on both dates."""

SHOWN = 12
"""Most tiles in a picture."""

COLUMNS = 6
"""Tiles in a row of a picture."""

SIDE = 150
"""Pixels of a tile in a picture."""

CAPTION = 17
"""Pixels of the line below a tile."""

GAP = 6
"""Pixels between tiles."""

PICTURES = "../pictures/ask"
"""Folder of the pictures, from the page."""

MOST_BYTES = 150_000
"""Largest picture of the page."""


def main() -> None:
    """Index, ask, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="Folder with landsat/ and naip/.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "how-to" / "ask-examples.md", help="The page.")
    parser.add_argument("--pictures", type=Path, help=f"Their folder; default: {PICTURES} of the page.")
    given = parser.parse_args()
    os.environ["SWATH_SENSOR_FILES"] = SENSOR_FILES
    with tempfile.TemporaryDirectory() as folder:
        index = build_index(given.data, Path(folder) / "index")
        given.out.write_text(page(index, given.pictures or (given.out.parent / PICTURES).resolve()))


def build_index(data: Path, into: Path) -> Path:
    """Index both archives with the knowledge of their places; return the index directory."""
    import swath
    from indexer.knowledge import add_knowledge

    swath.index(str(data / "naip"), into=into, sensor="naip", datetime_pattern="%Y%m%d")
    swath.index(str(data / "landsat"), into=into, sensor=str(COMPOSITE), datetime_pattern="%Y")
    add_knowledge(into, [KNOWLEDGE], lambda: swath.open(into).encoder)
    return into


def page(index: Path, pictures: Path | None) -> str:
    """Return the page; write its pictures, where a folder for them is given.

    Args:
        index: From `build_index`.
        pictures: Folder of the pictures; None writes none.
    """
    import swath

    opened = swath.open(index)
    parts = [_INTRODUCTION]
    for number, question in enumerate(QUESTIONS, start=1):
        tiles = TILES.get(question, 12)
        answer = opened.ask(question, tiles=tiles, use_model=False)
        picture = f"{number:02}.webp" if _cited(answer) else None
        if pictures is not None and picture is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / picture).write_bytes(strip(answer))
        parts.append("\n".join(_section(number, answer, picture)))
    return "\n".join(parts)


def _section(number: int, answer: Answer, picture: str | None) -> Iterator[str]:
    yield f"## {number}. {answer.question}\n"
    yield f"Read as: {_read_as(answer.plan)}.\n"
    if answer.abstained is not None:
        yield f"**No answer.** {answer.abstained}\n"
    for claim in answer.claims:
        yield f"- {claim.text} {_numbers(claim.cites)}"
    if picture is not None:
        yield f"\n![Cited tiles with number and date]({PICTURES}/{picture})\n"
    if answer.caveats:
        yield "What limits it:\n"
        yield from (f"- {caveat}" for caveat in answer.caveats)
        yield ""


def _numbers(cites: Sequence[int]) -> str:
    """Return ``[1][2][4–9]``."""
    runs: list[list[int]] = []
    for number in sorted(cites):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [[f"{run[0]}–{run[-1]}"] if len(run) > 2 else list(map(str, run)) for run in runs]
    return "".join(f"[{part}]" for run in parts for part in run)


def _read_as(plan: QueryPlan) -> str:
    """The plan in a line."""
    periods = [f"{_end(first)} to {_end(last)}" for first, last in plan.periods]
    parts = {
        "": f"`{plan.shape}`",
        "sought": ", ".join(plan.sought),
        "place": "" if plan.place is None else plan.place.name,
        "when": " and ".join(periods),
        "sensors": ", ".join(plan.sensors),
        "drawn as": ", ".join(f"`{name}`" for name in plan.renderings),
    }
    return "; ".join(f"{name} {value}".strip() for name, value in parts.items() if value)


def _end(instant: datetime | None) -> str:
    return "any time" if instant is None else f"{instant:%Y-%m-%d}"


def _cited(answer: Answer) -> list[EvidenceTile]:
    """The tiles that claims cite, those of the claims that cite fewest first."""
    claims = sorted(answer.claims, key=lambda claim: len(claim.cites))
    order = dict.fromkeys(number for claim in claims for number in claim.cites)
    tiles = {tile.number: tile for tile in answer.evidence.tiles}
    return sorted([tiles[number] for number in order if number in tiles][:SHOWN], key=lambda tile: tile.number)


def strip(answer: Answer) -> bytes:
    """Return cited tiles side by side as WebP, under each its number and date."""
    tiles = _cited(answer)
    rows = -(-len(tiles) // COLUMNS)
    step, high = SIDE + GAP, SIDE + CAPTION + GAP
    sheet = Image.new("RGB", (min(len(tiles), COLUMNS) * step + GAP, rows * high + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for place, tile in enumerate(tiles):
        left, top = place % COLUMNS * step + GAP, place // COLUMNS * high + GAP
        sheet.paste(_picture(tile, answer.plan), (left, top))
        when = "no date" if tile.record.datetime is None else f"{tile.record.datetime:%Y-%m-%d}"
        draw.text((left, top + SIDE + 2), f"[{tile.number}] {when}", fill="black", font_size=13)
    out = io.BytesIO()
    sheet.save(out, "WEBP", quality=82, method=6)
    if len(data := out.getvalue()) > MOST_BYTES:
        raise ValueError(f"the picture of {answer.question!r} has {len(data):,} bytes; at most {MOST_BYTES:,} are kept")
    return data


def _picture(tile: EvidenceTile, plan: QueryPlan) -> Image.Image:
    """A tile from its original pixels, in the rendering that the question wants; gray where there are no data."""
    rendering = next((name for name in plan.renderings if name in renderings_of(tile.record.sensor)), None)
    square = Image.new("RGB", (SIDE, SIDE), "lightgray")
    with Image.open(io.BytesIO(draw_tile(tile.record, rendering, 2 * SIDE).png)) as picture:
        small = picture.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    square.paste(small, mask=small)
    return square


_INTRODUCTION = """\
# Ten questions to a real archive

Written by `python -m examples.ask_landsat_naip --data FOLDER`; run it again to renew this page. FOLDER holds `landsat`
and `naip` of [opengeos/data](https://github.com/opengeos/data/tree/main/raster): eight Landsat composites of the
Ucayali River in Peru (1985 to 2020, four bands of 8 bits, 90 m) and ten NAIP years of prairie wetlands in North Dakota
(2009 to 2020, 5 m). Four entries of knowledge, `examples/landsat_naip_places.geojson`, name the places.

No model is set up. Every sentence below follows from records of the index, from passages of the knowledge, or from
measurements on the original pixels of the tiles it cites; [how](../design/answers-records.md). On the command line this
is `swath ask "How did the Ucayali River move between 1985 and 2020?" --index my-index`.
"""


if __name__ == "__main__":
    main()
