"""Hits carried away as files: readable by others, equal to the search, streamed."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import pyarrow.parquet as pq
import pystac
import pystac.validation
import pytest
import shapely
from fastapi.testclient import TestClient
from shapely.geometry import shape

from api import create_app
from api._export_writers import CHUNK, Export, csv_file, geojson_file, geoparquet_file, stac_file
from api._search_answers import TileWriter
from api._search_links import Links
from core import StoreError
from retriever import SearchRequest
from tests.unit.api.many_tiles import COUNT, EVIL, fill, made_up_tiles, opened
from tests.unit.retriever.tables import DIM

TILES = {tile["tile_id"]: tile for tile in made_up_tiles()}
MEDIA = {
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8; header=present",
    "geoparquet": "application/vnd.apache.parquet",
    "stac": "application/geo+json",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("export") / "index", list(TILES.values()))


@pytest.fixture(scope="module")
def client(index: Path) -> Iterator[TestClient]:
    with TestClient(create_app(index, opened=opened)) as found:
        yield found


@pytest.fixture(scope="module")
def hits(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.post("/v1/search", json={"text": "red", "k": COUNT}).json()["hits"]
    return found


def exported(client: TestClient, kind: str, **body: Any) -> bytes:
    answer = client.post(f"/v1/export?format={kind}", json={"text": "red", "k": COUNT} | body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA[kind]
    return answer.content


def test_geojson_holds_the_hits_of_the_search(client: TestClient, hits: list[dict[str, Any]]) -> None:
    document = json.loads(exported(client, "geojson"))
    assert (document["type"], document["matched"], document["returned"]) == ("FeatureCollection", COUNT, COUNT)
    assert document["query"]["text"] == "red"
    for feature, hit in zip(document["features"], hits, strict=True):
        assert feature["id"] == hit["tile_id"]
        assert feature["geometry"] == hit["footprint"]
        assert feature.get("bbox") == hit["bbox"]
        here = {"preview", "links"}
        assert {name: value for name, value in feature["properties"].items() if name not in here} == {
            name: value for name, value in hit.items() if name not in {*here, "footprint"}
        }
        assert feature["properties"]["links"]["self"].startswith("http://testserver/v1/tiles/c~s~")
    rings = [shapely.get_parts(shape(each["geometry"])) for each in document["features"] if each["geometry"]]
    assert all(part.exterior.is_ccw for parts in rings for part in parts)


def test_geopandas_reads_the_geojson(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "hits.geojson"
    path.write_bytes(exported(client, "geojson", fields=["tile_id", "score", "label"]))
    frame = geopandas.read_file(path)
    assert len(frame) == COUNT
    assert set(frame.columns) == {"id", "rank", "tile_id", "score", "label", "geometry"}
    assert set(frame["label"].dropna()) == {"forest", EVIL}


def test_csv_has_a_line_a_hit(client: TestClient, hits: list[dict[str, Any]]) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(client, "csv").decode("utf-8"), newline="")))
    assert [row["tile_id"] for row in rows] == [hit["tile_id"] for hit in hits]
    assert [float(row["score"]) for row in rows] == [hit["score"] for hit in hits]
    assert {row["label"] for row in rows} == {"", "forest", f"'{EVIL}"}
    assert rows[0]["preview_href"] == f"http://testserver{hits[0]['preview']}"
    assert rows[0]["tile_href"] == f"http://testserver{hits[0]['links']['self']}"


def test_geopandas_reads_the_geoparquet(client: TestClient, hits: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    path.write_bytes(exported(client, "geoparquet"))
    frame = geopandas.read_parquet(path)
    assert frame["tile_id"].tolist() == [hit["tile_id"] for hit in hits]
    assert frame["score"].tolist() == [hit["score"] for hit in hits]
    assert frame.crs == "EPSG:4326"
    for outline, hit in zip(frame.geometry, hits, strict=True):
        tile = TILES[hit["tile_id"]]
        assert (outline is None) == (tile["footprint"] is None)
        assert outline is None or outline.equals(shapely.from_wkb(tile["footprint"]))
    assert json.loads(pq.read_schema(path).metadata[b"geo"])["version"] == "1.1.0"
    assert "preview" not in frame
    assert frame["preview_href"][0].startswith("http://testserver/v1/tiles/")


def test_previews_come_along_where_they_are_asked_for(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    path.write_bytes(client.get("/v1/export?format=geoparquet&q=red&k=5&previews=inline").content)
    assert [picture[8:12] for picture in geopandas.read_parquet(path)["preview"]] == [b"WEBP"] * 5
    document = client.get("/v1/export?format=geojson&q=red&k=5&previews=inline").json()
    assert document["features"][0]["properties"]["preview"].startswith("data:image/webp;base64,")


def test_pystac_accepts_every_item(client: TestClient, hits: list[dict[str, Any]]) -> None:
    document = json.loads(exported(client, "stac"))
    assert (document["numberMatched"], document["numberReturned"]) == (COUNT, COUNT)
    collection = pystac.ItemCollection.from_dict(document)
    assert [item.id for item in collection] == [hit["tile_id"] for hit in hits]
    for item, feature in list(zip(collection, document["features"], strict=True))[:: COUNT // 20]:
        assert item.get_self_href() == f"http://testserver/stac/collections/c/items/{item.id}"
        assert client.get(str(item.get_self_href())).json()["assets"] == feature["assets"]
        # The core alone: the schemas of extensions are not on this machine.
        pystac.validation.validate_dict(feature | {"stac_extensions": []})


@pytest.mark.parametrize("kind", MEDIA)
def test_an_address_gives_the_same_file_with_a_name(client: TestClient, kind: str) -> None:
    answer = client.get(f"/v1/export?format={kind}&q=Red%20roofs%2C%20../%22etc%22&k=3&max_cloud=40")
    endings = {"geojson": "geojson", "csv": "csv", "geoparquet": "parquet", "stac": "stac.json"}
    assert answer.headers["content-disposition"] == f'attachment; filename="swath-red-roofs-etc.{endings[kind]}"'
    if kind != "geoparquet":
        body = {"text": 'Red roofs, ../"etc"', "k": 3, "max_cloud": 40}
        assert answer.content == client.post(f"/v1/export?format={kind}", json=body).content


def test_names_of_files_fall_back_to_tiles(client: TestClient) -> None:
    for body in ({"like": "c~s~0001"}, {"text": "林"}):
        answer = client.post("/v1/export?format=csv", json=body)
        assert answer.headers["content-disposition"] == 'attachment; filename="swath-tiles.csv"'
    words = {"query": [{"text": "red"}, {"text": "blue", "weight": -0.5}]}
    assert "swath-red-blue.csv" in client.post("/v1/export?format=csv", json=words).headers["content-disposition"]


@pytest.mark.parametrize("kind", MEDIA)
def test_no_hits_are_a_file_too(client: TestClient, kind: str, tmp_path: Path) -> None:
    content = exported(client, kind, filter="cloud > 2")
    if kind == "geoparquet":
        (tmp_path / "none.parquet").write_bytes(content)
        assert len(geopandas.read_parquet(tmp_path / "none.parquet")) == 0
    elif kind == "csv":
        assert content.decode().count("\n") == 1
    else:
        assert json.loads(content)["features"] == []


@pytest.mark.parametrize("kind", MEDIA)
@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, "nothing to search for"),
        ({"text": "red", "k": 10_001}, 422, "k"),
        ({"like": "nope"}, 404, "no tile 'nope'"),
        ({"text": "red", "filter": "nope = 1"}, 400, "unknown column"),
        ({"text": "red", "cursor": "x"}, 400, "an export has no pages"),
        ({"text": "red", "fields": ["colour"]}, 400, "fields"),
        ({"text": "red", "index": "nope"}, 400, "no index 'nope' here"),
    ],
)
def test_errors_come_before_the_file(
    client: TestClient, kind: str, body: dict[str, Any], status: int, says: str
) -> None:
    answer = client.post(f"/v1/export?format={kind}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert says in json.dumps(answer.json())
    assert "content-disposition" not in answer.headers


def test_a_format_that_there_is_not_is_refused(client: TestClient) -> None:
    for answer in (client.get("/v1/export?q=red&format=kml"), client.post("/v1/export", json={"text": "red"})):
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "format")


@pytest.mark.parametrize("write", [geojson_file, csv_file, stac_file, geoparquet_file])
def test_files_are_made_piece_by_piece(index: Path, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api._export_writers.ROW_GROUP", CHUNK)
    service = opened("x", index)
    found = service.searcher.find(SearchRequest.build(vector=[1.0] * DIM, k=COUNT))
    read: list[int] = []

    class Watched:
        def __init__(self, rows: Any) -> None:
            self._rows = rows

        def take(self, row_ids: Any, columns: Any) -> Any:
            read.append(len(row_ids))
            return self._rows.take(row_ids, columns)

    object.__setattr__(found, "rows", Watched(found.rows))
    pieces = write(Export(service=service, found=found, query={}, writer=TileWriter(links=Links(root="http://x"))))
    next(pieces)
    assert read == [CHUNK]
    list(pieces)
    assert read == [CHUNK, COUNT - CHUNK]


def test_an_index_that_breaks_before_the_first_piece_is_an_error(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr("indexer.Snapshot.take", broken)
    answer = client.get("/v1/export?format=geojson&q=red&k=5")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")


def test_an_index_that_breaks_later_breaks_the_file_off(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from indexer import Snapshot

    take, calls = Snapshot.take, []

    def breaking(self: Snapshot, *given: Any) -> Any:
        calls.append(1)
        if len(calls) > 1:
            raise StoreError("the disk is gone")
        return take(self, *given)

    monkeypatch.setattr(Snapshot, "take", breaking)
    # A server then closes the connection, and the client knows that the file is not whole.
    with pytest.raises(RuntimeError, match="response already started"):
        client.get(f"/v1/export?format=geojson&q=red&k={COUNT}")
