"""``swath encoders``, ``swath sensors``, ``swath doctor``: what is there and whether it works."""

from __future__ import annotations

import typer

from swath._console import print_json, print_table
from swath._options import AsJson


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("encoders")(encoders)
    app.command("sensors")(sensors)
    app.command("doctor")(doctor)


def encoders(as_json: AsJson = False) -> None:
    """List the encoders that can be named."""
    from embeddings import list_encoders

    rows = list_encoders()
    if as_json:
        print_json(rows)
        return
    columns = ("name", "dim", "inputs", "weights", "needs", "licence")
    print_table(
        None, columns, ((r.name, r.dim, " ".join(r.inputs), r.weights, _extra(r.needs), r.licence) for r in rows)
    )


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


def doctor(as_json: AsJson = False) -> int:
    """Check the installation: packages, drivers, weights, a first encoding."""
    from swath._doctor import examine

    checks = examine()
    if as_json:
        print_json(checks)
    else:
        print_table(None, ("", "check", "found"), (("ok" if c.ok else "BROKEN", c.name, c.found) for c in checks))
    return 0 if all(check.ok for check in checks) else 1
