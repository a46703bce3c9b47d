"""A report on disk: JSON, Markdown and a picture of examples."""

from __future__ import annotations

from pathlib import Path

from ._report import Report
from ._sheet import draw_examples


def write_report(report: Report, folder: Path | str) -> tuple[Path, ...]:
    """Write `PROTOCOL.json`, `PROTOCOL.md` and, where there are examples, `PROTOCOL.png`.

    Args:
        report: What was measured.
        folder: Made where it is missing; files of that name are replaced.

    Returns:
        The files.

    Raises:
        OSError: The folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    stem = "-".join(part for part in (report.protocol, report.variant) if part).replace(" ", "-")
    files = [folder / f"{stem}.json", folder / f"{stem}.md"]
    files[0].write_text(report.to_json() + "\n", encoding="utf-8")
    text = report.to_markdown()
    if report.examples:
        files.append(folder / f"{stem}.png")
        title = f"{stem}, {report.encoder}, {report.dataset} ({report.source} data)"
        draw_examples(report.examples, title).save(files[-1], optimize=True)
        text += f"\n![Queries, evenly spaced over all, and their best answers]({files[-1].name})\n"
    files[1].write_text(text, encoding="utf-8")
    return tuple(files)
