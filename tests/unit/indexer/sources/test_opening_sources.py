from __future__ import annotations

from pathlib import Path

import pytest

from core import InputError, QueryError, Settings, SourceError, UnknownNameError
from indexer.sources import SOURCES, SourceOptions, open_source, source_kind
from tests.unit.indexer.sources.samples import catalog, scenes, write_json, write_picture, write_tif

LOCAL = Settings(allowed_hosts=("example.com",))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("s3://bucket/prefix", "s3"),
        ("https://example.com/a/b.tif?sig=x", "https"),
        ("https://example.com/a/B.JP2", "https"),
        ("https://example.com/items.parquet", "geoparquet"),
        ("https://example.com/catalog.json", "stac"),
        ("https://example.com/v1", "stac"),
        ("pictures+/nowhere", "pictures"),
    ],
)
def test_tells_kinds_by_scheme_and_ending(text: str, kind: str) -> None:
    assert source_kind(text, SourceOptions(settings=LOCAL)) == kind


def test_tells_local_kinds_by_what_is_there(tmp_path: Path) -> None:
    write_tif(tmp_path / "rasters" / "a.TIF")
    write_picture(tmp_path / "rasters" / "preview.jpg")
    write_picture(tmp_path / "pictures" / "a.JPG")
    write_json(tmp_path / "stac" / "catalog.json", catalog("c", []))
    write_tif(tmp_path / "stac" / "a.tif")
    write_tif(tmp_path / "captioned" / "a.tif")
    (tmp_path / "captioned" / "captions.jsonl").write_text("")
    kinds = {name: source_kind(str(tmp_path / name), SourceOptions()) for name in ("rasters", "pictures", "stac")}
    assert kinds == {"rasters": "files", "pictures": "pictures", "stac": "stac"}
    assert source_kind(str(tmp_path / "captioned"), SourceOptions()) == "pictures"
    assert source_kind(str(tmp_path / "rasters"), SourceOptions(pictures=True)) == "pictures"
    assert source_kind(f"{tmp_path}/*/*.jpg", SourceOptions()) == "pictures"
    assert source_kind(f"{tmp_path}/*/a.*", SourceOptions()) == "files"


def test_every_built_in_kind_can_be_imported() -> None:
    assert all(hasattr(SOURCES.resolve(name), "scenes") for name in SOURCES.names())


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("/nowhere/at/all", "does not exist"),
        ("gs://bucket/a.tif", "unsupported scheme"),
        ("https://evil.test/a.tif", "SWATH_ALLOWED_HOSTS"),
        ("https://example.com@evil.test/a.tif", "evil.test"),
        ("s3://", "no bucket"),
    ],
)
def test_says_what_would_work_where_nothing_can_be_opened(text: str, hint: str) -> None:
    with pytest.raises(SourceError, match=hint):
        open_source(text, SourceOptions(settings=LOCAL))


def test_refuses_a_virtual_raster_by_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "mosaic.vrt"
    path.write_text("<VRTDataset/>")
    with pytest.raises(SourceError, match="ending that is not supported"):
        open_source(str(path), SourceOptions())


@pytest.mark.parametrize("name", ["", "*.tif", "**/*"])
def test_lists_the_endings_where_nothing_fits(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(SourceError, match=r"\.tif \.tiff \.jp2"):
        open_source(str(tmp_path / name), SourceOptions())


def test_refuses_wrong_options_before_any_scene(tmp_path: Path) -> None:
    write_tif(tmp_path / "a.tif")
    with pytest.raises(UnknownNameError, match="sentinel-2-l2a"):
        open_source(str(tmp_path), SourceOptions(sensor="sentinel-9"))
    with pytest.raises(InputError, match="year"):
        open_source(str(tmp_path), SourceOptions(datetime_pattern="%d%m"))
    document = write_json(tmp_path / "catalog.json", catalog("c", []))
    with pytest.raises(QueryError, match="datetime"):
        open_source(str(document), SourceOptions(datetime="yesterday"))


def test_reads_a_home_folder_and_a_path_with_wildcards_in_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_tif(tmp_path / "odd [1]" / "a*.tif")
    assert [scene.scene_id for scene in scenes("~/odd [1]")] == ["a_"]
    assert [scene.collection for scene in scenes(tmp_path / "odd [1]" / "a*.tif")] == ["odd__1_"]
