"""``swath train``: models made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, stdout
from swath._options import AsJson

if TYPE_CHECKING:
    from embeddings.training import Rehearsal, TrainingConfig


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("train")(train)


def train(
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Default: how swath-mini was made.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Run folder; default from the configuration.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="ENCODER", help="Train swath-mini, or onnx:FOLDER, further; with --data."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME:FOLDER", help="Dataset to train on, e.g. captions:FOLDER or pictures:FOLDER."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Load, take three steps, say what it would take.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train an encoder, or train one further on pictures of your own (needs the extra 'torch')."""
    from embeddings.training import rehearsal
    from embeddings.training import train as run

    chosen = _configuration(config, start, data)
    if dry_run:
        found = rehearsal(chosen)
        if as_json:
            print_json(found)
        else:
            _tell(found)
        return
    report = run(chosen, out=out, resume=resume, progress=None if as_json else _say)
    if as_json:
        print_json(report)
    else:
        _say(f"encoder {report.encoder} after {report.steps} steps in {report.seconds:.0f} s")


def _configuration(config: Path | None, start: str | None, data: str | None) -> Path | TrainingConfig:
    from core import InputError
    from embeddings.training import default_config, fine_tune_config

    if start is None and data is None:
        return config or default_config()
    if start is None or data is None:
        raise InputError("--from and --data go together, for example --from swath-mini --data captions:FOLDER")
    name, colon, folder = data.partition(":")
    if not (colon and folder):
        raise InputError(f"--data must be NAME:FOLDER, for example captions:{data}, got {data!r}")
    return fine_tune_config(start, name, Path(folder), config=config)


def _tell(found: Rehearsal) -> None:
    for name, (learned, held) in found.items.items():
        _say(f"{name}: {learned} items to learn from, {held} held out")
    _say(f"{found.sentences} sentences, planes {found.planes_bytes / 1e6:.0f} MB, {found.parameters:,} parameters")
    rate = found.items_a_step / found.seconds_a_step
    _say(f"{found.seconds_a_step:.2f} s a step of {found.items_a_step} items on {found.device} ({rate:.0f} items/s)")
    _say(f"all steps: {found.seconds / 60:.1f} min")


def _say(line: str) -> None:
    stdout().print(line, markup=False, highlight=False, soft_wrap=True)
