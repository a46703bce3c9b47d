"""``swath index``, ``swath remove``, ``swath compact``, ``swath optimize``: what changes an index."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, stderr, stdout
from swath._errors import PARTLY_FAILED
from swath._logs import logs_lines
from swath._options import AsJson, IndexDir, MetricsFile

if TYPE_CHECKING:
    from indexer import IngestReport, Progress
    from retriever.engine import OptimizeReport
    from retriever.watches import WatchRun

SHOWN_FAILURES = 20
"""Failures listed on the terminal; --json lists them all."""


class Vectors(StrEnum):
    """How vectors are stored."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("index")(index)
    app.command("remove")(remove)
    app.command("compact")(compact)
    app.command("optimize")(optimize)


def index(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Files, folders, globs, s3://, https://, STAC JSON, API or GeoParquet; or dataset:NAME FOLDER.",
        ),
    ],
    into: Annotated[str, typer.Option(metavar="DIR", help="Index directory, or s3://bucket/prefix; made if missing.")],
    collection: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the collection.")] = None,
    sensor: Annotated[str | None, typer.Option(metavar="NAME|FILE.toml", help="Sensor; see: swath sensors.")] = None,
    encoder: Annotated[str | None, typer.Option(metavar="NAME", help="Encoder; see: swath encoders.")] = None,
    tile_size: Annotated[int, typer.Option(metavar="PX", help="Tile side in pixels.")] = 224,
    overlap: Annotated[float, typer.Option(metavar="FRACTION", help="Overlap of neighbours, 0 to below 1.")] = 0.0,
    gsd: Annotated[float | None, typer.Option(metavar="M", help="Metres per pixel to read at.")] = None,
    min_valid: Annotated[float, typer.Option(metavar="FRACTION", help="Drop tiles with fewer valid pixels.")] = 0.1,
    datetime_pattern: Annotated[
        str | None, typer.Option(metavar="P", help="strptime pattern searched in file names, e.g. %Y%m%d.")
    ] = None,
    bbox: Annotated[str | None, typer.Option(metavar="W,S,E,N", help="Scenes to take from a STAC source.")] = None,
    datetime: Annotated[str | None, typer.Option(metavar="A/B", help="Scenes to take from a STAC source.")] = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="Take rasters without a CRS as pictures.")] = False,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this split of the captions or dataset.")
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Reader threads (of each Ray worker).")] = None,
    vectors: Annotated[Vectors, typer.Option(help="How a new index stores vectors.")] = Vectors.FLOAT16,
    ray: Annotated[
        str | None,
        typer.Option(metavar="local|auto|HOST:PORT", help="Spread the work over a Ray cluster; local starts one here."),
    ] = None,
    ray_workers: Annotated[
        int | None, typer.Option(metavar="N", help="Ray workers; as many as fit if not given.")
    ] = None,
    ray_cpus: Annotated[int, typer.Option(metavar="N", help="Cores of a Ray worker.")] = 1,
    ray_gpus: Annotated[float, typer.Option(metavar="N", help="GPUs of a Ray worker; 0.5 lets two share one.")] = 0.0,
    metrics_file: MetricsFile = None,
    as_json: AsJson = False,
) -> int:
    """Index scenes; running it again skips, resumes and repairs."""
    import swath
    from swath._metrics_file import IngestMetrics
    from swath._progress import Line

    runs: list[WatchRun] = []
    with Line("looking for scenes") as line, IngestMetrics(metrics_file, into) as metrics:

        def progress(told: Progress) -> None:
            line.ingest(told)
            metrics.progress(told)

        report = swath.index(
            *sources,
            into=into,
            collection=collection,
            sensor=sensor,
            encoder=encoder,
            tile_size=tile_size,
            overlap=overlap,
            gsd=gsd,
            min_valid=min_valid,
            datetime_pattern=datetime_pattern,
            bbox=bbox,
            datetime=datetime,
            pictures=pictures,
            split=split,
            workers=workers,
            vectors=vectors.value,
            ray=ray,
            ray_workers=ray_workers,
            ray_cpus=ray_cpus,
            ray_gpus=ray_gpus,
            progress=progress,
            watched=runs.append,
        )
        metrics.ended(report)
    print_watched(runs, found=not as_json)
    print_json(report) if as_json else print_report(report, into)
    return PARTLY_FAILED if report.failures else 0


def print_watched(runs: Sequence[WatchRun], *, found: bool) -> None:
    """Print what the watches found during an ingest, all runs of one together, and what is wrong at its end.

    Args:
        runs: In the order they ended.
        found: Whether to print what was found; problems are printed in any case.
    """
    from dataclasses import replace

    from swath._cmd_watch import print_problem, print_run

    summed: dict[str, WatchRun] = {}
    for run in runs:
        before = summed.get(run.name)
        counts = {} if before is None else {each: getattr(before, each) + getattr(run, each) for each in _SUMMED}
        summed[run.name] = replace(run, **counts)
    for run in summed.values():
        (print_run if found else print_problem)(run)


_SUMMED = ("tiles", "matches", "sent")
"""Numbers of a run that add up; the others tell how a watch stands at its end."""


def print_report(report: IngestReport, into: str | Path) -> None:
    """Print what an ingest did, and every failure up to a limit."""
    out = stdout()
    out.print(
        f"scenes: {report.scenes_indexed:,} indexed, {report.scenes_skipped:,} unchanged, "
        f"{len(report.failures):,} failed; "
        f"tiles: {report.tiles_written:,} written, {report.tiles_dropped:,} dropped as nearly empty; "
        f"{report.seconds:.1f} s, {report.tiles_per_second:.0f} tiles/s, encoder busy {report.encoder_busy:.0%}"
    )
    if report.undated:
        out.print(f"undated scenes: {report.undated:,}; they match no --datetime filter (see --datetime-pattern)")
    if not logs_lines():  # else the log has had each failure as it came
        _print_failures(report)
    out.print(f"search it: swath search 'a river' --index {into}", markup=False)


def _print_failures(report: IngestReport) -> None:
    for failure in report.failures[:SHOWN_FAILURES]:
        stderr().print(f"failed: {failure.href}: {failure.reason}", markup=False, soft_wrap=True)
    if len(report.failures) > SHOWN_FAILURES:
        stderr().print(f"... and {len(report.failures) - SHOWN_FAILURES} more; --json lists them all")


def remove(
    index_dir: IndexDir,
    scene: Annotated[str | None, typer.Option(metavar="ID", help="Scene to remove.")] = None,
    collection: Annotated[
        str | None, typer.Option(metavar="C", help="Collection to remove (or the scene's own).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove a scene or a whole collection."""
    import swath
    from core import InputError

    if scene is None and collection is None:
        raise InputError("nothing to remove was named; give --scene ID or --collection NAME")
    removed = swath.open(index_dir).remove(scene_id=scene, collection=collection)
    if as_json:
        print_json(removed)
    else:
        stdout().print(f"removed {removed.scenes} scenes, {removed.tiles:,} tiles")


KeepDays = Annotated[
    float | None,
    typer.Option(metavar="DAYS", help="How long a version stays after it was replaced; else SWATH_KEEP_DAYS, 1."),
]
KeepVersions = Annotated[int, typer.Option(metavar="N", help="So many of the newest versions stay, however old.")]


def compact(
    index_dir: IndexDir, keep_days: KeepDays = None, keep_versions: KeepVersions = 1, as_json: AsJson = False
) -> None:
    """Merge small files and drop old versions."""
    import swath

    report = swath.open(index_dir).compact(keep_days=keep_days, keep_versions=keep_versions)
    if as_json:
        print_json(report)
    else:
        stdout().print(f"compacted {index_dir}", markup=False)


def optimize(
    index_dir: IndexDir,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the search snapshot anew, whatever there is.")
    ] = False,
    keep_days: KeepDays = None,
    keep_versions: KeepVersions = 1,
    ray: Annotated[
        str | None,
        typer.Option(metavar="local|auto|HOST:PORT", help="Write the shards of a full build over a Ray cluster."),
    ] = None,
    ray_workers: Annotated[
        int | None, typer.Option(metavar="N", help="Ray workers; as many as fit if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make searches quick: merge small files, then build the search snapshot or add to it."""
    import swath
    from swath._progress import Line

    with Line("making the search snapshot") as line:
        report = swath.open(index_dir).optimize(
            rebuild=rebuild,
            keep_days=keep_days,
            keep_versions=keep_versions,
            progress=line.count,
            ray=ray,
            ray_workers=ray_workers,
        )
    print_json(report) if as_json else _print_optimized(report)


def _print_optimized(report: OptimizeReport) -> None:
    out = stdout()
    done = {
        "built": f"search snapshot built: {report.tiles:,} tiles",
        "extended": f"search snapshot extended: {report.added:,} tiles more, {report.gone:,} gone",
        "kept": f"search snapshot kept: it holds all {report.tiles:,} tiles",
        "none": "no search snapshot: the index holds no tiles yet",
    }[report.snapshot]
    size = f", {report.bytes / 1e6:,.0f} MB" if report.bytes else ""
    files = f"{report.fragments_before} data files, now {report.fragments_after}"
    out.print(f"{done}{size}; {files}; {report.seconds:.1f} s", markup=False)
    if not report.compacted:
        out.print("data files were not merged: swath index is writing; run swath optimize again when it has finished")
