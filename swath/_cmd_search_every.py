"""``swath search --all``: every tile that is good enough, into a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from swath._console import print_json, stderr, stdout

if TYPE_CHECKING:
    from retriever import EveryFormat

_BY_SUFFIX = "table"
"""The default of --format, which says nothing here."""


def write_every(
    index_dir: str, asked: Mapping[str, Any], *, out: Path | None, format_: str, as_json: bool, sheet: bool
) -> None:
    """Write every tile that a search finds good enough to a file, and say how many there were.

    Args:
        index_dir: What is searched.
        asked: Arguments of ``Index.every``.
        out: The file.
        format_: The option ``--format``.
        as_json: Whether to print JSON.
        sheet: Whether a contact sheet was asked for.

    Raises:
        InputError: No file, a format that is not written as it comes, or an option that means nothing here.
        QueryError: No least score or probability, or the search is wrong.
    """
    import swath
    from core import InputError
    from retriever import every_format
    from swath._progress import Line

    if out is None or sheet:
        raise InputError("--all writes a file: give --out FILE.parquet or FILE.geojsonl, and no --contact-sheet")
    if asked["explain"]:
        raise InputError("--all looks at every passing tile; there is no route to --explain")
    kind = cast("EveryFormat", every_format(out, None if format_ == _BY_SUFFIX else format_))
    if not out.resolve().parent.is_dir():
        raise InputError(f"cannot write {out}: the folder {out.resolve().parent} does not exist")
    found = swath.open(index_dir).every(**asked)
    for remark in found.remarks:
        stderr().print(remark, markup=False, soft_wrap=True)
    with Line("tiles looked at") as line:
        number = found.write(out, kind, progress=line.count)
    if as_json:
        print_json({"file": str(out), "tiles": number, "remarks": list(found.remarks)})
    else:
        stdout().print(f"wrote {number:,} tiles to {out}", markup=False, soft_wrap=True)
