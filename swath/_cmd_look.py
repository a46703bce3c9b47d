"""``swath show`` and ``swath info``: one tile's picture, and what an index holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, print_table, print_text, stderr, stdout
from swath._options import AsJson, IndexDir

if TYPE_CHECKING:
    from indexer.store import IndexInfo


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("show")(show)
    app.command("info")(info)


def show(
    tile_id: Annotated[str, typer.Argument(metavar="TILE_ID")],
    index_dir: IndexDir,
    out: Annotated[Path, typer.Option(metavar="FILE.png", help="Where to write the picture.")],
    sensor: Annotated[
        str | None, typer.Option(metavar="FILE.toml", help="Sensor file, where the sensor is your own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a tile's picture from its original pixels."""
    import swath
    from swath._show import write_tile_picture

    shown = write_tile_picture(swath.open(index_dir).tile(tile_id), out, sensor=sensor)
    if not shown.original:
        stderr().print(f"the original pixels cannot be read ({shown.reason}); wrote the stored preview", markup=False)
    if as_json:
        print_json(shown)
    else:
        stdout().print(f"wrote {out} ({shown.width} x {shown.height} pixels, {shown.rendering})", markup=False)


def info(index_dir: IndexDir, as_json: AsJson = False) -> None:
    """Describe an index: counts, extent, dates, encoder."""
    from dataclasses import asdict

    import swath
    from swath._snapshot_words import as_values, in_words

    index = swath.open(index_dir)
    found, snapshot = index.info(), index.search_snapshot()
    if as_json:
        print_json(asdict(found) | {"search_snapshot": as_values(snapshot)})
        return
    from indexer.knowledge import list_knowledge

    _print_info(found, sum(file.passages for file in list_knowledge(index_dir)))
    print_text(f"search snapshot: {in_words(snapshot, index_dir)}")


def _print_info(found: IndexInfo, passages: int) -> None:
    first, last = found.datetime
    rows: list[tuple[str, object]] = [
        ("tiles", f"{found.tiles:,}"),
        ("scenes", f"{found.scenes:,}"),
        *((f"collection {name}", f"{count:,} tiles") for name, count in found.collections.items()),
        *((f"sensor {name}", f"{count:,} tiles") for name, count in found.sensors.items()),
        ("first date", first),
        ("last date", last),
        ("bbox", found.bbox),
        ("encoder", f"{found.encoder}@{found.revision}"),
        ("dim", found.dim),
        ("version", found.version),
        *([("knowledge", f"{passages:,} passages")] if passages else []),
    ]
    print_table(None, ("", ""), rows)
