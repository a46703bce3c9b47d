from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio
from shapely.geometry import box, shape

from core import BadScene
from demo import DemoArchive, generate
from demo._generate import _Job, _optical, _radar
from demo._ground import ground
from demo._scenes import NOTICE, SCENES
from demo._world import design
from indexer.sources import SourceOptions, open_source


@pytest.fixture(scope="module")
def calls() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int]]) -> DemoArchive:
    into = tmp_path_factory.mktemp("demo") / "deep" / "archive"
    return generate(into, progress=lambda done, total: calls.append((done, total)))


@pytest.fixture(scope="module")
def items(archive: DemoArchive) -> list[pystac.Item]:
    return list(pystac.Catalog.from_file(str(archive.catalog)).get_items(recursive=True))


def rasters(archive: DemoArchive) -> list[Path]:
    return sorted(archive.path.rglob("*.tif"))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def captions(archive: DemoArchive) -> Iterator[dict[str, Any]]:
    yield from map(json.loads, archive.captions.read_text(encoding="utf-8").splitlines())


def lines_of(archive: DemoArchive, item: str) -> list[dict[str, Any]]:
    return [line for line in captions(archive) if line["item"] == item]


def test_the_archive_holds_what_it_says(archive: DemoArchive, items: list[pystac.Item]) -> None:
    assert archive.scenes == len(items) == 24
    assert archive.tiles == len(list(captions(archive))) == 600
    assert archive.bytes == sum(file.stat().st_size for file in archive.path.rglob("*") if file.is_file())
    assert not [path for path in archive.path.parent.iterdir() if path != archive.path]


def test_progress_counts_up_to_the_end(archive: DemoArchive, calls: list[tuple[int, int]]) -> None:
    assert archive.scenes == 24
    assert sorted(calls) == [(done, 24) for done in range(1, 25)]


def test_the_catalog_is_valid_and_self_contained(archive: DemoArchive) -> None:
    pytest.importorskip("jsonschema", reason="STAC schemas are checked with jsonschema")
    from pystac.validation import validate_dict

    documents = [path for path in archive.path.rglob("*.json") if path.name != "swath-demo.json"]
    assert len(documents) == 1 + 2 + 24
    for path in documents:
        document = json.loads(path.read_text(encoding="utf-8"))
        validate_dict(document, href=str(path), extensions=[])  # core schemas are bundled; extensions are not
        hrefs = [link["href"] for link in document["links"]]
        hrefs += [asset["href"] for asset in document.get("assets", {}).values()]
        assert all(href.startswith(".") and (path.parent / href).exists() for href in hrefs)


def test_two_collections_over_three_dates(items: list[pystac.Item]) -> None:
    days: dict[str, set[str]] = {}
    for item in items:
        assert item.datetime is not None
        days.setdefault(str(item.collection_id), set()).add(item.datetime.date().isoformat())
    assert days == {
        "demo-sentinel-2-l2a": {"2021-04-19", "2021-07-18", "2021-10-06"},
        "demo-sentinel-1-rtc": {"2021-04-20", "2021-07-19", "2021-10-06"},
    }


def test_every_raster_is_a_tiled_cog_with_overviews_where_the_item_says(items: list[pystac.Item]) -> None:
    for item in items:
        for asset in item.assets.values():
            with rasterio.open(asset.get_absolute_href()) as dataset:
                assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
                assert dataset.block_shapes[0] == (256, 256)
                assert dataset.overviews(1)
                assert dataset.crs.to_epsg() == 32627
                assert dataset.nodata == asset.extra_fields["nodata"] == 0
                assert dataset.dtypes[0] == asset.extra_fields["data_type"]
                assert list(dataset.transform)[:6] == asset.extra_fields["proj:transform"]
                assert list(dataset.shape) == asset.extra_fields["proj:shape"]
                lonlat = rasterio.warp.transform_bounds(dataset.crs, 4326, *dataset.bounds)
            assert item.geometry is not None
            assert shape(item.geometry).bounds == pytest.approx(lonlat, abs=1e-5)
            assert tuple(item.bbox or ()) == shape(item.geometry).bounds


def test_bands_are_named_in_the_files(archive: DemoArchive) -> None:
    bands = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
    kinds = {"S2": bands, "S1": ("VV", "VH"), "SCL": ("SCL",)}
    for path in rasters(archive):
        kind = "SCL" if path.stem.endswith("scl") else "S2" if "-s2-" in path.stem else "S1"
        with rasterio.open(path) as dataset:
            assert dataset.descriptions == kinds[kind]


def test_cloud_cover_is_counted_from_the_scene_classification(items: list[pystac.Item]) -> None:
    covers = {}
    for item in items:
        if "scl" in item.assets:
            with rasterio.open(item.assets["scl"].get_absolute_href()) as dataset:
                share = np.isin(dataset.read(1), (8, 9, 10)).mean()
            assert item.properties["eo:cloud_cover"] == pytest.approx(100 * share, abs=0.01)
            covers[item.id] = share
    assert max(covers.values()) > 0.2
    assert min(covers.values()) == 0


def test_synthetic_is_written_on_everything(archive: DemoArchive) -> None:
    for path in rasters(archive):
        with rasterio.open(path) as dataset:
            assert dataset.tags()["TIFFTAG_IMAGEDESCRIPTION"] == NOTICE
            assert dataset.tags()["SYNTHETIC"] == "YES"
    for path in archive.path.rglob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        about = document.get("properties", document)
        assert about["synthetic"] is True
        assert NOTICE in about.get("description", about.get("notice"))
        assert about.get("title", "[Synthetic]").startswith("[Synthetic]")
    assert NOTICE in (archive.path / "README.md").read_text(encoding="utf-8")
    assert json.loads(archive.truth.read_text(encoding="utf-8"))["description"] == NOTICE
    assert all(line["synthetic"] is True for line in captions(archive))


def test_sources_recognise_both_sensors_without_being_told(archive: DemoArchive) -> None:
    scenes = list(open_source(str(archive.catalog), SourceOptions()).scenes())
    assert not [scene for scene in scenes if isinstance(scene, BadScene)]
    found = {(scene.sensor.name, scene.encoding.name) for scene in scenes if not isinstance(scene, BadScene)}
    assert found == {("sentinel-2-l2a", "dn"), ("sentinel-1-rtc", "linear")}
    assert {scene.offset.value for scene in scenes if not isinstance(scene, BadScene)} == {0.0}


def test_every_query_has_true_tiles_that_exist(archive: DemoArchive) -> None:
    known = {line["tile_id"]: line for line in captions(archive)}
    assert len(archive.queries) == 3
    for query in archive.queries:
        assert 5 <= len(query.tile_ids) <= 50
        assert query.tile_ids <= known.keys()
        assert {known[name]["collection"] for name in query.tile_ids} == {f"demo-{query.sensor}"}


def test_tile_truth_agrees_with_the_outlines(archive: DemoArchive) -> None:
    outlines = json.loads(archive.truth.read_text(encoding="utf-8"))["features"]
    airport = next(shape(entry["geometry"]) for entry in outlines if entry["properties"]["kind"] == "airport")
    named = {
        (line["row"], line["col"])
        for line in lines_of(archive, "demo-s2-city-20210419")
        if "airport" in line["objects"]
    }
    shares = {}
    with rasterio.open(archive.path / "demo-sentinel-2-l2a/demo-s2-city-20210419/demo-s2-city-20210419.tif") as dataset:
        for row, column in np.ndindex(5, 5):
            window = rasterio.windows.Window(column * 224, row * 224, 224, 224)
            bounds = rasterio.windows.bounds(window, dataset.transform)
            tile = box(*rasterio.warp.transform_bounds(dataset.crs, 4326, *bounds))
            shares[row, column] = tile.intersection(airport).area / tile.area
    assert len(named) >= 2
    assert all(shares[place] > 0.09 for place in named)
    assert all(share < 0.11 for place, share in shares.items() if place not in named)


def test_captions_tell_the_tile(archive: DemoArchive) -> None:
    lines = list(captions(archive))
    assert all(line["captions"] for line in lines)
    assert all(sum(line["cover"].values()) == pytest.approx(1, abs=0.01) for line in lines)
    flooded = {line["item"] for line in lines if "flood" in line["objects"]}
    assert flooded >= {"demo-s2-farmland-20211006", "demo-s1-farmland-20211006"}
    assert all(name.endswith("20211006") for name in flooded)


def test_the_same_seed_writes_the_same_bytes(archive: DemoArchive, tmp_path: Path) -> None:
    frame = next(frame for frame in SCENES if frame.name == "coast")
    design.cache_clear()
    world = design(7)
    land = ground(world, column=frame.column, row=frame.row, seed=7)
    job = _Job(folder=tmp_path, frame=frame, land=land, landmarks=world.landmarks, seed=7)
    items = [_optical(job, 1)[0], _radar(job, 1)[0]]
    written = sorted(tmp_path.rglob("*.tif"))
    assert len(written) == 3
    for path in written:
        assert digest(path) == digest(archive.path / path.relative_to(tmp_path))
    for item in items:
        saved = json.loads(next(archive.path.rglob(f"{item.id}.json")).read_text(encoding="utf-8"))
        drawn = json.loads(json.dumps(item.to_dict(include_self_link=False)))
        assert [drawn[key] for key in ("properties", "geometry")] == [saved[key] for key in ("properties", "geometry")]


@pytest.mark.slow
def test_a_demo_archive_is_replaced_by_an_equal_one(archive: DemoArchive) -> None:
    before = {path: digest(path) for path in archive.path.rglob("*") if path.is_file()}
    stray = archive.path / "stray.txt"
    stray.write_text("from before")
    assert generate(archive.path) == archive
    assert {path: digest(path) for path in archive.path.rglob("*") if path.is_file()} == before


def test_a_cut_generation_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "archive", progress=stop)
    assert not list(tmp_path.iterdir())


def test_importing_demo_stays_light() -> None:
    code = "import demo, sys; print([name for name in ('lancedb', 'torch', 'geopandas') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
