"""``swath search``: tiles by words, a picture or likeness."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from swath._cmd_search_every import write_every
from swath._console import print_json, print_table, print_text, stderr, stdout
from swath._explained import print_explained
from swath._options import (
    H3,
    AsJson,
    BBox,
    Collections,
    Cql2,
    Datetime,
    IndexDir,
    Labels,
    MaxCloud,
    MinValid,
    Near,
    Radius,
    SensorNames,
    Within,
)
from swath._sought import (
    Calibrated,
    Expand,
    ImageSensor,
    Like,
    MinProbability,
    MinScore,
    Minus,
    Picture,
    Plus,
    Prompts,
    Terms,
    sought,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from core import Hit
    from retriever import Format as FileFormat
    from retriever import Hits


PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
"""What a contact sheet may end in."""


class Format(StrEnum):
    """Output formats of a search."""

    TABLE = "table"
    JSON = "json"
    GEOJSON = "geojson"
    CSV = "csv"
    PARQUET = "parquet"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("search")(search)


def search(
    index_dir: IndexDir,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What to look for, in words.")] = None,
    image: Picture = None,
    like: Like = None,
    plus: Plus = None,
    minus: Minus = None,
    term: Terms = None,
    image_sensor: ImageSensor = None,
    k: Annotated[int, typer.Option("-k", "--k", metavar="N", help="Hits wanted, 1 to 10,000.")] = 10,
    bbox: BBox = None,
    within: Within = None,
    near: Near = None,
    radius: Radius = None,
    h3: H3 = None,
    datetime: Datetime = None,
    sensor: SensorNames = None,
    collection: Collections = None,
    label: Labels = None,
    max_cloud: MaxCloud = None,
    min_valid: MinValid = None,
    filter_: Cql2 = None,
    prompts: Prompts = True,
    expand: Expand = None,
    calibrated: Calibrated = None,
    min_probability: MinProbability = None,
    min_score: MinScore = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Answer as if every tile were compared, whatever it costs.")
    ] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say how the search was answered.")] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="Every tile above --min-score or --min-probability, into --out.")
    ] = False,
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TABLE,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there instead of printing.")] = None,
    contact_sheet: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Write a picture of the hits.")] = None,
) -> None:
    """Search in words, with a picture, or for more like a tile."""
    import swath

    asked: dict[str, Any] = {
        **sought(
            image=image,
            like=like,
            plus=plus,
            minus=minus,
            term=term,
            prompts=prompts,
            expand=expand,
            calibrated=calibrated,
        ),
        "text": text,
        "image_sensor": image_sensor,
        "bbox": bbox,
        "within": within,
        "near": near,
        "radius_km": radius,
        "h3": h3 or (),
        "datetime": datetime,
        "sensor": sensor or (),
        "collection": collection or (),
        "label": label or (),
        "max_cloud": max_cloud,
        "min_valid": min_valid,
        "filter": filter_,
        "min_probability": min_probability,
        "min_score": min_score,
        "exact": exact,
        "explain": explain,
    }
    if all_:
        sheet = contact_sheet is not None
        write_every(index_dir, asked, out=out, format_=format_.value, as_json=as_json, sheet=sheet)
        return
    wanted = Format.JSON if as_json else format_
    _check_output(wanted, out, contact_sheet)
    hits = swath.open(index_dir).search(k=k, **asked)
    for remark in hits.remarks:
        stderr().print(remark, markup=False, soft_wrap=True)
    _deliver(hits, wanted, out)
    if explain:
        print_explained(hits.why["engine"])
    if contact_sheet is not None:
        _save(hits.contact_sheet(), contact_sheet)


def _check_output(wanted: Format, out: Path | None, contact_sheet: Path | None) -> None:
    from core import InputError

    if wanted is Format.PARQUET and out is None:
        raise InputError("--format parquet is binary; give --out FILE.parquet as well")
    if contact_sheet is not None and contact_sheet.suffix.lower() not in PICTURE_ENDINGS:
        raise InputError(f"cannot write {contact_sheet}: a contact sheet ends in {' or '.join(PICTURE_ENDINGS)}")
    for path in (out, contact_sheet):
        if path is not None and not path.resolve().parent.is_dir():
            raise InputError(f"cannot write {path}: the folder {path.resolve().parent} does not exist")


def _deliver(hits: Hits, wanted: Format, out: Path | None) -> None:
    if out is not None:
        hits.write(out, None if wanted is Format.TABLE else cast("FileFormat", wanted.value))
    elif wanted is Format.TABLE:
        print_hits(hits)
    elif wanted is Format.CSV:
        print_text(hits.to_csv())
    else:
        print_json(hits.to_geojson() if wanted is Format.GEOJSON else hits.to_dict())


def _save(picture: Image, path: Path) -> None:
    from core import InputError

    try:
        picture.save(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write {path}: {error}; expected a path that ends in .png") from None


def print_hits(hits: Hits, title: str | None = None) -> None:
    """Print hits as a table with score, place and date."""
    sure = any(hit.probability is not None for hit in hits)
    columns = ("rank", "score", *(["probability"] if sure else []), "tile", "sensor", "date", "lat, lon", "cloud")
    print_table(title, columns, (_row(hit, sure=sure) for hit in hits))
    if hits.why.get("classes"):
        stdout().print(f"searched as {'; '.join(hits.why['terms'])}", markup=False)
    stdout().print(f"{len(hits)} of {hits.matched:,} matching tiles, {hits.took_ms:.0f} ms")


def _row(hit: Hit, *, sure: bool) -> tuple[object, ...]:
    place = None if hit.centroid is None else f"{hit.centroid[1]:.4f}, {hit.centroid[0]:.4f}"
    day = None if hit.datetime is None else f"{hit.datetime:%Y-%m-%d}"
    cloud = None if hit.cloud is None else f"{hit.cloud:.0%}"
    chance = [None if hit.probability is None else f"{hit.probability:.2g}"] if sure else []
    return (hit.rank, f"{hit.score:.3f}", *chance, hit.tile_id, hit.sensor, day, place, cloud)
