"""RSTeller and GAIA: pictures with sentences in tar shards (https://github.com/webdataset/webdataset).

Members of one sample follow each other and share a name up to the first dot: `607.jpg`, `607.txt`, `607.json`. Nothing
is unpacked: listing reads headers and texts, and a picture is read at its place in the shard. Members that are not
plain files, or whose name would lead elsewhere, are refused.

RSTeller (https://github.com/SlytherinGe/RSTeller) names the NAIP image a picture was cut from, which is its group and
ends in the date. GAIA (https://github.com/Orion-AI-Lab/GAIA) is what img2dataset makes of its published lists, in one
folder a split.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from core import InputError, Sample, SceneError, Tile, View, safe_name
from embeddings.datasets._listed import ListedDataset, inside, ordered_splits, sentences, wrong_layout
from embeddings.datasets._read import read_picture_bytes

MAX_TEXT = 2**20
"""Largest text of one sample read, in bytes; published ones have a few kB."""

MAX_PICTURE = 2**28
"""Largest picture file read, in bytes; published ones are at most 512 px wide."""

PICTURES = ("jpg", "jpeg", "png", "webp")
"""Endings of pictures in shards."""

_NAIP_DATE = re.compile(r"_(\d{8})(?:_\d{8})?$")
_GSD = {"rsteller": 0.6}
_TREES = {
    "rsteller": """
Patches0000.tar   (607.jpg, 607.txt, 607.json, ...)
Patches0001.tar
""",
    "gaia": """
train/00000.tar   (000000000.png, 000000000.txt, 000000000.json, ...; made by img2dataset --output_format webdataset)
val/00000.tar
test/00000.tar
""",
}


@dataclass(kw_only=True)
class _Bundle:
    """The members of one sample."""

    key: str
    picture: tuple[int, int] | None = None
    texts: dict[str, bytes] = field(default_factory=dict)


def open_webdataset(name: str, root: Path) -> ListedDataset:
    """Open tar shards in a folder, or in one folder a split.

    Raises:
        InputError: There are no shards; the message shows the expected tree.
    """
    shards = sorted([*root.glob("*.tar"), *root.glob("*/*.tar")])
    if not shards:
        raise wrong_layout(name, root, "no .tar shards", _TREES[name])
    splits = ordered_splits(_split(root, shard) for shard in shards)
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, root, shards))


def _split(root: Path, shard: Path) -> str | None:
    return shard.parent.name if shard.parent != root else None


def _samples(name: str, root: Path, shards: list[Path]) -> Iterator[Sample]:
    for shard in shards:
        for bundle in _bundles(shard):
            if bundle.picture is not None:
                yield _sample(name, root, shard, bundle, bundle.picture)


def _bundles(shard: Path) -> Iterator[_Bundle]:
    """The samples of a shard, read from front to back."""
    with _shard_errors(shard), tarfile.open(shard, "r:") as archive:
        current: _Bundle | None = None
        for member in archive:
            if member.isdir():
                continue
            key, ending = _checked(shard, member)
            if current is None or current.key != key:
                if current is not None:
                    yield current
                current = _Bundle(key=key)
            if ending in PICTURES:
                current.picture = (member.offset_data, member.size)
            elif ending in ("json", "txt"):
                current.texts[ending] = _text(shard, archive, member)
        if current is not None:
            yield current


@contextmanager
def _shard_errors(shard: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(f"{shard} cannot be read as an uncompressed tar: {error}") from None


def _checked(shard: Path, member: tarfile.TarInfo) -> tuple[str, str]:
    """The key of a member and its ending."""
    if not member.isreg() or member.issparse():
        raise InputError(f"{shard} holds {member.name!r}, which is not a plain file")
    if inside(Path(), member.name) is None:
        raise InputError(f"{shard} holds {member.name!r}, which leads out of it")
    path = PurePosixPath(member.name)
    base, _, ending = path.name.partition(".")
    return str(path.with_name(base or "_")), ending.lower()


def _text(shard: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > MAX_TEXT:
        raise InputError(f"{shard}: {member.name} has {member.size:,} bytes; at most {MAX_TEXT:,} are read")
    file = archive.extractfile(member)
    return file.read() if file else b""


def _sample(name: str, root: Path, shard: Path, bundle: _Bundle, place: tuple[int, int]) -> Sample:
    record = _record(shard, bundle)
    relative = shard.relative_to(root).with_suffix("").as_posix()
    sample_id = safe_name(f"{relative}/{bundle.key}")
    source = str(_mapping(record.get("metadata")).get("image_name") or "")
    captions = _captions(record, bundle)
    known = {"captions": captions, "gsd": _GSD.get(name), "datetime": _naip_date(source)}
    href = f"{shard}#{bundle.key}"
    read = partial(_read, shard, place, href=href, name=f"{sample_id}.image", collection=name, **known)
    return Sample(
        sample_id=sample_id,
        split=_split(root, shard),
        group=safe_name(source) if source else sample_id,
        views=(View(role="image", read=read, files=(shard,)),),
        captions=captions,
    )


def _read(shard: Path, place: tuple[int, int], *, href: str, name: str, collection: str, **known: Any) -> Tile:
    offset, size = place
    if size > MAX_PICTURE:
        raise SceneError(f"has {size:,} bytes; at most {MAX_PICTURE:,} are read")
    try:
        with shard.open("rb") as file:
            file.seek(offset)
            content = file.read(size)
    except OSError as error:
        raise SceneError(f"{shard.name} cannot be read: {error.strerror}") from None
    return read_picture_bytes(BytesIO(content), name=name, collection=collection, href=href, **known)


def _record(shard: Path, bundle: _Bundle) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(bundle.texts.get("json", b"{}")))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{shard}: {bundle.key}.json is not JSON: {error}") from None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _captions(record: Mapping[str, Any], bundle: _Bundle) -> tuple[str, ...]:
    """The annotations of RSTeller, the captions of GAIA, or else the lines of the text."""
    annotations, given = record.get("annotations"), record.get("captions")
    if isinstance(annotations, list):
        found = sentences(_mapping(item).get("text") for item in annotations)
    else:
        found = sentences(given if isinstance(given, list) else [given])
    return found or sentences(bundle.texts.get("txt", b"").decode("utf-8", "replace").splitlines())


def _naip_date(image_name: str) -> datetime | None:
    """The acquisition date in a NAIP name, `m_4107501_ne_18_060_20221108`: the first of its dates."""
    found = _NAIP_DATE.search(image_name)
    try:
        return datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
