"""``swath export-encoder``: an encoder as a folder that needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath._console import print_json, stderr, stdout
from swath._options import AsJson


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("export-encoder")(export_encoder)


def export_encoder(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An encoder, e.g. remoteclip:ViT-B-32.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make; onnx:OUT opens it.")],
    as_json: AsJson = False,
) -> None:
    """Write an encoder as ONNX and compare its vectors with the original's (needs the extra 'torch')."""
    from embeddings import export_encoder as export

    done = export(name, out, progress=None if as_json else _say)
    if as_json:
        print_json(done)
        return
    words = f", of {done.texts} sentences {done.text_cosine:.6f}" if done.texts else ""
    stdout().print(
        f"{done.folder}: {done.bytes / 1e6:.1f} MB; least cosine to {done.encoder} of {done.tiles} generated tiles "
        f"{done.tile_cosine:.6f}{words}",
        markup=False,
        soft_wrap=True,
    )
    stdout().print(f"open it as onnx:{done.folder}", markup=False, soft_wrap=True)


def _say(line: str) -> None:
    stderr().print(line, markup=False)
