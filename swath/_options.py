"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

IndexDir = Annotated[Path, typer.Option("--index", metavar="DIR", help="Index directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
