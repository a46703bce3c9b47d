"""``swath calibrate``: make scores of different sensors comparable, and know when nothing matches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, print_table, stderr, stdout
from swath._options import AsJson, IndexArgument

if TYPE_CHECKING:
    from retriever import FitReport, Reliability


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("calibrate")(calibrate)


def calibrate(
    index_dir: IndexArgument,
    truth: Annotated[
        str,
        typer.Option("--from", metavar="labels|background|FILE.jsonl", help="Tiles' own labels, none, or a list."),
    ] = "labels",
    data: Annotated[str | None, typer.Option(metavar="NAME:PATH", help="A labelled dataset instead.")] = None,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Split of the dataset.")] = None,
    method: Annotated[str, typer.Option(metavar="auto|platt|centred", help="auto: what predicts better.")] = "auto",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report and curve there.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Forget the calibration: rank by score again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fit probabilities to scores, sensor by sensor, and keep them with the index."""
    import swath
    from swath._progress import Line

    index = swath.open(index_dir)
    if remove:
        forgotten = index.forget_calibration()
        stdout().print("removed the calibration" if forgotten else "the index has no calibration")
        return
    with Line("encoding tiles") as line:
        report = index.calibrate(truth, data=data, split=split, method=method, out=out, progress=line.count)
    if as_json:
        print_json(report)
    else:
        _print_report(report, out)


def _print_report(report: FitReport, out: Path | None) -> None:
    found = report.calibration
    stdout().print(f"method {found.method}, fitted on {found.source}", markup=False)
    if report.threshold is not None:
        columns = ("on queries left out", "pairs", "base rate", "ECE", "Brier", "guess", "log loss")
        print_table(None, columns, (_row(each) for each in report.reliability))
        there, absent = report.threshold.noticed_there, 1 - report.threshold.noticed_absent
        stdout().print(
            f"threshold {report.threshold.value:.3f}: the best hit reaches it for {there:.0%} of the labels,"
            f" and for {absent:.0%} of them once their tiles are taken out"
        )
    else:
        stdout().print(f"sensors centred: {', '.join(found.sensors)}; there are no probabilities without labels")
    for remark in report.remarks:
        stderr().print(remark, markup=False)
    if out is not None:
        stdout().print(f"wrote {out / 'calibration.json'} and {out / 'reliability.png'}", markup=False)


def _row(each: Reliability) -> tuple[object, ...]:
    guess = each.base_rate * (1 - each.base_rate)
    return (
        each.name,
        f"{each.pairs:,}",
        f"{each.base_rate:.3f}",
        f"{each.ece:.4f}",
        f"{each.brier:.4f}",
        f"{guess:.4f}",
        f"{each.log_loss:.4f}",
    )
