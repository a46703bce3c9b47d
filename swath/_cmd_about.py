"""``swath encoders``, ``swath sensors``, ``swath doctor``: what is there and whether it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, print_table, print_text
from swath._options import AsJson

if TYPE_CHECKING:
    from embeddings import EncoderCard, WeightsFile


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("encoders")(encoders)
    app.command("sensors")(sensors)
    app.command("doctor")(doctor)


def encoders(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say where the weights are and how each encoder is fed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the encoders that can be named."""
    from embeddings import describe_encoders, list_encoders

    if verbose:
        cards = describe_encoders()
        if as_json:
            print_json(cards)
        else:
            print_text("\n\n".join(_in_words(card) for card in cards))
        return
    rows = list_encoders()
    if as_json:
        print_json(rows)
        return
    columns = ("name", "dim", "inputs", "weights", "needs", "licence")
    print_table(
        None, columns, ((r.name, r.dim, " ".join(r.inputs), r.weights, _extra(r.needs), r.licence) for r in rows)
    )


def _in_words(card: EncoderCard) -> str:
    row = card.row
    hub = f"{card.repo}, {card.path}" if card.repo else "on no hub" if card.url else "-"
    facts = (
        ("dim", row.dim or "depends on the model"),
        ("inputs", ", ".join(row.inputs)),
        ("network", card.architecture),
        ("size", f"{card.size} px" if card.size else "depends on the weights"),
        ("bands", "; ".join(card.bands)),
        ("units", card.units),
        ("mean", ", ".join(map(str, card.mean))),
        ("std", ", ".join(map(str, card.std))),
        ("prompts", " | ".join(card.prompts)),
        ("prompts from", card.prompt_source if card.prompts else ""),
        ("hub", hub),
        ("url", card.url),
        *((f"file {file.place.name}", _file_facts(file)) for file in card.files),
        ("weights", row.weights),
        ("needs", _extra(row.needs)),
        ("licence", row.licence),
        ("notes", card.notes),
        ("source", card.source),
    )
    return "\n".join([row.name, *(f"  {key}: {value}" for key, value in facts if value not in {None, "", "-"})])


def _file_facts(file: WeightsFile) -> str:
    size = "size unknown" if file.bytes is None else f"{file.bytes} bytes"
    return f"{file.place}, {size}, sha256 {file.sha256 or 'unknown'}"


def _extra(name: str | None) -> str | None:
    return None if name is None else f"swath[{name}]"


def sensors(as_json: AsJson = False) -> None:
    """List the sensors that can be named."""
    from core import builtin_sensors

    found = tuple(builtin_sensors().values())
    if as_json:
        print_json(found)
        return
    columns = ("name", "kind", "gsd m", "bands", "encodings", "title")
    rows = (
        (s.name, s.kind, s.gsd, len(s.bands), " ".join(encoding.name for encoding in s.encodings), s.title)
        for s in found
    )
    print_table(None, columns, rows)


def doctor(
    index_dir: Annotated[
        str | None, typer.Option("--index", metavar="DIR", help="Look at this index, too; swath verify reads it all.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="s3://BUCKET/PREFIX", help="Try this bucket, too: an object is written and deleted there."
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check the installation, and an index at a glance: ok, warn or fail, and what to do.

    Exit code 0: nothing fails. 1: something fails; warnings do not count. 2: there is no index.
    """
    from swath._doctor import examine
    from swath._doctor_index import examine_index
    from swath._doctor_store import examine_store

    in_bucket = index_dir if index_dir is not None and "://" in index_dir else None
    bucket = store or in_bucket
    about_store = [] if bucket is None else examine_store(bucket)
    about_index = [] if index_dir is None else examine_index(index_dir)
    checks = [*examine(), *about_store, *about_index]
    if as_json:
        print_json(checks)
    else:
        rows = ((check.state, check.name, check.found, check.advice) for check in checks)
        print_table(None, ("", "check", "found", "what to do"), rows)
    return 1 if any(check.state == "fail" for check in checks) else 0
