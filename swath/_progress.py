"""The ingest's progress line on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from swath._console import stderr

if TYPE_CHECKING:
    from indexer import Progress as Report


class IngestProgress:
    """Scenes, tiles, tiles a second and the time left; silent where stderr is not a terminal."""

    def __init__(self) -> None:
        console = stderr()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("looking for scenes", total=None, speed="")

    def __enter__(self) -> IngestProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, report: Report) -> None:
        """Show the newest figures."""
        left = "" if report.eta_seconds is None else f", {report.eta_seconds:.0f} s left"
        self._bar.update(
            self._task,
            description=f"{report.scenes_done} scenes",
            completed=report.tiles_done,
            total=report.tiles_total,
            speed=f"{report.tiles_per_second:.0f} tiles/s{left}",
        )
