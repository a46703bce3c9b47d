"""``swath keys``: who may call a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from swath._console import print_json, print_table, stderr, stdout
from swath._options import AsJson

KeyFile = Annotated[Path, typer.Option("--file", metavar="F", help="File of hashed keys, as in: serve --api-key-file.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is; stands in the server's log.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    keys = typer.Typer(name="keys", help="Add, list and remove the API keys of a server.", no_args_is_help=True)
    keys.command("add")(add)
    keys.command("list")(list_)
    keys.command("remove")(remove)
    app.add_typer(keys, name="keys")


def add(
    name: Name,
    file: KeyFile,
    scope: Annotated[str, typer.Option(metavar="read|write", help="What it allows; write includes read.")] = "read",
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once: the file holds its hash only."""
    from api import KeyScope, add_key

    token = add_key(file, name, cast("KeyScope", scope))
    if as_json:
        print_json({"name": name, "scope": scope, "key": token})
        return
    stdout().print(token, markup=False, soft_wrap=True)
    stderr().print(f"this is the only time the key is shown; {file} holds its hash", markup=False)


def list_(file: KeyFile, as_json: AsJson = False) -> None:
    """List the keys of a file: names, scopes and dates."""
    from api import read_keys

    rows = [(key.name, key.scope, key.created, key.id) for key in read_keys(file)]
    columns = ("name", "scope", "created", "id")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(None, columns, rows)


def remove(name: Name, file: KeyFile) -> None:
    """Remove a key; running servers refuse it at once."""
    from api import remove_key

    remove_key(file, name)
    stdout().print(f"removed the key {name}", markup=False)
