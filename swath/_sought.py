"""What is looked for, as the commands that search and watch take it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

Picture = Annotated[Path | None, typer.Option("--image", metavar="FILE", help="Picture to look for.")]
Like = Annotated[str | None, typer.Option("--like", metavar="TILE_ID", help="More like this tile.")]
Plus = Annotated[
    list[str] | None, typer.Option("--plus", metavar="TILE_ID", help="A tile that is right; may be repeated.")
]
Minus = Annotated[
    list[str] | None, typer.Option("--minus", metavar="TILE_ID", help="A tile that is wrong; may be repeated.")
]
Terms = Annotated[
    list[str] | None,
    typer.Option(
        "--term",
        metavar="TERM",
        help="text=..., like=..., image=... or point=LON,LAT, then *WEIGHT; repeatable.",
    ),
]
ImageSensor = Annotated[
    str | None,
    typer.Option("--image-sensor", metavar="S", help="Sensor of a GeoTIFF --image, where the file does not say."),
]
Prompts = Annotated[bool, typer.Option("--prompts/--no-prompts", help="Word short texts for the encoder.")]
Expand = Annotated[
    bool | None, typer.Option("--expand/--no-expand", help="Add synonyms; default: where a class is named.")
]
Calibrated = Annotated[
    bool | None,
    typer.Option("--calibrated/--no-calibrated", help="Rank by probability; default: where possible."),
]
MinProbability = Annotated[
    float | None,
    typer.Option("--min-probability", metavar="P", help="Least probability of a hit, 0 to 1; see: swath calibrate."),
]
MinScore = Annotated[float | None, typer.Option("--min-score", metavar="COSINE", help="Least score of a hit, -1 to 1.")]


def sought(
    *,
    image: Path | None,
    like: str | None,
    plus: list[str] | None,
    minus: list[str] | None,
    term: list[str] | None,
    prompts: bool,
    expand: bool | None,
    calibrated: bool | None,
) -> dict[str, Any]:
    """Return options as arguments of ``Index.search``.

    Raises:
        InputError: A term cannot be read.
    """
    return {
        "image": image,
        "like": like,
        "query": [read_term(each) for each in term] if term else None,
        "plus": plus or (),
        "minus": minus or (),
        "prompts": "auto" if prompts else None,
        "expand": "auto" if expand is None else expand,
        "calibrated": "auto" if calibrated is None else calibrated,
    }


def read_term(text: str) -> dict[str, Any]:
    """Return ``text=snow*-0.5`` as a term of a query.

    Raises:
        InputError: It names no kind.
    """
    from core import InputError

    given, star, weight = text.rpartition("*")
    try:
        weighted = {"weight": float(weight)} if star else {}
    except ValueError:
        given, weighted = text, {}  # the star is part of the words
    name, equals, value = (given if weighted else text).partition("=")
    if not equals:
        raise InputError(f"--term {text!r} names no kind; write text=..., like=..., image=... or point=LON,LAT")
    return {name: value.split(",") if name == "point" else value} | weighted
