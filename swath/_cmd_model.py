"""``swath train``, ``swath eval``: models made and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath._console import print_json, stdout
from swath._options import AsJson

EVAL = typer.Typer(help="Measure an encoder by a named protocol.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("train")(train)
    EVAL.command("class-retrieval")(class_retrieval)
    EVAL.callback()(lambda: None)
    app.add_typer(EVAL, name="eval")


def train(
    config: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Default: how swath-mini was made.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Run folder; default from the configuration.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train an encoder (needs the extra 'torch')."""
    from embeddings.training import default_config
    from embeddings.training import train as run

    report = run(config or default_config(), out=out, resume=resume, progress=None if as_json else _say)
    if as_json:
        print_json(report)


def _say(line: str) -> None:
    stdout().print(line, markup=False)


def class_retrieval(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Class folders, or a folder with captions.jsonl.")],
    encoder: Annotated[str, typer.Option(metavar="NAME")] = "swath-mini",
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Split of captions.jsonl.")] = "val",
    as_json: AsJson = False,
) -> None:
    """Class names to pictures, pictures to pictures: precision@10 with chance, baseline and interval."""
    from evaluation import evaluate_class_retrieval
    from swath._progress import Line

    with Line("encoding pictures") as line:
        report = evaluate_class_retrieval(encoder, data, split=split, progress=line.count)
    if as_json:
        print_json(report)
    else:
        stdout().print(report.to_markdown(), markup=False)
