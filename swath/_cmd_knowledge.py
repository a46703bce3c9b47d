"""``swath knowledge``: texts beside the tiles, for answers to cite and for names of places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, print_table, stderr, stdout
from swath._errors import PARTLY_FAILED
from swath._options import AsJson, IndexArgument

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from indexer.knowledge import KnowledgeReport
    from retriever.rag import Passage

SHOWN_BAD = 20
"""Entries listed on the terminal; --json lists them all."""

SHOWN_TEXT = 200
"""Characters of a passage that search prints; --json prints all."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    knowledge = typer.Typer(
        name="knowledge", help="Keep texts beside the tiles: descriptions, gazetteers, reports.", no_args_is_help=True
    )
    knowledge.command("add")(add)
    knowledge.command("list")(list_)
    knowledge.command("remove")(remove)
    knowledge.command("search")(search)
    app.add_typer(knowledge, name="knowledge")


def add(
    index_dir: IndexArgument,
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Markdown, text, CSV, GeoJSON; folders, or globs.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count; write nothing.")] = False,
    as_json: AsJson = False,
) -> int:
    """Add files, or replace those of the same name; what has not changed is left alone."""
    import swath
    from indexer.knowledge import add_knowledge
    from swath._progress import Line

    index = swath.open(index_dir)
    with Line("embedding passages") as line:
        report = add_knowledge(index_dir, files, lambda: index.encoder, dry_run=dry_run, progress=line.count)
    if as_json:
        print_json(report)
    else:
        _print_report(report, index_dir)
    return PARTLY_FAILED if report.failed else 0


def _print_report(report: KnowledgeReport, index_dir: str) -> None:
    columns = ("file", "", "passages", "with a place", "with a date", "gone", "left out")
    rows = ((f.source, f.status, f.passages, f.placed, f.dated, f.removed, len(f.bad)) for f in report.files)
    print_table(None, columns, rows)
    _print_bad(report)
    if report.dry_run:
        stdout().print("nothing was written (--dry-run)")
    else:
        words = f"swath knowledge search {index_dir} 'a shallow lake'"
        stdout().print(f"{report.passages:,} passages in {report.seconds:.1f} s; try: {words}", markup=False)


def _print_bad(report: KnowledgeReport) -> None:
    from core import printable

    failed = [f"{file.source}: {file.reason}" for file in report.files if file.status == "failed"]
    left_out = [f"{file.source}, {bad.where}: {bad.reason}" for file in report.files for bad in file.bad]
    long = [
        f"{file.source}: {file.overlong} passages are one sentence longer than the encoder reads; only its beginning is"
        " found by meaning"
        for file in report.files
        if file.overlong
    ]
    lines = [*(f"failed: {line}" for line in failed), *(f"left out: {line}" for line in left_out), *long]
    for line in lines[:SHOWN_BAD]:
        stderr().print(printable(line), markup=False, soft_wrap=True)
    if len(lines) > SHOWN_BAD:
        stderr().print(f"... and {len(lines) - SHOWN_BAD} more; --json lists them all")


def list_(index_dir: IndexArgument, as_json: AsJson = False) -> None:
    """List the files whose passages the index holds."""
    from indexer.knowledge import list_knowledge

    files = list_knowledge(index_dir)
    if as_json:
        print_json(files)
        return
    if not files:
        stdout().print(f"no knowledge yet; add some with: swath knowledge add {index_dir} FILES", markup=False)
        return
    columns = ("file", "passages", "with a place", "with a date", "added")
    rows = ((f.source, f.passages, f.placed, f.dated, f"{f.added:%Y-%m-%d %H:%M} UTC") for f in files)
    print_table(None, columns, rows)


def remove(
    index_dir: IndexArgument,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILES...", help="Names, as listed.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove all knowledge.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the passages of files."""
    from core import InputError
    from indexer.knowledge import clear_knowledge, remove_knowledge

    if bool(files) == everything:
        raise InputError("name the files to remove (swath knowledge list INDEX shows them), or give --all, not both")
    gone = clear_knowledge(index_dir) if everything else remove_knowledge(index_dir, files or ())
    if as_json:
        print_json({"passages": gone})
    else:
        stdout().print(f"removed {gone:,} passages")


def search(
    index_dir: IndexArgument,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="A question or a few words.")] = None,
    near: Annotated[str | None, typer.Option(metavar="LAT,LON", help="Only what is near, or has no place.")] = None,
    radius: Annotated[float, typer.Option(metavar="KM", help="How near.")] = 10.0,
    k: Annotated[int, typer.Option("-k", metavar="N", help="Most passages.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Find passages, as an answer would."""
    import swath
    from core import InputError
    from retriever.rag import Knowledge, open_knowledge, passage_document

    if not (text or "").strip() and near is None:
        raise InputError("nothing to look for; give a text, --near LAT,LON, or both")
    index = swath.open(index_dir)
    knowledge: Knowledge | None = open_knowledge(index.folder, index.encoder)
    if knowledge is None:
        raise InputError(f"the index holds no knowledge; add some with: swath knowledge add {index_dir} FILES")
    place = _point(near, radius)
    found = knowledge.search([text] if text else [], near=place, radius_km=radius, k=k)
    if as_json:
        print_json([passage_document(passage) for passage in found])
    elif not found:
        stdout().print("no passage fits")
    else:
        print_table(None, ("score", "km", "title", "date", "text", "file"), map(_row, found))


def _point(near: str | None, radius: float) -> BaseGeometry | None:
    from shapely.geometry import Point

    from retriever import filters_only

    spot = None if near is None else filters_only(near=near, radius_km=radius).near
    return None if spot is None else Point(spot.lon, spot.lat)


def _row(passage: Passage) -> tuple[object, ...]:
    score = None if passage.score is None else f"{passage.score:.2f}"
    away = None if passage.distance_km is None else f"{passage.distance_km:.1f}"
    date = None if passage.datetime is None else f"{passage.datetime:%Y-%m-%d}"
    text = " ".join(passage.text.split())
    shown = text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "..."
    return score, away, passage.title, date, shown, passage.source
