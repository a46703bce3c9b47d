"""Documents broken at random: whatever is in them, each scene is a Scene or one clear line."""

from __future__ import annotations

import copy
import json
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import BadScene, Scene, SourceError, SwathError
from indexer.sources import SourceOptions, open_source
from tests.unit.indexer.sources.samples import band_asset, catalog, item, only_bad, stack_asset, write_json

JUNK: list[Any] = [
    None, True, 0, -1, 1.5, 10**400, 1e308, "", "x", "../..", "\0", "é\n\n\x1b[31m", "#", "://", "http://[::1",
    [], {}, [None], [{}], {"a": 1}, "https://evil.test/x", "file:///etc/passwd", "s3://b/k", "9999-99-99T00:00:00Z",
]  # fmt: skip
SPAN: dict[str, Any] = {"start_datetime": "2020-01-01T00:00:00Z", "end_datetime": "2020-01-02T00:00:00Z"}


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    entries = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else [])
    )
    for key, value in entries:
        yield from places(value, (*path, key))


def broken(document: Any, chance: random.Random) -> Any:
    """Return a copy in which one place holds something else, or nothing."""
    result = copy.deepcopy(document)
    *parents, key = chance.choice([path for path in places(result) if path])
    inner = result
    for parent in parents:
        inner = inner[parent]
    if isinstance(inner, dict) and chance.random() < 0.15:
        del inner[key]
    else:
        inner[key] = chance.choice(JUNK)
    return result


def check(found: Scene | BadScene) -> None:
    if isinstance(found, BadScene):
        assert isinstance(found.error, SwathError)
        assert str(found.error).isprintable(), str(found.error)
        assert str(found.error)
        assert found.href.isprintable()
        return
    assert re.fullmatch(r"[A-Za-z0-9._-]+", found.scene_id)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", found.collection)
    assert found.cloud is None or 0 <= found.cloud <= 1
    assert found.datetime is None or found.datetime.tzinfo is not None
    assert all(asset.href.startswith(("/", "s3://")) for asset in found.assets)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_in_a_document_escapes_as_anything_but_a_clear_line(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    (tmp_path / "a.tif").write_bytes(b"no image")
    assets = {"B04": band_asset("a.tif", "B04", scale=1e-4, offset=-0.1), "x": stack_asset("a.tif")}
    properties = {"eo:cloud_cover": 5, "s2:processing_baseline": "05.09", **SPAN}
    entry = item("a", assets | {"scl": band_asset("a.tif", "SCL")}, **properties)
    folder = catalog("c", [("item", "item.json"), ("child", "items.json")])
    listing = {"type": "FeatureCollection", "features": [entry, entry], "links": [{"rel": "next", "href": "item.json"}]}
    options = SourceOptions(bbox=(-3.5, 39.0, -2.0, 41.0)) if seed % 2 else SourceOptions()
    for _ in range(50):
        write_json(tmp_path / "item.json", broken(entry, chance))
        write_json(tmp_path / "items.json", broken(listing, chance))
        text = write_json(tmp_path / "top.json", broken(chance.choice([entry, folder, listing]), chance))
        try:
            source = open_source(str(text), options)
        except SwathError as error:
            check(BadScene(str(text), error))
            continue
        for found in source.scenes():
            check(found)


def test_what_a_terminal_would_obey_is_escaped(tmp_path: Path) -> None:
    entry = item("a", {"B04": band_asset("\x1b[2Jgone.tif", "B04")})
    reason = only_bad(write_json(tmp_path / "a.json", entry))
    assert "\\x1b[2Jgone.tif" in reason


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    path = write_json(tmp_path / "a.json", item("a", {}) | {"properties": {"datetime": "x" * 10_000}})
    assert len(only_bad(path)) < 300


def test_the_file_of_an_item_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "a#1 ü.tif").write_bytes(b"never opened")
    path = write_json(tmp_path / "a#1.json", item("a", {"B04": band_asset("a#1 ü.tif", "B04")}))
    (scene,) = open_source(str(path), SourceOptions()).scenes()
    assert isinstance(scene, Scene)
    assert scene.assets[0].href == str(tmp_path / "a#1 ü.tif")
    assert json.loads(path.read_text())["id"] == scene.scene_id


@pytest.mark.timeout(20)
def test_a_document_that_is_a_pipe_or_a_device_is_refused_and_never_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    os.mkfifo(tmp_path / "items.parquet")
    links = [("child", "pipe.json"), ("child", "/dev/zero")]
    write_json(tmp_path / "catalog.json", catalog("c", links))
    bad = [found for found in open_source(str(tmp_path), SourceOptions()).scenes() if isinstance(found, BadScene)]
    assert [str(found.error).rpartition(": ")[2] for found in bad] == ["not a regular file"] * 2
    for name in ("pipe.json", "items.parquet"):
        with pytest.raises(SourceError, match="not a regular file"):
            open_source(str(tmp_path / name), SourceOptions())
