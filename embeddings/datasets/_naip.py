"""NAIP scenes as they come: red, green, blue and near infrared, date and quarter quadrangle in the file name.

Nothing is said about the pictures. Scenes of one quarter quadrangle show the same ground in several years, so the
quadrangle is `Sample.group`. Names are `m_QUADRANGLE_QUARTER_ZONE_RESOLUTION_DATE[_DATE].tif`, as in the
catalog https://planetarycomputer.microsoft.com/dataset/naip; the first date is that of the flight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from core import Sample
from embeddings.datasets._listed import ListedDataset, files_under, folders_under, sample_ids, wrong_layout
from embeddings.datasets._read import raster_view

EXPECTED = """
ROOT/ (or folders in it)
  m_4709963_se_14_1_20090818.tif   (red, green, blue, near infrared; 8 bits)
"""

_NAME = re.compile(r"m_(\d{7}_(?:ne|nw|se|sw))_\d{2}_(?:\d{1,3}|h)_(\d{8})(?:_\d{8})?", re.ASCII)


def open_naip(name: str, root: Path) -> ListedDataset:
    """Open the scenes.

    Raises:
        InputError: There is none, or a file is named otherwise; the message shows the expected tree.
    """
    paths = [path for folder in (root, *folders_under(root)) for path in files_under(folder, (".tif", ".tiff"))]
    if not paths:
        raise wrong_layout(name, root, "no .tif", EXPECTED)
    found = {path: _quadrangle_and_date(path.stem) for path in paths}
    if strange := [path.name for path, known in found.items() if known is None]:
        raise wrong_layout(name, root, f"{strange[0]} is not named so", EXPECTED)
    known = {path: one for path, one in found.items() if one is not None}
    return ListedDataset(name=name, splits=(), entries=partial(_samples, name, root, known))


def _quadrangle_and_date(stem: str) -> tuple[str, datetime] | None:
    match = _NAME.fullmatch(stem)
    try:
        return None if match is None else (match[1], datetime.strptime(match[2], "%Y%m%d").replace(tzinfo=UTC))
    except ValueError:
        return None


def _samples(name: str, root: Path, known: dict[Path, tuple[str, datetime]]) -> Iterator[Sample]:
    names = sample_ids([path.relative_to(root).as_posix() for path in known])
    for sample_id, (path, (quadrangle, date)) in zip(names, known.items(), strict=True):
        view = raster_view(name, sample_id, path, role="image", sensor="naip", datetime=date)
        yield Sample(sample_id=sample_id, split=None, group=quadrangle, views=(view,))
