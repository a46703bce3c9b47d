"""Progress lines on stderr; silent where stderr is not a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from swath._console import stderr

if TYPE_CHECKING:
    from indexer import Progress as Report


class Line:
    """One line: a spinner, what is done, a bar, counts, and a remark."""

    def __init__(self, description: str) -> None:
        console = stderr()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[remark]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(description, total=None, remark="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def count(self, done: int, total: int) -> None:
        """Show how many are done."""
        self._bar.update(self._task, completed=done, total=total)

    def ingest(self, report: Report) -> None:
        """Show an ingest's scenes, tiles, tiles a second and the time left."""
        left = "" if report.eta_seconds is None else f", {report.eta_seconds:.0f} s left"
        self._bar.update(
            self._task,
            description=f"{report.scenes_done} scenes",
            completed=report.tiles_done,
            total=report.tiles_total,
            remark=f"{report.tiles_per_second:.0f} tiles/s{left}",
        )
