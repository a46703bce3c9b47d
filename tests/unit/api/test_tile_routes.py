"""Tiles over HTTP: records, pictures, pixels, other dates; and an index that wants more than it may have."""

import io
import os
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import lancedb
import numpy as np
import pytest
import rasterio
from fastapi.testclient import TestClient
from PIL import Image
from rasterio.transform import from_origin

import swath
from api import create_app
from api._services import Service
from indexer import Store
from retriever import Searcher
from tests.small_index import build_small_index

SIDE = 32
SPECIAL = "my scenes~2020/one:two#3 %~r0000c0000"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_index(tmp_path_factory.mktemp("tiles") / "index")


@pytest.fixture(scope="module")
def client(small: Path) -> Iterator[TestClient]:
    with TestClient(create_app(small)) as found:
        yield found


def ids(index: Path) -> list[str]:
    return sorted(lancedb.connect(index).open_table("tiles").to_arrow()["tile_id"].to_pylist())


@pytest.fixture(scope="module")
def tile(small: Path) -> str:
    return f"/v1/tiles/{ids(small)[0]}"


def test_a_tile_is_described_as_a_hit_is(client: TestClient, tile: str) -> None:
    record = client.get(tile).json()
    hit = client.post("/v1/search", json={"text": "a river", "k": 4}).json()["hits"]
    same = next(one for one in hit if one["tile_id"] == record["tile_id"])
    assert record == {name: value for name, value in same.items() if name not in {"rank", "score", "probability"}}
    assert client.get(record["links"]["self"]).json() == record


def test_every_link_of_a_tile_leads_to_it(client: TestClient, tile: str) -> None:
    links = client.get(tile).json()["links"]
    for name, kind in (("preview", "image/webp"), ("image", "image/png"), ("pixels", "image/tiff")):
        answer = client.get(links[name])
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
    assert client.get(links["series"]).json()["tiles"] == []


@pytest.mark.parametrize("path", ["", "/preview.webp", "/image.png", "/pixels.tif", "/series"])
def test_an_unknown_tile_is_not_found(client: TestClient, path: str) -> None:
    for unknown in ("none", "..%2F..%2Fetc%2Fpasswd", "a%00b", "%F0%9F%9B%B0"):
        answer = client.get(f"/v1/tiles/{unknown}{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "tile_not_found")


def test_the_original_is_drawn_and_says_so(client: TestClient, tile: str) -> None:
    answer = client.get(f"{tile}/image.png")
    assert answer.headers["x-swath-pixels"] == "original"
    assert answer.headers["x-swath-rendering"] == "true-color"
    assert Image.open(io.BytesIO(answer.content)).size == (224, 224)
    assert Image.open(io.BytesIO(client.get(f"{tile}/image.png?size=64").content)).size == (64, 64)


@pytest.mark.parametrize("path", ["preview.webp", "image.png", "pixels.tif"])
def test_what_the_client_has_is_not_sent_again(client: TestClient, tile: str, path: str) -> None:
    first = client.get(f"{tile}/{path}")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=3600"
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(f"{tile}/{path}", headers={"If-None-Match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(f"{tile}/{path}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_pictures_of_different_size_or_tile_have_different_tags(client: TestClient, tile: str, small: Path) -> None:
    other = f"/v1/tiles/{ids(small)[1]}"
    asked = (f"{tile}/image.png", f"{tile}/image.png?size=64", f"{other}/image.png", f"{tile}/preview.webp")
    assert len({client.get(path).headers["etag"] for path in asked}) == len(asked)


def test_a_rendering_without_its_bands_lists_those_there_are(client: TestClient, tile: str) -> None:
    answer = client.get(f"{tile}/image.png?rendering=index:ndvi")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "no rendering 'index:ndvi' for rgb; there are true-color"


@pytest.mark.parametrize("asked", ["size=15", "size=2049", "size=x", "size=1e3", "rendering=" + "x" * 101])
def test_senseless_pictures_are_refused(client: TestClient, tile: str, asked: str) -> None:
    assert client.get(f"{tile}/image.png?{asked}").status_code == 422


def test_pixels_come_in_place_and_in_parts(client: TestClient, tile: str) -> None:
    whole = client.get(f"{tile}/pixels.tif")
    with rasterio.MemoryFile(whole.content) as memory, memory.open() as file:
        assert (file.crs.to_epsg(), file.count, file.shape) == (32632, 3, (224, 224))
        assert file.bounds[:2] == (500_000, 4_900_000 - 2240)
    for asked, start, stop in (("0-99", 0, 100), ("100-", 100, None), ("-50", -50, None), ("10-999999999", 10, None)):
        part = client.get(f"{tile}/pixels.tif", headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.content) == (206, whole.content[start:stop])
        assert part.headers["content-range"].endswith(f"/{len(whole.content)}")
    beyond = client.get(f"{tile}/pixels.tif", headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")
    stale = client.get(f"{tile}/pixels.tif", headers={"Range": "bytes=0-9", "If-Range": '"old"'})
    assert (stale.status_code, len(stale.content)) == (200, len(whole.content))
    assert client.head(f"{tile}/pixels.tif").headers["accept-ranges"] == "bytes"


def test_some_bands_of_the_pixels(client: TestClient, tile: str) -> None:
    answer = client.get(f"{tile}/pixels.tif?bands=green&bands=red")
    with rasterio.MemoryFile(answer.content) as memory, memory.open() as file:
        assert file.descriptions == ("green", "red")
    refused = client.get(f"{tile}/pixels.tif?bands=B04")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_input")
    assert "they hold red, green, blue" in refused.json()["error"]["message"]


def test_the_legend_lists_sensors_with_their_renderings(client: TestClient) -> None:
    (sensor,) = client.get("/v1/renderings").json()["sensors"]
    assert (sensor["sensor"], sensor["kind"], sensor["tiles"]) == ("rgb", "optical", 4)
    (rendering,) = sensor["renderings"]
    assert rendering["formula"] == "red = red, green = green, blue = blue"
    assert rendering["channels"][0] == {
        "color": "red", "shows": "red", "minimum": 0.0, "maximum": 255.0, "gamma": 1.0, "gain": 1.0
    }  # fmt: skip


Change = Callable[..., TestClient]


def without_encoder(name: str, path: Path) -> Service:
    """Open an index of which nothing is searched."""
    store = Store.open(path)
    return Service(name=name, path=path, store=store, searcher=Searcher(store))


@pytest.fixture
def changed(small: Path, tmp_path: Path) -> Iterator[Change]:
    """Return a client of an index of which a row was changed behind Swath's back."""
    clients: list[TestClient] = []

    def change(**values: Any) -> TestClient:
        index = tmp_path / f"changed-{len(clients)}"
        shutil.copytree(small, index)
        lancedb.connect(index).open_table("tiles").update(where=f"tile_id = '{ids(index)[0]}'", values=values)
        clients.append(TestClient(create_app(index, opened=without_encoder)))
        return clients[-1]

    yield change
    for client in clients:
        client.close()


def test_ids_of_any_characters_are_found_percent_encoded(changed: Change) -> None:
    client = changed(tile_id=SPECIAL)
    for written in (quote(SPECIAL, safe=""), quote(SPECIAL, safe="/~:")):
        record = client.get(f"/v1/tiles/{written}").json()
        assert record["tile_id"] == SPECIAL
        for name in ("preview.webp", "image.png", "pixels.tif", "series"):
            assert client.get(f"/v1/tiles/{written}/{name}").status_code == 200
        assert client.get(record["links"]["image"]).headers["x-swath-pixels"] == "original"


def pictured(client: TestClient, tile_id: str = "poisoned", query: str = "") -> Any:
    answer = client.get(f"/v1/tiles/{tile_id}/image.png{query}")
    assert answer.status_code == 200
    assert answer.headers["x-swath-pixels"] == "stored-preview"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    assert Image.open(io.BytesIO(answer.content)).size == (128, 128)
    return answer


POISON = [
    "/etc/passwd",
    "/etc/passwd.tif",
    "/dev/zero",
    "/proc/self/environ",
    "/vsicurl/http://169.254.169.254/latest/meta-data/",
    "/vsistdin/",
    "http://169.254.169.254/latest/meta-data/iam.tif",
    "http://localhost/a.tif",
    "file:///etc/passwd",
    "s3://bucket/a.tif",
    "dataset:aid:/etc",
    "stac+http://localhost/catalog.json",
    "<VRTDataset/>",
]


@pytest.mark.parametrize("href", POISON)
def test_a_poisoned_index_shows_its_preview_and_opens_nothing(changed: Change, href: str) -> None:
    client = changed(tile_id="poisoned", href=href)
    reason = pictured(client).headers["x-swath-reason"]
    assert reason
    assert "\n" not in reason
    assert "SWATH_" not in reason
    refused = client.get("/v1/tiles/poisoned/pixels.tif")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "pixels_unavailable")


def test_no_server_is_asked_on_the_word_of_an_index(changed: Change) -> None:
    asked: list[str] = []

    class Inner(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name http.server looks for
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

    with ThreadingHTTPServer(("127.0.0.1", 0), Inner) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        inner = f"127.0.0.1:{server.server_port}"
        for href in (f"http://{inner}/a.tif", f"/vsicurl/http://{inner}/a.tif", f"stac+http://{inner}/c.json"):
            pictured(changed(tile_id="poisoned", href=href))
        server.shutdown()
    assert asked == []


def secret(folder: Path) -> Path:
    """A picture that is none of the archive's business."""
    folder.mkdir()
    path = folder / "secret.tif"
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 4_900_000, 10, 10)}
    with rasterio.open(path, "w", driver="GTiff", width=448, height=448, count=3, dtype="uint8", **place) as file:
        file.write(np.full((3, 448, 448), 77, np.uint8))
    return path


def test_files_beside_the_archive_stay_closed(changed: Change, small: Path, tmp_path: Path) -> None:
    outside = secret(tmp_path / "outside")
    client = changed(tile_id="poisoned", href=str(outside))
    assert pictured(client).headers["x-swath-reason"] == "lies outside the archive"
    climbing = changed(tile_id="poisoned", href=f"{small.parent}/{os.path.relpath(outside, small.parent)}")
    assert pictured(climbing).headers["x-swath-reason"] == "lies outside the archive"


@pytest.mark.parametrize(("ending", "reason"), [("tif", "is not a GeoTIFF"), ("vrt", "ending that is not supported")])
def test_a_vrt_in_the_archive_opens_no_other_file(
    changed: Change, small: Path, tmp_path: Path, ending: str, reason: str
) -> None:
    planted = small.parent / f"planted.{ending}"
    planted.write_text(
        f'<VRTDataset rasterXSize="448" rasterYSize="448"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{secret(tmp_path / 'outside')}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
        "</VRTRasterBand></VRTDataset>"
    )
    assert reason in pictured(changed(tile_id="poisoned", href=str(planted))).headers["x-swath-reason"]


def test_the_operator_can_close_the_archive(changed: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ARCHIVE_ROOTS", "[]")
    assert pictured(changed(tile_id="poisoned")).headers["x-swath-reason"] == "lies outside the archive"


def test_an_unknown_sensor_shows_the_preview_and_the_operator_can_name_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = tmp_path / "mine.toml"
    source = Path(__file__).parents[3] / "docs" / "examples" / "landsat-uint8-composite.toml"
    described.write_text(source.read_text().replace('name = "landsat-uint8-composite"', 'name = "mine"'))
    scene = tmp_path / "scene.tif"
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 4_900_000, 30, 30)}
    with rasterio.open(scene, "w", driver="GTiff", width=64, height=64, count=4, dtype="uint8", **place) as file:
        file.write(np.random.default_rng(1).integers(1, 255, (4, 64, 64)).astype("uint8"))
    swath.index(str(scene), into=tmp_path / "index", sensor=str(described), tile_size=64)
    with TestClient(create_app(tmp_path / "index")) as client:
        (tile_id,) = ids(tmp_path / "index")
        assert "'mine' is not a built-in one" in pictured(client, tile_id).headers["x-swath-reason"]
        (told,) = client.get("/v1/renderings").json()["sensors"]
        assert (told["sensor"], told["renderings"]) == ("mine", [])
    monkeypatch.setenv("SWATH_SENSOR_FILES", f'["{described}"]')
    with TestClient(create_app(tmp_path / "index")) as client:
        answer = client.get(f"/v1/tiles/{tile_id}/image.png?rendering=index:ndvi")
        assert (answer.headers["x-swath-pixels"], answer.headers["x-swath-rendering"]) == ("original", "index:ndvi")


def test_a_preview_that_is_no_picture_is_not_sent(changed: Change) -> None:
    client = changed(tile_id="poisoned", preview=b"<script>alert(1)</script>", href="/gone.tif")
    for path in ("preview.webp", "image.png"):
        answer = client.get(f"/v1/tiles/poisoned/{path}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "pixels_unavailable")


def test_lost_originals_are_said_to_be_lost(changed: Change, small: Path) -> None:
    client = changed(tile_id="poisoned", href=str(small.parent / "gone.tif"))
    assert pictured(client, query="?size=128").headers["x-swath-reason"] == "is not a file on this machine"


@pytest.fixture(scope="module")
def through_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One place in four years, one of them half a tile to the east, and a place far away."""
    folder = tmp_path_factory.mktemp("years")
    for year, east in ((2021, 0), (2018, 0), (2020, 160), (2019, 310), (2017, 100_000)):
        place = {"crs": "EPSG:32632", "transform": from_origin(500_000 + east, 4_900_000, 10, 10)}
        layout = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 4, "dtype": "uint8", **place}
        with rasterio.open(folder / f"scene_{year}0601.tif", "w", **layout) as file:
            file.write(np.full((4, SIDE, SIDE), 90 + year % 10, np.uint8))
    into = folder / "index"
    swath.index(f"{folder}/*.tif", into=into, sensor="naip", tile_size=SIDE, datetime_pattern="%Y%m%d", collection="c")
    with TestClient(create_app(into)) as client:
        yield client


def test_other_dates_of_a_place_come_in_order_with_their_overlap(through_time: TestClient) -> None:
    series = through_time.get("/v1/tiles/c~scene_20210601~r0000c0000/series").json()
    assert series["datetime"] == "2021-06-01T00:00:00Z"
    assert [tile["scene_id"] for tile in series["tiles"]] == ["scene_20180601", "scene_20200601"]
    assert [tile["overlap"] for tile in series["tiles"]] == pytest.approx([1.0, 0.5], abs=0.02)
    assert series["matched"] == 2


def test_less_overlap_and_fewer_dates_can_be_asked_for(through_time: TestClient) -> None:
    tile = "/v1/tiles/c~scene_20210601~r0000c0000/series"
    (most,) = through_time.get(f"{tile}?limit=1").json()["tiles"]
    assert most["scene_id"] == "scene_20180601"
    assert len(through_time.get(f"{tile}?min_overlap=0.9").json()["tiles"]) == 1
    assert through_time.get(f"{tile}?sensor=naip").json()["matched"] == 2
    assert "no sensor 'rgb' in the index" in through_time.get(f"{tile}?sensor=rgb").json()["error"]["message"]
    assert through_time.get(f"{tile}?min_overlap=2").status_code == 422


def test_a_picture_without_a_place_has_no_other_dates(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (10, 90, 30)).save(tmp_path / "picture.png")
    swath.index(str(tmp_path / "picture.png"), into=tmp_path / "index")
    with TestClient(create_app(tmp_path / "index")) as client:
        tile = f"/v1/tiles/{ids(tmp_path / 'index')[0]}"
        assert "no place on the globe" in client.get(f"{tile}/series").json()["error"]["message"]
        with rasterio.MemoryFile(client.get(f"{tile}/pixels.tif").content) as memory, memory.open() as file:
            assert (file.crs, file.shape) == (None, (64, 64))
        assert client.get(f"{tile}/image.png").headers["x-swath-pixels"] == "original"
