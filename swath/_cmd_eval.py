"""``swath eval``: an encoder measured by a named protocol."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from swath._console import print_text, stderr
from swath._options import AsJson

PROTOCOL_HELP = (
    "class-retrieval, image-text, zero-shot, cross-sensor, closp-ndcg, class-map, multi-label-map, composed, "
    "spectral-families, presence, rag-vqa, rag-choice or rag-cite."
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("eval", no_args_is_help=True)(evaluate)


def evaluate(
    protocol: Annotated[str, typer.Argument(metavar="PROTOCOL", help=PROTOCOL_HELP)],
    data: Annotated[str, typer.Option(metavar="NAME:PATH", help="Dataset, or a folder of pictures.")],
    encoder: Annotated[str, typer.Option(metavar="NAME")] = "swath-mini",
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Default: test, else val; 'all' is all.")] = None,
    query_split: Annotated[str | None, typer.Option(metavar="NAME", help="Split that asks (cross-sensor).")] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Samples, evenly spaced.")] = None,
    k: Annotated[int, typer.Option("-k", metavar="N", help="Answers looked at.")] = 10,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="Variant of the protocol.")] = None,
    role: Annotated[str | None, typer.Option(metavar="NAME", help="View to use where samples have several.")] = None,
    roles: Annotated[str, typer.Option(metavar="A,B", help="The two sensors.")] = "s1,s2",
    tile_px: Annotated[int | None, typer.Option(metavar="N", help="Cut views into tiles of N pixels.")] = None,
    only_classes: Annotated[str, typer.Option(metavar="A,B,..", help="Keep these classes only.")] = "",
    only_groups: Annotated[str, typer.Option(metavar="A,B,..", help="Keep these scenes or sites only.")] = "",
    classes_out: Annotated[str, typer.Option(metavar="A,B,..", help="Report these classes apart as well.")] = "",
    leakage_limit: Annotated[int, typer.Option(metavar="N", help="Training samples compared; 0 for none.")] = 20_000,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who answers (rag-*): nearest, matching, records or configured.")
    ] = None,
    questions: Annotated[int | None, typer.Option(metavar="N", help="Questions about a picture (rag-*).")] = None,
    memory: Annotated[int, typer.Option(metavar="N", help="Pictures that may be retrieved (rag-vqa).")] = 2_000,
    batch: Annotated[int, typer.Option(metavar="N", help="Tiles encoded at a time.")] = 64,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write JSON, Markdown and a picture here.")] = None,
    progress: Annotated[bool, typer.Option(help="Show how far it is, on a terminal.")] = True,
    as_json: AsJson = False,
) -> None:
    """Measure an encoder: figures with chance, what colour reaches, a 95 % interval and a check for leakage."""
    from evaluation import Options, write_report
    from evaluation import evaluate as run
    from swath._progress import Line

    with Line("reading pictures") as line:
        options = Options(
            split=split,
            query_split=query_split,
            limit=limit,
            k=k,
            variant=variant,
            role=role,
            roles=_two(roles),
            tile_px=tile_px,
            only_classes=_names(only_classes),
            only_groups=_names(only_groups),
            classes_out=_names(classes_out),
            leakage_limit=leakage_limit,
            model=model,
            questions=questions,
            memory=memory,
            batch=batch,
            progress=line.count if progress else None,
        )
        report = run(protocol, encoder, data, options)
    for path in write_report(report, out) if out is not None else ():
        stderr().print(f"wrote {path}", markup=False)
    if as_json:
        sys.stdout.write(report.to_json() + "\n")
    else:
        print_text(report.to_markdown())


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def _two(listed: str) -> tuple[str, str]:
    from core import InputError

    names = _names(listed)
    if len(names) != 2:
        raise InputError(f"--roles takes two views, such as s1,s2; got {listed!r}")
    return names[0], names[1]
