"""Every input that a reader once fell over, as small as it could be made."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

from core import (
    BadScene,
    ConfigError,
    FilterError,
    QueryError,
    SceneError,
    SensorError,
    StoreError,
    load_sensor,
    parse_geometry,
)
from embeddings._weights import load_manifest
from indexer._backup_document import DOCUMENT, read_document
from indexer._gdal import open_raster
from indexer._manifest import table_files
from indexer.knowledge._reading import read_file
from indexer.sources import SourceOptions, example_tile, open_source
from retriever._calibration import parse_calibration
from retriever._literals import geometry_literal
from retriever._pushdown import pushed_down
from retriever._query_image import query_tile
from retriever._translate import parse_filter
from retriever.watches._file import append_matches
from tests.rasters import write_raster

GRAY = np.full((1, 64, 64), 7, dtype=np.uint8)


def strips(count: int) -> list[dict[str, Any]]:
    """Long bars across long bars: a union has four vertices for each crossing."""
    boxes = [shapely.box(-170, y, 170, y + 0.01) for y in np.linspace(-80, 79, count)]
    boxes += [shapely.box(x, -80, x + 0.01, 80) for x in np.linspace(-170, 169, count)]
    return [shapely.geometry.mapping(each) for each in boxes]


def zigzag(count: int) -> list[list[float]]:
    found: list[list[float]] = np.random.default_rng(1).uniform((-179, -80), (179, 80), (count, 2)).round(3).tolist()
    return found


def test_areas_that_cross_hundreds_of_thousands_of_times_are_not_joined() -> None:
    with pytest.raises(QueryError, match="cross too often"):
        parse_geometry({"type": "GeometryCollection", "geometries": strips(300)})


def test_areas_in_a_grid_are_joined() -> None:
    cells = [shapely.box(x, y, x + 1, y + 1) for x in range(40) for y in range(40)]
    joined = parse_geometry(
        {"type": "GeometryCollection", "geometries": [shapely.geometry.mapping(each) for each in cells]}
    )
    assert joined.equals(shapely.box(0, 0, 40, 40))


def test_areas_that_cross_a_few_times_are_joined() -> None:
    assert parse_geometry({"type": "GeometryCollection", "geometries": strips(20)}).area > 99


@pytest.mark.parametrize("operator", ["s_intersects", "s_crosses", "s_equals"])
def test_a_line_that_crosses_itself_thousands_of_times_is_no_filter(operator: str) -> None:
    line = {"type": "LineString", "coordinates": zigzag(2_000)}
    with pytest.raises(FilterError, match="crosses itself too often"):
        parse_filter({"op": operator, "args": [{"property": "geometry"}, line]})


def test_a_filter_of_thousands_of_conditions_is_handed_down_in_pairs() -> None:
    part = {"op": "<", "args": [{"property": "cloud"}, 0.2]}
    handed = str(pushed_down(parse_filter({"op": "and", "args": [part] * 2_000})))
    assert handed.count("cloud") == 2_000


def test_what_geos_says_of_a_line_of_one_point_is_one_line() -> None:
    with pytest.raises(FilterError, match="point array must contain") as told:
        geometry_literal({"type": "LineString", "coordinates": [[1, 2]]})
    assert "\n" not in str(told.value)


def test_a_line_of_too_many_vertices_is_no_filter() -> None:
    line = {"type": "LineString", "coordinates": [[at % 180, 0] for at in range(100_001)]}
    with pytest.raises(FilterError, match="100,001 vertices"):
        geometry_literal(line)


@pytest.mark.parametrize("line", [zigzag(2_000), [[0, 0], [10, 10]] * 350], ids=["zigzag", "to and fro"])
def test_a_place_that_crosses_itself_thousands_of_times_is_left_out(line: list[list[float]], tmp_path: Path) -> None:
    geometry = {"type": "LineString", "coordinates": line}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "Feature", "properties": {"name": "River"}, "geometry": geometry}))
    (bad,) = read_file(path).bad
    assert "crosses itself too often" in bad.reason


@pytest.mark.parametrize("depth", [3, 5_000])
def test_lists_within_lists_of_front_matter_are_one(depth: int, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"---\ntitle: A\nlat: 1\nlon: 2\naliases: {'[' * depth}b, 'c'{']' * depth}\n---\nText.\n")
    assert read_file(path).entries[0].names == ("A", "b", "c")


def manifest(message: bytes, place: int = 0) -> bytes:
    return struct.pack("<I", len(message)) + message + struct.pack("<Q2H4s", place, 0, 2, b"LANC")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (manifest(b"\x80" * 200_000), "more than 64 bits"),
        (manifest(b"\x12\x02\x12\x00"), "names no file"),
        (manifest(b"\x12\x06\x12\x04\x0a\x02.."), "outside its folder"),
        (manifest(b"\x12\x07\x12\x05\x0a\x03a\0b"), "outside its folder"),
        (manifest(b"\x62\x08../../xx"), "outside its folder"),
        (manifest(b"", 2**64 - 1), "too large"),
    ],
    ids=["endless number", "no path", "parent", "null byte", "transaction elsewhere", "place beyond any file"],
)
def test_a_damaged_manifest_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "_versions").mkdir()
    (tmp_path / "_versions" / "1.manifest").write_bytes(content)
    with pytest.raises(StoreError, match=said):
        table_files(tmp_path, 1)


@pytest.mark.parametrize(
    "text",
    ["a." * 5_000 + "a = 1", f"[{'a.' * 5_000}a]", "a = " + "[" * 5_000, "a = " + "9" * 5_000],
    ids=lambda text: text[:6],
)
def test_toml_that_costs_the_square_of_its_length_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    with pytest.raises(SensorError, match="not TOML"):
        load_sensor(path)
    with pytest.raises(ConfigError, match="not a TOML file"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("field", ["created", "source", "tiles", "versions", "files"])
@pytest.mark.parametrize("value", [None, ["a"], {"a": "b"}, 1.5])
def test_a_backup_of_other_kinds_of_values_is_refused(field: str, value: object, tmp_path: Path) -> None:
    said = {"format": 1, "created": "2026", "source": "/a", "tiles": 1, "versions": {}, "files": {}} | {field: value}
    (tmp_path / DOCUMENT).write_text(json.dumps(said))
    with pytest.raises(StoreError, match="earlier backup"):
        read_document(tmp_path)


@pytest.mark.parametrize(
    "change", [{"threshold": ["a"]}, {"threshold": 10**400}, {"space": {"encoder": "a", "revision": "b", "dim": "3"}}]
)
def test_a_calibration_of_other_kinds_of_values_is_refused(change: dict[str, object]) -> None:
    space = {"encoder": "a", "revision": "b", "dim": 3}
    whole = {
        "format": 1,
        "space": space,
        "method": "platt",
        "sensors": {},
        "kinds": {},
        "threshold": 0.5,
        "source": "x",
    }
    assert parse_calibration(whole).threshold == 0.5
    with pytest.raises(ConfigError, match="calibration is damaged"):
        parse_calibration(whole | change)


def test_a_file_of_matches_with_lists_for_names_is_somebody_elses(tmp_path: Path) -> None:
    path = tmp_path / "a.geojsonl"
    path.write_text('{"properties": {"watch": [], "tile_id": {}}}\n')
    with pytest.raises(StoreError, match="holds something else"):
        append_matches(path, ['{"properties": {"watch": "w", "tile_id": "t"}}'], known=0)


def test_a_table_that_is_not_as_stac_geoparquet_wants_it_breaks_off(tmp_path: Path) -> None:
    row = {
        "id": "a",
        "geometry": shapely.to_wkb(shapely.box(0, 0, 1, 1)),
        "assets": {"a": {"href": "b"}},
        "bbox": [0, 0, 1, 1],
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    (found,) = open_source(str(tmp_path / "a.parquet"), SourceOptions()).scenes()
    assert isinstance(found, BadScene)
    assert "broke off" in str(found.error)


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """A port of this machine that is never answered on: whoever connects is found waiting there."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        yield listening


def address(ear: socket.socket) -> str:
    return f"/vsicurl/http://127.0.0.1:{ear.getsockname()[1]}/a.tif"


def unheard(ear: socket.socket) -> bool:
    try:
        ear.accept()
    except TimeoutError:
        return True
    return False


def vrt(url: str) -> str:
    source = f'<SourceFilename relativeToVRT="0">{url}</SourceFilename><SourceBand>1</SourceBand>'
    band = f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource>{source}</SimpleSource></VRTRasterBand>'
    return f'<VRTDataset rasterXSize="32" rasterYSize="32">{band}</VRTDataset>'


def pointing(path: Path, url: str) -> Path:
    """A GeoTIFF whose own metadata name a file of overviews."""
    write_raster(path, GRAY)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=url)
    assert not path.with_name(f"{path.name}.aux.xml").exists()
    return path


def test_a_geotiff_that_names_overviews_elsewhere_is_not_followed(ear: socket.socket, tmp_path: Path) -> None:
    path = pointing(tmp_path / "a.tif", address(ear))
    with pytest.raises(SceneError, match="names another file"):
        open_raster(str(path))
    with pytest.raises(QueryError, match="names another file"):
        query_tile(path.read_bytes(), sensor="panchromatic")
    assert unheard(ear)


def test_a_sidecar_that_names_overviews_elsewhere_is_not_followed(ear: socket.socket, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", GRAY)
    entry = f'<MDI key="OVERVIEW_FILE">{address(ear)}</MDI>'
    Path(f"{path}.aux.xml").write_text(f'<PAMDataset><Metadata domain="OVERVIEWS">{entry}</Metadata></PAMDataset>')
    with pytest.raises(SceneError, match="names another file"):
        open_raster(path)
    assert unheard(ear)


@pytest.mark.parametrize("ending", [".ovr", ".msk", ".OVR"])
def test_overviews_and_masks_beside_a_file_are_tiffs_or_nothing(
    ending: str, ear: socket.socket, tmp_path: Path
) -> None:
    path = write_raster(tmp_path / "a.tif", GRAY)
    Path(path + ending).write_text(vrt(address(ear)))
    with pytest.raises(SceneError, match="is no TIFF"):
        example_tile(Path(path), sensor="panchromatic")
    assert unheard(ear)


def test_overviews_beside_a_file_lead_nowhere_either(ear: socket.socket, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", GRAY)
    pointing(tmp_path / "b.tif", address(ear)).rename(f"{path}.ovr")
    with pytest.raises(SceneError, match="names another file"):
        open_raster(path)
    assert unheard(ear)


def test_overviews_beside_a_file_are_used(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", GRAY)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2])
    assert Path(f"{path}.ovr").exists()
    with open_raster(path) as found:
        assert found.overviews(1) == [2]


def test_a_directory_that_leads_beyond_the_file_is_one_line(tmp_path: Path) -> None:
    content = bytearray(Path(write_raster(tmp_path / "a.tif", np.ones((12, 64, 64), np.uint16))).read_bytes())
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * entries, 100_000)
    with pytest.raises(QueryError, match="Failed to read directory") as told:
        query_tile(bytes(content), sensor="sentinel-2-l2a")
    assert "/tmp" not in str(told.value)  # noqa: S108  # where it is kept meanwhile is nobody's business
