from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.shutil import copy
from stac_geoparquet.arrow import parse_stac_items_to_arrow, to_parquet

from core import BadScene, BBox, Scene, SceneError, Settings, SourceError
from core.testing import MeanColourEncoder
from indexer import IngestReport, ingest
from indexer._gdal import gdal_env, open_raster
from indexer.sources import SourceOptions, open_source
from tests.unit.indexer.sources.samples import (
    Answer,
    band_asset,
    bucket,
    found,
    item,
    only_bad,
    scenes,
    served,
    write_tif,
)

LOCAL = Settings(allowed_hosts=("127.0.0.1",))
ELSEWHERE: BBox = (10.0, 10.0, 11.0, 11.0)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket with two rasters under ``2021/`` and one beside it."""
    body = write_tif(tmp_path / "a.tif").read_bytes()
    with bucket(monkeypatch) as (name, client):
        for key in ("2021/a.tif", "2021/june/b.TIF", "2021/.hidden/c.tif", "2021x/c.tif"):
            client.put_object(Bucket=name, Key=key, Body=body)
        yield f"s3://{name}"


def test_lists_a_prefix_of_a_bucket(archive: str) -> None:
    first, second = scenes(f"{archive}/2021")
    assert [first.scene_id, second.scene_id] == ["a", "june.b"]
    assert first.href == first.assets[0].href == f"{archive}/2021/a.tif"
    assert first.collection == "2021"
    assert [scene.scene_id for scene in scenes(archive)] == ["2021.a", "2021.june.b", "2021x.c"]


def test_reads_one_key_of_a_bucket(archive: str) -> None:
    (scene,) = scenes(f"{archive}/2021/june/b.TIF")
    assert (scene.scene_id, scene.collection) == ("b", "june")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("2021/a*.tif", ["a"]),
        ("2021/?.tif", ["a"]),
        ("2021*/*.tif", ["2021.a", "2021x.c"]),
        ("2021/*/[a-c].TIF", ["june.b"]),
        ("**/[bc].[tT][iI][fF]", ["2021.june.b", "2021x.c"]),
        ("2021/**", ["a", "june.b"]),
    ],
)
def test_fits_the_keys_of_a_bucket_to_a_pattern(archive: str, pattern: str, expected: list[str]) -> None:
    assert [scene.scene_id for scene in scenes(f"{archive}/{pattern}")] == expected


def test_a_key_may_have_a_name_like_a_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = write_tif(tmp_path / "a.tif").read_bytes()
    with bucket(monkeypatch) as (name, client):
        client.put_object(Bucket=name, Key="odd[1]/a.tif", Body=body)
        assert [scene.href for scene in scenes(f"s3://{name}/odd[1]")] == [f"s3://{name}/odd[1]/a.tif"]


def test_pixels_of_a_bucket_can_be_read_with_the_same_environment(archive: str, tmp_path: Path) -> None:
    with gdal_env(Settings()), open_raster(f"{archive}/2021/a.tif") as dataset:
        remote = dataset.read()
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert (remote == dataset.read()).all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}/nothing", "holds no file"),
        ("{}/2021/z*.tif", "holds no file"),
        ("{}/2021/gone.tif", "cannot be listed"),
        ("s3://no-such-bucket", "listed"),
    ],
)
def test_says_what_is_wrong_with_a_bucket(archive: str, text: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        open_source(text.format(archive), SourceOptions())
    assert "\n" not in str(caught.value)


def test_reads_one_cog_of_an_allowed_host(tmp_path: Path) -> None:
    answers: dict[str, Answer] = {"/scenes/my cog.tif".replace(" ", "%20"): write_tif(tmp_path / "a.tif").read_bytes()}
    with served(answers) as url:
        (scene,) = scenes(f"{url}/scenes/my%20cog.tif", settings=LOCAL)
        assert (scene.scene_id, scene.collection) == ("my_cog", "scenes")
        assert scene.href == f"{url}/scenes/my%20cog.tif"
        with gdal_env(LOCAL), open_raster(scene.href) as dataset:
            assert dataset.read(1, window=((0, 4), (0, 4))).shape == (4, 4)


def test_pixels_are_not_fetched_from_a_host_that_an_allowed_one_redirects_to(tmp_path: Path) -> None:
    raster = write_tif(tmp_path / "a.tif").read_bytes()
    asked: list[str] = []
    with served({"/a.tif": raster}, asked) as elsewhere:

        def moved(_: str, __: bytes) -> tuple[int, dict[str, str], bytes]:
            return 302, {"Location": elsewhere.replace("127.0.0.1", "localhost") + "/a.tif"}, b""

        with (
            served({"/a.tif": moved}) as url,
            gdal_env(LOCAL),
            pytest.raises(SceneError, match="'localhost' is not allowed"),
        ):
            open_raster(f"{url}/a.tif")
    assert asked == []


def test_pixels_are_fetched_through_a_redirect_to_an_allowed_host(tmp_path: Path) -> None:
    answers: dict[str, Answer] = {"/a.tif": write_tif(tmp_path / "a.tif").read_bytes()}
    with served(answers) as url:
        answers["/old.tif"] = lambda *_: (302, {"Location": f"{url}/a.tif"}, b"")
        with gdal_env(LOCAL), open_raster(f"{url}/old.tif") as dataset:
            assert dataset.read(1).shape == (32, 32)


def test_a_remote_raster_is_opened_on_allowed_hosts_only() -> None:
    with gdal_env(LOCAL), pytest.raises(SceneError, match="SWATH_ALLOWED_HOSTS"):
        open_raster("http://localhost:1/a.tif")


def test_a_remote_cog_costs_three_requests_to_open_and_one_a_block_row(tmp_path: Path) -> None:
    copy(write_tif(tmp_path / "a.tif", size=1024), tmp_path / "cog.tif", driver="COG", blocksize=256)
    asked: list[str] = []
    with served({"/cog.tif": (tmp_path / "cog.tif").read_bytes()}, asked) as url, gdal_env(LOCAL):
        with open_raster(f"{url}/cog.tif") as dataset:
            assert asked == ["HEAD whole", "HEAD whole", "GET bytes=0-32767"]
            dataset.read(window=((0, 256), (0, 512)))
        assert len(asked) == 4


def test_a_remote_file_that_changes_gets_another_fingerprint(tmp_path: Path) -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        prints = []
        for size in (32, 64):
            answers["/a.tif"] = write_tif(tmp_path / "a.tif", size=size).read_bytes()
            prints.append([scenes(f"{url}/a.tif?signature={n}", settings=LOCAL)[0].fingerprint for n in (1, 2)])
    assert prints[0][0] == prints[0][1] != prints[1][0] == prints[1][1]


def test_a_signed_address_is_read_with_its_signature_and_shown_without(tmp_path: Path) -> None:
    raster = write_tif(tmp_path / "a.tif").read_bytes()

    def guarded(path: str, _: bytes) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, raster) if path.endswith("?v=1&sig=secret") else (403, {}, b"")

    with served({"/a.tif": guarded}) as url:
        (scene,) = scenes(f"{url}/a.tif?v=1&sig=secret", settings=LOCAL)
        assert scene.href == f"{url}/a.tif?v=1"
        assert scene.assets[0].href == f"{url}/a.tif?v=1&sig=secret"
        with pytest.raises(SourceError, match="403") as caught:
            open_source(f"{url}/a.tif?sig=wrong", SourceOptions(settings=LOCAL))
        assert "wrong" not in str(caught.value)


def test_a_remote_raster_without_a_place_can_be_a_picture_only_here(tmp_path: Path) -> None:
    with served({"/a.tif": write_tif(tmp_path / "a.tif", crs=None).read_bytes()}) as url:
        assert "download it and pass --pictures" in only_bad(f"{url}/a.tif", settings=LOCAL)


def test_a_server_that_refuses_head_is_asked_for_one_byte() -> None:
    def only_get(_: str, __: bytes) -> tuple[int, dict[str, str], bytes]:
        return 405, {}, b""

    asked: list[str] = []
    with served({"/a.tif": only_get}, asked) as url, pytest.raises(SourceError, match="405"):
        open_source(f"{url}/a.tif", SourceOptions(settings=LOCAL))
    assert asked == ["HEAD whole", "GET bytes=0-0"]


def test_a_remote_file_that_is_missing_or_broken_is_reported() -> None:
    with served({"/broken.tif": b"no image at all" * 9}) as url:
        with pytest.raises(SourceError, match="404"):
            open_source(f"{url}/gone.tif", SourceOptions(settings=LOCAL))
        assert only_bad(f"{url}/broken.tif", settings=LOCAL).startswith("is not a GeoTIFF")
        with gdal_env(LOCAL), pytest.raises(SceneError, match=r"404|does not exist"):
            open_raster(f"{url}/gone.tif")


def table(path: Path, *items: dict[str, Any]) -> Path:
    to_parquet(parse_stac_items_to_arrow(list(items)), path)
    return path


def test_reads_items_from_a_table_as_from_json(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"never opened")
    properties: dict[str, Any] = {"eo:cloud_cover": 20.0, "s2:processing_baseline": "05.09"}
    entry = item("a", {"B04": band_asset("a.tif", "B04"), "scl": band_asset("a.tif", "SCL")}, **properties)
    (scene,) = scenes(table(tmp_path / "items.parquet", entry))
    assert (scene.scene_id, scene.collection, scene.cloud) == ("a", "sentinel-2-l2a", 0.2)
    assert scene.assets[0].href == str(tmp_path / "a.tif")
    assert scene.offset.value == -1000
    assert scene.cloud_mask is not None
    assert scene.datetime is not None
    assert found(tmp_path / "items.parquet", bbox=ELSEWHERE) == []


def test_reads_items_from_a_remote_table_without_touching_local_files(tmp_path: Path) -> None:
    near = item("near", {"B04": band_asset("a.tif", "B04")})
    far = item("far", {"B04": band_asset("file:///etc/a.tif", "B04")})
    answers: dict[str, Answer] = {"/items.parquet": table(tmp_path / "items.parquet", near, far).read_bytes()}
    with served(answers) as url:
        good, bad = found(f"{url}/items.parquet", settings=LOCAL)
        assert isinstance(good, Scene)
        assert good.assets[0].href == f"{url}/a.tif"
        assert isinstance(bad, BadScene)
        assert "local file" in str(bad.error)


def test_refuses_tables_that_are_not_stac(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no table")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "plain.parquet")
    for name, reason in {"text": "not a Parquet file", "plain": "no column assets, geometry"}.items():
        with pytest.raises(SourceError, match=reason) as caught:
            open_source(str(tmp_path / f"{name}.parquet"), SourceOptions())
        assert "\n" not in str(caught.value)


def test_a_bad_remote_scene_is_reported_without_its_signature() -> None:
    with served({"/a.tif": b"no image"}) as url:
        (bad,) = found(f"{url}/a.tif?sig=secret", settings=LOCAL)
    assert isinstance(bad, BadScene)
    assert bad.href == f"{url}/a.tif"
    assert "secret" not in str(bad.error)


def test_whatever_a_remote_file_makes_a_library_raise_is_one_bad_scene(
    archive: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trip(*_: object) -> Scene:
        raise RuntimeError("tripped")

    with served({"/a.tif": write_tif(tmp_path / "x.tif").read_bytes()}) as url:
        for kind, text in {"_s3": f"{archive}/2021/a.tif", "_https": f"{url}/a.tif"}.items():
            monkeypatch.setattr(f"indexer.sources.{kind}.raster_scene", trip)
            assert only_bad(text, settings=LOCAL) == "cannot be described: RuntimeError: tripped"


def indexed(into: Path, *found: Scene) -> IngestReport:
    class Listed:
        def scenes(self) -> Iterator[Scene | BadScene]:
            yield from found

    return ingest([Listed()], into=into, encoder=MeanColourEncoder())


def test_a_scene_that_is_signed_anew_is_known_to_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ALLOWED_HOSTS", '["127.0.0.1"]')
    picture = write_tif(tmp_path / "a.tif", names=("red", "green", "blue"), dtype="uint8", size=224)
    with served({"/a.tif": picture.read_bytes()}) as url:
        first, second = (scenes(f"{url}/a.tif?sig={key}", settings=LOCAL, sensor="rgb")[0] for key in "12")
        # as an index holds it that was made before signatures were left out
        assert indexed(tmp_path / "index", replace(first, href=first.assets[0].href)).scenes_indexed == 1
        report = indexed(tmp_path / "index", second)
    assert (report.scenes_skipped, report.failures) == (1, ())
