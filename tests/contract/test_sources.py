"""Every source keeps the same promises: subclass `SourceContract`, say how to make one, inherit the tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from stac_geoparquet.arrow import parse_stac_items_to_arrow, to_parquet

from core import BadScene, Scene, Settings, TileSource
from indexer.sources import SourceOptions, open_source
from tests.unit.indexer.sources.samples import (
    bucket,
    catalog,
    item,
    served,
    stack_asset,
    write_json,
    write_picture,
    write_tif,
)


@dataclass(kw_only=True)
class Case:
    """A source of the scenes first, (one that is broken), second; and a way to break everything but the first."""

    text: str
    spoil: Callable[[], object]
    settings: Settings = field(default_factory=Settings)
    collection: str | None = None

    def source(self) -> TileSource:
        return open_source(self.text, SourceOptions(settings=self.settings, collection=self.collection))


class SourceContract:
    """What every source promises."""

    @pytest.fixture
    def case(self, tmp_path: Path) -> Iterator[Case]:
        raise NotImplementedError

    def test_is_a_tile_source_that_can_be_read_twice(self, case: Case) -> None:
        source = case.source()
        assert isinstance(source, TileSource)
        first, second = list(source.scenes()), list(source.scenes())
        assert _good(first) == _good(second)

    def test_reports_a_bad_scene_in_one_line_and_goes_on(self, case: Case) -> None:
        first, bad, second = case.source().scenes()
        assert isinstance(first, Scene)
        assert isinstance(second, Scene)
        assert isinstance(bad, BadScene)
        assert str(bad.error)
        assert "\n" not in str(bad.error)
        assert "Traceback" not in str(bad.error)
        assert bad.href

    def test_gives_names_that_are_safe_and_differ(self, case: Case) -> None:
        scenes = _good(case.source().scenes())
        assert len({scene.scene_id for scene in scenes}) == 2
        for scene in scenes:
            assert re.fullmatch(r"[A-Za-z0-9._-]+", scene.scene_id)
            assert re.fullmatch(r"[A-Za-z0-9._-]+", scene.collection)

    def test_gives_hrefs_that_do_not_depend_on_where_one_stands(self, case: Case) -> None:
        for scene in _good(case.source().scenes()):
            for href in (scene.href, *(asset.href for asset in scene.assets)):
                assert href.startswith(("/", "s3://", "http://127.0.0.1")), href
                assert ".." not in href

    def test_gives_bands_that_the_sensor_has_with_their_numbers_in_the_file(self, case: Case) -> None:
        for scene in _good(case.source().scenes()):
            known = {band.name for band in scene.sensor.bands}
            assert scene.encoding in scene.sensor.encodings
            assert scene.assets
            for asset in scene.assets:
                assert set(asset.bands) <= known
                assert len(asset.bands) == len(asset.indexes) > 0
                assert min(asset.indexes) >= 1

    def test_gives_hrefs_that_find_the_scene_again(self, case: Case) -> None:
        for scene in _good(case.source().scenes()):
            (again,) = open_source(scene.href, SourceOptions(settings=case.settings)).scenes()
            assert isinstance(again, Scene)
            assert again.assets == scene.assets

    def test_leaves_a_date_empty_that_nothing_states(self, case: Case) -> None:
        assert [scene.datetime for scene in _good(case.source().scenes())] == [None, None]

    def test_gives_fingerprints_that_differ_and_stay(self, case: Case) -> None:
        first, second = (scene.fingerprint for scene in _good(case.source().scenes()))
        assert first != second
        assert [scene.fingerprint for scene in _good(case.source().scenes())] == [first, second]

    def test_finds_scenes_only_as_they_are_asked_for(self, case: Case) -> None:
        scenes = case.source().scenes()
        assert isinstance(next(scenes), Scene)
        case.spoil()
        assert not _good(scenes)


def _good(scenes: Any) -> list[Scene]:
    return [scene for scene in scenes if isinstance(scene, Scene)]


def _emptied(*paths: Path) -> Callable[[], object]:
    return lambda: [path.write_bytes(b"") for path in paths]


class TestFolderOfFiles(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        write_tif(tmp_path / "first scene.tif")
        (tmp_path / "middle.tif").write_bytes(b"no image")
        last = write_tif(tmp_path / "second.tif")
        return Case(text=str(tmp_path), spoil=_emptied(last))


class TestGlobOfFiles(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        write_tif(tmp_path / "a" / "scene.tif")
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "scene.tif").write_bytes(b"no image")
        last = write_tif(tmp_path / "c" / "scene.tif")
        return Case(text=f"{tmp_path}/*/*.tif", spoil=_emptied(last))


class TestPictures(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        write_picture(tmp_path / "field" / "1.jpg")
        (tmp_path / "field" / "2.jpg").write_bytes(b"no image")
        last = write_picture(tmp_path / "forest" / "1.png")
        return Case(text=str(tmp_path), spoil=_emptied(last))


def _undated(name: str, href: str) -> dict[str, Any]:
    entry: dict[str, Any] = item(name, {"data": stack_asset(href)})
    entry["properties"] = {"datetime": None}
    return entry


class TestStacCatalog(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        for name in ("first", "second"):
            write_tif(tmp_path / name / "scene.tif")
            write_json(tmp_path / name / f"{name}.json", _undated(name, "./scene.tif"))
        links = [("item", f"./{name}/{name}.json") for name in ("first", "missing", "second")]
        write_json(tmp_path / "catalog.json", catalog("archive", links))
        return Case(text=str(tmp_path), spoil=_emptied(tmp_path / "second" / "second.json"))


class TestStacItemCollection(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        paths = [write_tif(tmp_path / f"{name}.tif") for name in ("first", "second")]
        features = [_undated("first", "first.tif"), {"type": "Feature"}, _undated("second", "second.tif")]
        text = write_json(tmp_path / "items.json", {"type": "FeatureCollection", "features": features})
        return Case(text=str(text), spoil=paths[1].unlink)


class TestStacGeoParquet(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        paths = [write_tif(tmp_path / f"{name}.tif") for name in ("first", "second")]
        items = [_undated(name, str(tmp_path / f"{name}.tif")) for name in ("first", "gone", "second")]
        path = tmp_path / "items.parquet"
        to_parquet(parse_stac_items_to_arrow(items), path)
        assert pq.ParquetFile(path).metadata.num_rows == 3
        return Case(text=str(path), spoil=paths[1].unlink)


class TestStacApi(SourceContract):
    @pytest.fixture
    def case(self) -> Iterator[Case]:
        names = ["first", "broken", "second"]

        def search(_: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
            """One item a page; the page is the number in the body."""
            page = json.loads(body).get("page", 0)
            feature = _undated(names[page], f"{url}/{names[page]}.tif")
            if names[page] == "broken":
                feature["assets"] = {}
            more = {"rel": "next", "href": f"{url}/search", "method": "POST", "merge": True, "body": {"page": page + 1}}
            document = {"type": "FeatureCollection", "features": [feature], "links": [more] if page < 2 else []}
            return 200, {"Content-Type": "application/geo+json"}, json.dumps(document).encode()

        answers: dict[str, Any] = {"/search": search}
        with served(answers) as url:
            classes = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
            links = [("self", url), ("root", url), ("search", f"{url}/search")]
            answers["/"] = json.dumps(catalog("api", links, conformsTo=classes)).encode()
            settings = Settings(allowed_hosts=("127.0.0.1",))
            spoil = partial(answers.pop, "/search")
            yield Case(text=f"{url}/", spoil=spoil, settings=settings, collection="sentinel-2-l2a")


class TestBucket(SourceContract):
    @pytest.fixture
    def case(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
        with bucket(monkeypatch) as (name, client):
            body = write_tif(tmp_path / "scene.tif").read_bytes()
            for key, content in {"first.tif": body, "middle.tif": b"no image", "second.tif": body}.items():
                client.put_object(Bucket=name, Key=f"scenes/{key}", Body=content)
            client.put_object(Bucket=name, Key="scenes/readme.txt", Body=b"no raster")

            def spoil() -> None:
                client.delete_object(Bucket=name, Key="scenes/second.tif")

            yield Case(text=f"s3://{name}/scenes", spoil=spoil)
