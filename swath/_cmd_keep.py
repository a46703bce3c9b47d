"""``swath verify``, ``swath backup``, ``swath restore``: that nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, stderr, stdout
from swath._errors import DAMAGED
from swath._options import AsJson, IndexArgument, MetricsFile

if TYPE_CHECKING:
    from indexer import BackupReport, Finding, RestoreReport
    from swath._verifying import VerifyReport

SHOWN_FINDINGS = 20
"""Findings listed on the terminal; --json lists them all."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("verify")(verify)
    app.command("backup")(backup)
    app.command("restore")(restore)


def verify(
    index_dir: IndexArgument,
    full: Annotated[
        bool, typer.Option("--full", help="Compare every row of the search snapshot, not a thousand of each part.")
    ] = False,
    metrics_file: MetricsFile = None,
    as_json: AsJson = False,
) -> int:
    """Check that an index is whole: rows against check sums, tables against each other, the search snapshot."""
    import swath
    from swath._progress import Line

    with Line("reading rows") as line:
        report = swath.verify(index_dir, full=full, progress=line.count)
    if metrics_file is not None:
        from swath._metrics_file import write_verified

        write_verified(metrics_file, index_dir, report)
    print_json(report) if as_json else _print_verified(report)
    return 0 if report.whole else DAMAGED


def _print_verified(report: VerifyReport) -> None:
    out = stdout()
    for finding in report.findings[:SHOWN_FINDINGS]:
        _print_finding(finding)
    if len(report.findings) > SHOWN_FINDINGS:
        stderr().print(f"... and {len(report.findings) - SHOWN_FINDINGS:,} more; --json lists them all")
    summed = "all" if report.summed == report.tiles else f"{report.summed:,}"
    compared = f" ({report.compared:,} rows compared)" if report.compared else ""
    held = f"{report.tiles:,} tiles of {report.scenes:,} scenes at version {report.version}"
    snapshot = f"search snapshot: {report.snapshot}{compared}"
    worth = "whole" if report.whole else "DAMAGED"
    told = f"{held}, {summed} compared with their check sums; {snapshot}; {report.seconds:.1f} s"
    out.print(f"{report.index} is {worth}: {told}", markup=False, soft_wrap=True)


def _print_finding(finding: Finding) -> None:
    from core import printable

    kind = "damaged" if finding.damage else "note"
    line = f"{kind}: {finding.message}. {finding.advice} [{finding.name}]"
    stderr().print(printable(line), markup=False, soft_wrap=True)


def backup(
    index_dir: IndexArgument,
    to: Annotated[str, typer.Argument(metavar="TO", help="Folder of backups; each call adds one.")],
    metrics_file: MetricsFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy an index as it is at one instant; searches and writers go on."""
    import swath
    from swath._progress import Line

    with Line("copying bytes") as line:
        report = swath.open(index_dir).backup(to, progress=line.count)
    if metrics_file is not None:
        from swath._metrics_file import write_backed_up

        write_backed_up(metrics_file, index_dir, report)
    print_json(report) if as_json else _print_backup(report)


def _print_backup(report: BackupReport) -> None:
    size = f"{report.bytes / 1e6:,.1f} MB, {report.linked / 1e6:,.1f} MB of them linked to the backup before it"
    told = f"{report.tiles:,} tiles in {report.files:,} files, {size}; {report.seconds:.1f} s"
    stdout().print(f"wrote {report.path}: {told}", markup=False, soft_wrap=True)


def restore(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="A backup, or a folder of them, of which the newest is taken.")
    ],
    index_dir: IndexArgument,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Put it in place of the index that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an index from a backup, after comparing every file and row with its check sum."""
    import swath
    from swath._progress import Line

    with Line("copying bytes") as line:
        report = swath.restore(source, index_dir, overwrite=overwrite, progress=line.count)
    print_json(report) if as_json else _print_restored(report)


def _print_restored(report: RestoreReport) -> None:
    told = f"{report.tiles:,} tiles as of {report.created}, {report.bytes / 1e6:,.1f} MB, {report.seconds:.1f} s"
    out = stdout()
    out.print(f"restored {report.path} from {report.source}: {told}", markup=False, soft_wrap=True)
    out.print(f"make searches quick again: swath optimize --index {report.path}", markup=False, soft_wrap=True)
