"""STAC: what is found, in which order, on which page, and how a bad request is answered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pystac.validation
import pytest
import shapely
from fastapi.testclient import TestClient

from api import Limits, ServeConfig, create_app
from indexer import Store
from tests.offline_schemas import use_in_pystac
from tests.stac_archive import (
    COAST,
    EDGE,
    FIRST,
    HARBOURS,
    PICTURES,
    SENTENCE,
    TILES,
    build_stac_archive,
    coast_box,
)

ALL = sum(TILES.values())
Found = list[str]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_stac_archive(tmp_path_factory.mktemp("stac") / "archive")


@pytest.fixture(scope="module")
def client(archive: Path) -> Iterator[TestClient]:
    config = ServeConfig(indexes={"main": archive, "second one": archive}, limits=Limits(page=50, vertices=100))
    with TestClient(create_app(config)) as found:
        yield found


def search(client: TestClient, root: str = "/stac", **parameters: Any) -> dict[str, Any]:
    answer = client.get(f"{root}/search", params={"limit": 50, **parameters})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    found: dict[str, Any] = answer.json()
    return found


def post(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/stac/search", json={"limit": 50, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> Found:
    return [item["id"] for item in found["features"]]


def coast(*places: int) -> set[str]:
    return {f"{COAST}~scene~r0000c{place:04d}" for place in places}


def links(document: dict[str, Any]) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in document["links"]}


def test_a_box_finds_what_it_meets(client: TestClient) -> None:
    expected = coast(
        *(place for place in range(40) if coast_box(place).intersects(shapely.box(10.15, 43.9, 10.55, 44.25)))
    )
    assert 0 < len(expected) < 40
    assert set(ids(search(client, bbox="10.15,43.9,10.55,44.25"))) == expected
    assert set(ids(post(client, bbox=[10.15, 43.9, 10.55, 44.25]))) == expected
    assert set(ids(post(client, bbox=[10.15, 43.9, -100, 10.55, 44.25, 9000]))) == expected


def test_a_box_may_cross_the_antimeridian(client: TestClient) -> None:
    assert {item["collection"] for item in search(client, bbox="179,-90,-179,90")["features"]} == {EDGE}
    assert search(client, bbox="179,-90,-179,90")["numberMatched"] == TILES[EDGE]


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ({"type": "Point", "coordinates": [10.05, 44.05]}, coast(0)),
        ({"type": "LineString", "coordinates": [[10.05, 44.05], [10.25, 44.05]]}, coast(0, 1)),
        ({"type": "Polygon", "coordinates": [[[10, 44], [10.3, 44], [10, 44.3], [10, 44]]]}, coast(0, 1, 10)),
        (
            {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Point", "coordinates": [10.05, 44.05]},
                    {"type": "Polygon", "coordinates": [[[10.2, 44.2], [10.3, 44.2], [10.2, 44.3], [10.2, 44.2]]]},
                ],
            },
            coast(0, 11),
        ),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_any_geometry_finds_what_it_meets(client: TestClient, geometry: dict[str, Any], expected: set[str]) -> None:
    assert set(ids(post(client, intersects=geometry))) == expected
    assert set(ids(search(client, intersects=json.dumps(geometry)))) == expected


def test_dates_ids_and_collections_filter(client: TestClient) -> None:
    assert set(ids(search(client, datetime="2021-04-09T00:00:00Z/2021-04-10T23:59:59Z", collections=COAST))) == coast(
        1, 2
    )
    assert set(ids(search(client, ids=",".join(coast(3, 5))))) == coast(3, 5)
    assert search(client, ids=f"{HARBOURS[0]},none", collections=EDGE)["numberMatched"] == 0
    assert search(client, collections=f"{EDGE},{PICTURES}")["numberMatched"] == TILES[EDGE] + TILES[PICTURES]
    assert search(client, collections="unheard-of")["features"] == []


FILTERS: tuple[tuple[str, dict[str, Any], set[int]], ...] = (
    ("eo:cloud_cover <= 7", {"op": "<=", "args": [{"property": "eo:cloud_cover"}, 7]}, set(range(8))),
    ("eo:cloud_cover BETWEEN 7 AND 9", {"op": "between", "args": [{"property": "eo:cloud_cover"}, 7, 9]}, {7, 8, 9}),
    ("eo:cloud_cover IN (7, 29)", {"op": "in", "args": [{"property": "eo:cloud_cover"}, [7, 29]]}, {7, 29}),
    (
        "eo:cloud_cover + 1 > 39",
        {"op": ">", "args": [{"op": "+", "args": [{"property": "eo:cloud_cover"}, 1]}, 39]},
        {39},
    ),
    (
        "properties.gsd = 10 AND swath:sensor = 'sentinel-2-l2a' AND id LIKE 'coast%c0003'",
        {"op": "like", "args": [{"property": "id"}, "coast%c0003"]},
        {3},
    ),
    (
        "S_INTERSECTS(geometry, POINT(10.05 44.05))",
        {"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [10.05, 44.05]}]},
        {0},
    ),
)


@pytest.mark.parametrize(("text", "tree", "expected"), FILTERS, ids=[text for text, _, _ in FILTERS])
def test_filters_in_both_languages(client: TestClient, text: str, tree: dict[str, Any], expected: set[int]) -> None:
    assert set(ids(search(client, filter=text))) == coast(*expected)
    assert set(ids(search(client, filter=json.dumps(tree), **{"filter-lang": "cql2-json"}))) == coast(*expected)
    assert set(ids(post(client, filter=tree))) == coast(*expected)
    assert set(ids(post(client, filter=text, **{"filter-lang": "cql2-text"}))) == coast(*expected)


def test_unknown_cloud_is_null_and_not_zero(client: TestClient) -> None:
    assert search(client, filter="eo:cloud_cover IS NULL")["numberMatched"] == ALL - TILES[COAST]
    assert search(client, filter="eo:cloud_cover >= 0")["numberMatched"] == TILES[COAST]


def test_newest_first_unless_another_order_is_asked_for(client: TestClient) -> None:
    dates = [item["properties"]["datetime"] for item in search(client)["features"]]
    known = [date for date in dates if date]
    assert known == sorted(known, reverse=True)
    assert dates[: len(known)] == known
    assert ids(search(client, sortby="id", collections=COAST)) == sorted(coast(*range(40)))
    assert ids(search(client, sortby="-properties.eo:cloud_cover,id", limit=2)) == sorted(coast(38, 39), reverse=True)
    assert ids(post(client, sortby=[{"field": "eo:cloud_cover", "direction": "asc"}], limit=2)) == sorted(coast(0, 1))


def pages(client: TestClient, method: str, limit: int, **asked: Any) -> Iterator[dict[str, Any]]:
    """Every page, by the links alone."""
    link: dict[str, Any] | None = {"href": "/stac/search", "method": method, "body": {"limit": limit, **asked}}
    if method == "GET":
        link = {
            "href": "/stac/search?"
            + "&".join(f"{name}={quote(str(value))}" for name, value in (link or {})["body"].items())
        }
    while link:
        answer = client.request(link.get("method", "GET"), link["href"], json=link.get("body"))
        assert answer.status_code == 200, answer.text
        yield answer.json()
        link = next((each for each in answer.json()["links"] if each["rel"] == "next"), None)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("limit", [1, 7, 20, 30])
@pytest.mark.parametrize("asked", [{}, {"q": SENTENCE}, {"filter": "eo:cloud_cover > 5", "filter-lang": "cql2-text"}])
def test_pages_hold_every_item_once(client: TestClient, method: str, limit: int, asked: dict[str, str]) -> None:
    if limit == 1 and asked:
        pytest.skip("sixty searches say no more than nine")
    found = list(pages(client, method, limit, **asked))
    whole = search(client, limit=50, **asked)
    everything = [each for page in found for each in ids(page)]
    assert len(everything) == len(set(everything)) == whole["numberMatched"]
    assert everything[:50] == ids(whole)
    assert all(page["numberReturned"] == limit for page in found[:-1])


def test_pages_of_one_search_fit_together_while_the_index_changes(archive: Path, tmp_path: Path) -> None:
    path = build_stac_archive(tmp_path / "changing")
    with TestClient(create_app(path)) as client:
        for asked in ({}, {"q": SENTENCE}):
            following = pages(client, "GET", 11, **asked)
            first = ids(next(following))
            Store.open(path).remove(collection=EDGE if not asked else PICTURES)
            rest = [each for page in following for each in ids(page)]
            gone = TILES[EDGE] if asked else 0
            assert len(set(first + rest)) == len(first + rest) == ALL - gone


@pytest.mark.parametrize("root", ["/stac", "/stac/i/main"])
def test_words_rank_and_leave_nothing_out(client: TestClient, root: str) -> None:
    found = search(client, root, q=SENTENCE, limit=5)
    assert set(ids(found)[:2]) == set(HARBOURS)
    assert found["numberMatched"] == ALL
    scores = [item["properties"]["swath:score"] for item in found["features"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.99
    assert [item["properties"]["swath:rank"] for item in found["features"]] == [1, 2, 3, 4, 5]


def test_words_come_as_text_or_list_in_body_or_address(client: TestClient) -> None:
    expected = ids(search(client, q=SENTENCE, limit=5))
    assert ids(post(client, q=SENTENCE, limit=5)) == expected
    assert ids(post(client, q=[SENTENCE], limit=5)) == expected
    by_address = client.post(f"/stac/search?q={quote(SENTENCE)}", json={"limit": 5})
    assert ids(by_address.json()) == expected


def test_a_sentence_is_not_cut_at_its_commas(client: TestClient) -> None:
    whole = search(client, q="ships, boats and a pier", limit=50)
    parts = post(client, q=["ships", "boats and a pier"], limit=50)
    assert ids(whole) == ids(parts)


def test_filters_come_before_ranking(client: TestClient) -> None:
    found = search(client, q=SENTENCE, collections=EDGE, filter="id <> 'edge~scene~r0000c0000'", limit=3)
    assert len(found["features"]) == 3
    assert found["numberMatched"] == TILES[EDGE] - 1


def test_items_link_to_those_like_them(client: TestClient) -> None:
    item = search(client, ids=HARBOURS[0])["features"][0]
    similar = client.get(links(item)["similar"]).json()
    assert ids(similar)[0] == HARBOURS[1]
    assert HARBOURS[0] not in ids(search(client, like=HARBOURS[0]))
    assert ids(post(client, like=HARBOURS[0], limit=1)) == [HARBOURS[1]]


@pytest.mark.parametrize("text", [SENTENCE, "50% / half, of it: #1?", "Häfen", "q", "a/b"])
def test_every_text_has_a_whole_root_of_its_own(client: TestClient, text: str) -> None:
    root = f"/stac/q/{quote(text, safe='')}"
    landing = client.get(f"{root}/").json()
    assert links(landing)["self"] == links(landing)["root"] == f"http://testserver{root}"
    assert all(link["href"].startswith(f"http://testserver{root}") for link in landing["links"])
    found = client.get(links(landing)["search"], params={"limit": 50}).json()
    assert ids(found) == ids(search(client, q=text))
    collection = client.get(links(landing)["data"]).json()["collections"][0]
    items = client.get(links(collection)["items"]).json()
    assert "swath:score" in items["features"][0]["properties"]
    assert client.get(links(items["features"][0])["self"]).json()["id"] == items["features"][0]["id"]


def test_each_index_has_a_root(client: TestClient) -> None:
    landing = client.get("/stac/i/second%20one").json()
    item = client.get(links(landing)["search"]).json()["features"][0]
    assert links(item)["self"].startswith("http://testserver/stac/i/second%20one/collections/")
    assert item["assets"]["thumbnail"]["href"].endswith("preview.webp?index=second%20one")
    assert client.get(item["assets"]["thumbnail"]["href"]).status_code == 200
    assert client.get("/stac/i/none").status_code == 404
    assert client.get("/stac/i/second%20one/q/ships/search").json()["numberMatched"] == ALL


@pytest.mark.parametrize("collection", TILES)
def test_every_item_collection_and_catalog_is_valid(client: TestClient, collection: str) -> None:
    use_in_pystac()
    pystac.validation.validate_dict(client.get("/stac").json())
    document = client.get(f"/stac/collections/{collection}").json()
    pystac.validation.validate_dict(document)
    items = client.get(f"/stac/collections/{collection}/items", params={"limit": 50}).json()["features"]
    assert len(items) == TILES[collection]
    for item in items:
        pystac.validation.validate_dict(item)
        assert client.get(links(item)["self"]).json() == item


def test_the_encoder_is_a_valid_model_item(client: TestClient) -> None:
    use_in_pystac()
    found = client.get(links(client.get(f"/stac/collections/{COAST}").json())["emb:model"]).json()
    pystac.validation.validate_dict(found)
    assert found["properties"]["mlm:name"] == "swath-mini"
    assert found["properties"]["mlm:output"][0]["result"]["shape"] == [-1, 384]


def test_collections_say_what_they_hold(client: TestClient) -> None:
    found = {each["id"]: each for each in client.get("/stac/collections").json()["collections"]}
    assert list(found) == sorted(TILES)
    assert found[COAST]["extent"]["spatial"]["bbox"] == [pytest.approx([10, 44, 11.9, 44.7])]
    assert found[COAST]["extent"]["temporal"]["interval"] == [["2021-04-08T04:39:23Z", "2021-05-17T04:39:23Z"]]
    assert found[COAST]["summaries"]["swath:sensor"] == ["sentinel-2-l2a"]
    assert len(found[COAST]["summaries"]["bands"]) == 12
    west, _, east, _ = found[EDGE]["extent"]["spatial"]["bbox"][0]
    assert (west, east) == (pytest.approx(179.9), pytest.approx(-179.9))
    assert found[PICTURES]["extent"]["temporal"]["interval"] == [[None, None]]
    embeddings = {name: found[COAST][name] for name in ("emb:type", "emb:dimensions", "data_type")}
    assert embeddings == {"emb:type": "chip", "emb:dimensions": 384, "data_type": "float16"}
    assert {"emb:model", "emb:source-data"} <= set(links(found[COAST]))


def test_items_without_place_or_date_say_so_as_stac_asks(client: TestClient) -> None:
    item = search(client, collections=PICTURES, limit=1)["features"][0]
    assert item["geometry"] is None
    assert "bbox" not in item
    assert item["properties"]["datetime"] is None
    assert item["properties"]["start_datetime"] < item["properties"]["end_datetime"]
    assert "data" not in item["assets"]


def test_assets_are_what_clients_can_open(client: TestClient) -> None:
    local = search(client, ids=HARBOURS[0])["features"][0]["assets"]
    assert local["data"]["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert local["data"]["href"] == f"http://testserver/v1/tiles/{quote(HARBOURS[0])}/pixels.tif"
    assert client.get(local["thumbnail"]["href"]).headers["content-type"] == "image/webp"
    assert "/data/" not in json.dumps(search(client)["features"])
    remote = search(client, collections=EDGE, sortby="id", limit=1)["features"][0]["assets"]
    assert remote["scene"] == {
        "href": "https://example.org/edge/0.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": "The whole scene",
        "roles": ["data"],
    }


@pytest.mark.parametrize(
    ("include", "exclude", "kept"),
    [
        (["id"], [], {"id": {}, "type": {}}),
        (["properties.gsd"], [], {"id": {}, "type": {}, "properties": {"gsd"}}),
        (["gsd", "properties.datetime"], [], {"id": {}, "type": {}, "properties": {"gsd", "datetime"}}),
        (["properties", "geometry"], ["properties"], {"id": {}, "type": {}, "geometry": {}, "properties": None}),
        (["assets.data.href"], [], {"id": {}, "type": {}, "assets": {"data"}}),
    ],
)
def test_only_the_fields_asked_for_are_sent(
    client: TestClient, include: list[str], exclude: list[str], kept: dict[str, Any]
) -> None:
    item = post(client, collections=[COAST], limit=1, fields={"include": include, "exclude": exclude})["features"][0]
    asked = ",".join([*include, *(f"-{name}" for name in exclude)])
    assert search(client, collections=COAST, limit=1, fields=asked)["features"][0] == item
    assert set(item) == set(kept)
    for name, inner in kept.items():
        assert not inner or set(item[name]) == inner


def test_unwanted_fields_are_left_out(client: TestClient) -> None:
    item = search(client, collections=COAST, limit=1, fields="-geometry,-properties.gsd,-assets,-id")["features"][0]
    assert "geometry" not in item
    assert "assets" not in item
    assert "gsd" not in item["properties"]
    assert item["properties"]["datetime"]
    assert item["id"]


@pytest.mark.parametrize(
    "query",
    [
        "bbox=0,10,1,5",
        "bbox=nan,0,1,1",
        "bbox=0,0,inf,1",
        "bbox=0,0,1",
        "bbox=0,0,9,1,1,5",
        "bbox=a,b,c,d",
        "bbox=0,0,1,1&intersects=%7B%22type%22%3A%22Point%22%2C%22coordinates%22%3A%5B0%2C0%5D%7D",
        "intersects=nonsense",
        "intersects=%5B%5D",
        "intersects=%7B%22type%22%3A%22Point%22%2C%22coordinates%22%3A%5BNaN%2C0%5D%7D",
        "intersects=%7B%22type%22%3A%22Point%22%7D",
        "datetime=2021-04-08",
        "datetime=../..",
        "datetime=2022-01-01T00:00:00Z/2021-01-01T00:00:00Z",
        "limit=0",
        "limit=-1",
        "limit=many",
        "sortby=nothing",
        "sortby=geometry",
        "q=ships&sortby=id",
        "q=",
        "q=ships&like=coast~scene~r0000c0007",
        "filter=nothing%20%3D%201",
        "filter=((",
        "filter=gsd%20%3D%201&filter-lang=cql2-json",
        "filter=gsd%20%3D%201&filter-lang=sql",
        "filter=gsd%20%3D%201&filter-crs=EPSG:3857",
        "token=nonsense",
        "token=WzEsIDIsICJ4Il0",
    ],
)
def test_what_cannot_be_answered_is_400_in_our_shape(client: TestClient, query: str) -> None:
    answer = client.get(f"/stac/search?{query}")
    assert answer.status_code == 400, answer.text[:300]
    assert set(answer.json()["error"]) == {"code", "message", "field"}
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/stac/collections/none", "http_error"),
        ("/stac/collections/none/items", "http_error"),
        (f"/stac/collections/{COAST}/items/none", "tile_not_found"),
        (f"/stac/collections/{EDGE}/items/{HARBOURS[0]}", "tile_not_found"),
        ("/stac/search?like=none", "tile_not_found"),
        ("/stac/nothing/here", "http_error"),
    ],
)
def test_what_is_not_there_is_404_in_our_shape(client: TestClient, path: str, code: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


@pytest.mark.parametrize(
    "body",
    [
        {"bbox": [0, 10, 1, 5]},
        {"bbox": [0, 0, 1, 1], "intersects": {"type": "Point", "coordinates": [0, 0]}},
        {"colour": "red"},
        {"fields": None},
        {"sortby": [{"field": "id", "direction": "up"}]},
        {"filter": "gsd = 10"},
        {"intersects": {"type": "MultiPoint", "coordinates": [[0, 0]] * 101}},
        {"intersects": {"type": "GeometryCollection", "geometries": []}},
        {"q": [" "]},
    ],
)
def test_bad_bodies_are_400_in_our_shape(client: TestClient, body: dict[str, Any]) -> None:
    if body.get("filter"):
        body = body | {"filter-lang": "cql2-json"}
    answer = client.post("/stac/search", json=body)
    assert answer.status_code == 400, answer.text[:300]
    assert set(answer.json()["error"]) == {"code", "message", "field"}


def test_not_a_number_in_a_body_is_refused(client: TestClient) -> None:
    for body in ('{"bbox": [NaN, 0, 1, 1]}', '{"intersects": {"type": "Point", "coordinates": [NaN, 0]}}'):
        answer = client.post("/stac/search", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400, body


def test_large_areas_are_counted_before_they_are_built(client: TestClient) -> None:
    ring = [[10 + number * 1e-6, 44] for number in range(60)]
    allowed = {"type": "Polygon", "coordinates": [[*ring, [10, 45], ring[0]]]}
    assert client.post("/stac/search", json={"intersects": allowed}).status_code == 200
    large = {"type": "Polygon", "coordinates": [[*ring, *ring, ring[0]]]}
    answer = client.post("/stac/search", json={"intersects": large})
    assert (answer.status_code, "100 vertices" in answer.json()["error"]["message"]) == (400, True)


def test_a_token_is_good_for_its_own_search_only(client: TestClient) -> None:
    token = links(search(client, limit=5))["next"].partition("token=")[2]
    assert client.get("/stac/search", params={"token": token, "q": SENTENCE}).status_code == 400


def test_pages_are_no_larger_than_the_server_allows(client: TestClient) -> None:
    assert len(search(client, limit=1_000_000)["features"]) == 50


def test_queryables_name_what_filters_understand(client: TestClient) -> None:
    whole = client.get("/stac/queryables")
    assert whole.headers["content-type"] == "application/schema+json"
    assert whole.json()["$id"] == "http://testserver/stac/queryables"
    for name in whole.json()["properties"]:
        client_filter = "geometry IS NULL" if name == "geometry" else f'"{name}" IS NULL'
        assert client.get("/stac/search", params={"filter": client_filter}).status_code == 200, name
    own = client.get(f"/stac/collections/{PICTURES}/queryables").json()
    assert own["properties"]["swath:sensor"]["enum"] == ["rgb"]


def test_the_service_describes_itself(client: TestClient) -> None:
    landing = client.get("/stac").json()
    assert client.get("/stac/conformance").json()["conformsTo"] == landing["conformsTo"]
    description = client.get(links(landing)["service-desc"])
    assert description.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    assert "/search" in description.json()["paths"]
    assert "/stac/search" in client.get(links(landing)["service-doc"]).text
    assert FIRST.isoformat()[:10] in json.dumps(client.get("/stac/collections").json())


def test_pystac_client_recognises_what_is_offered(client: TestClient) -> None:
    from pystac_client.conformance import ConformanceClasses

    offered = client.get("/stac/conformance").json()["conformsTo"]
    for wanted in ("CORE", "COLLECTIONS", "FEATURES", "ITEM_SEARCH", "FILTER", "SORT", "FIELDS"):
        assert any(ConformanceClasses[wanted].pattern.match(each) for each in offered), wanted


@pytest.mark.parametrize("index", ["main", "second one"])
def test_hits_of_the_retrieval_api_link_to_their_items(client: TestClient, index: str) -> None:
    hit = client.get("/v1/search", params={"text": SENTENCE, "k": 1, "index": index}).json()["hits"][0]
    item = client.get(hit["links"]["item"])
    assert (item.status_code, item.json()["id"]) == (200, hit["tile_id"])
