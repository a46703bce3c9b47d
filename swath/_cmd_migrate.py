"""``swath migrate``: an index of an earlier Swath in today's layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, stderr, stdout
from swath._options import AsJson, IndexArgument

if TYPE_CHECKING:
    from indexer.migrations import MigrationReport


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("migrate")(migrate)


def migrate(
    index_dir: IndexArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring an index that an earlier Swath made to today's layout; searches go on."""
    import swath
    from indexer import migrations
    from swath._progress import Line

    with Line("reading rows") as line:
        report = migrations.migrate(index_dir, dry_run=dry_run, progress=line.count)
    if as_json:
        print_json(report)
        return
    _print_migrated(report, dry_run=dry_run)
    snapshot = swath.open(index_dir).search_snapshot() if not (dry_run and report.steps) else None
    if isinstance(snapshot, str):
        stderr().print(f"note: {snapshot}", markup=False, soft_wrap=True)


def _print_migrated(report: MigrationReport, *, dry_run: bool) -> None:
    out = stdout()
    if not report.steps:
        out.print(f"{report.index} has schema version {report.reached}, which is today's", markup=False, soft_wrap=True)
        return
    for step in report.steps:
        out.print(f"{'would bring' if dry_run else 'brought'} {step}", markup=False)
    versions = f"schema version {report.found} to {report.reached}"
    told = f"{versions}, {report.generations} generation of vectors; {report.seconds:.1f} s"
    out.print(f"{report.index}: {told}", markup=False, soft_wrap=True)
