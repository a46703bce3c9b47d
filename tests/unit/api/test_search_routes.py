"""``/v1/search`` in all its ways in: JSON, address, pictures; pages, fields, links, marks, threads."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import rasterio
from fastapi.testclient import TestClient
from PIL import Image
from rasterio.transform import from_origin

from api import ServeConfig, create_app
from api._index_routes import IndexList, IndexView
from api._search_answers import SearchAnswer
from core import builtin_sensors
from indexer import Store, read_original
from tests.small_index import TINY, build_small_index
from tests.unit.api.many_tiles import COUNT, fill, made_up_tiles, opened

S2 = [band.name for band in builtin_sensors()["sentinel-2-l2a"].bands]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_index(tmp_path_factory.mktemp("search-routes") / "index")


@pytest.fixture(scope="module")
def client(index: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeConfig(indexes={"first": index, "second": index}))) as found:
        yield found


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("many") / "index", made_up_tiles())


@pytest.fixture(scope="module")
def pages(many: Path) -> Iterator[TestClient]:
    with TestClient(create_app(ServeConfig(indexes={"many": many}), opened=opened)) as found:
        yield found


def post(client: TestClient, body: dict[str, Any], status: int = 200, **query: str) -> Any:
    answer = client.post("/v1/search", json=body, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def ids(answer: Any) -> list[str]:
    return [hit["tile_id"] for hit in answer["hits"]]


def jpeg(colour: tuple[int, int, int] = (200, 60, 60)) -> bytes:
    out = BytesIO()
    Image.fromarray(np.full((64, 64, 3), colour, np.uint8)).save(out, "PNG")
    return out.getvalue()


def geotiff(path: Path, pixels: np.ndarray[Any, Any], names: list[str] | None) -> bytes:
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 4_900_000, 10, 10)}
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype.name, **place}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
        if names:
            dataset.descriptions = names
    return path.read_bytes()


def test_an_answer_is_what_its_schema_says(client: TestClient) -> None:
    answer = post(client, {"text": "a river", "k": 2})
    SearchAnswer.model_validate(answer, strict=True)
    first = answer["hits"][0]
    assert set(first) == set(SearchAnswer.model_fields["hits"].annotation.__args__[0].model_fields)  # type: ignore[union-attr]
    assert first["footprint"]["type"] == "Polygon"
    assert first["preview"] == first["links"]["preview"] == f"{first['links']['self']}/preview.webp"
    assert unquote(first["links"]["self"]) == f"/v1/tiles/{first['tile_id']}"
    assert client.get(first["links"]["preview"]).headers["content-type"] == "image/webp"


def test_previews_come_inline_when_asked_for(client: TestClient) -> None:
    answer = post(client, {"text": "a river", "k": 1}, previews="inline")
    assert answer["hits"][0]["preview"].startswith("data:image/webp;base64,")


def test_links_name_the_index_where_it_is_not_the_first(client: TestClient) -> None:
    assert post(client, {"text": "x", "k": 1, "index": "second"})["hits"][0]["links"]["self"].endswith("?index=second")
    assert "?" not in post(client, {"text": "x", "k": 1, "index": "first"})["hits"][0]["links"]["self"]
    assert "?" in post(client, {"text": "x", "k": 1}, index="second")["hits"][0]["links"]["self"]


def test_a_link_that_is_shared_gives_what_the_body_gives(client: TestClient) -> None:
    body = {
        "text": "a river", "k": 3, "bbox": [8.9, 44.1, 9.2, 44.4], "sensor": ["rgb"], "min_score": -0.9,
        "filter": {"op": ">", "args": [{"property": "valid"}, 0.5]}, "prompts": None, "expand": False,
    }  # fmt: skip
    query: dict[str, str | int | float] = {
        "q": "a river", "k": 3, "bbox": "8.9,44.1,9.2,44.4", "sensor": "rgb", "min_score": -0.9,
        "filter": '{"op": ">", "args": [{"property": "valid"}, 0.5]}', "prompts": "off", "expand": "false",
    }  # fmt: skip
    by_body, by_link = post(client, body), client.get("/v1/search", params=query).json()
    assert by_body["hits"] == by_link["hits"]
    assert by_body["query"] == by_link["query"]


def test_terms_and_marks_go_into_a_link_too(client: TestClient) -> None:
    first, second = ids(post(client, {"text": "a river", "k": 2}))
    body = {"query": [{"text": "a river"}, {"point": [9.0, 44.25], "weight": -0.5}], "plus": [first], "minus": [second]}
    query = {"query": json.dumps(body["query"]), "plus": first, "minus": second}
    by_link = client.get("/v1/search", params=query).json()
    assert by_link["hits"] == post(client, body)["hits"]
    assert second not in ids(by_link)


def test_what_was_asked_can_be_sent_again(client: TestClient) -> None:
    body = {
        "query": [{"text": "a river", "weight": 2}],
        "bbox": [8.9, 44.1, 9.2, 44.4],
        "near": [44.2, 9],
        "radius_km": 9,
    }
    answer = post(client, body | {"k": 2})
    assert answer["query"] == body | {"k": 2, "query": [{"text": "a river", "weight": 2.0}]}
    assert post(client, answer["query"])["hits"] == answer["hits"]


def test_only_the_fields_that_are_wanted_come(client: TestClient) -> None:
    wanted = post(client, {"text": "x", "k": 1, "fields": ["score", "centroid"]})["hits"][0]
    assert set(wanted) == {"rank", "tile_id", "score", "centroid"}
    rest = post(client, {"text": "x", "k": 1, "fields": ["-preview", "-links"]})["hits"][0]
    assert not {"preview", "links"} & set(rest)
    assert "footprint" in rest
    by_link = client.get("/v1/search", params={"text": "x", "k": 1, "fields": "score,centroid"}).json()["hits"][0]
    assert by_link == wanted
    assert "colour" in post(client, {"text": "x", "fields": ["colour"]}, 400)["error"]["message"]


def test_pages_put_together_are_the_whole(pages: TestClient) -> None:
    whole = post(pages, {"text": "red", "k": COUNT, "fields": ["score"]})
    found: list[dict[str, Any]] = []
    body: dict[str, Any] = {"text": "red", "k": 123, "fields": ["score"]}
    while True:
        page = post(pages, body)
        found += page["hits"]
        if page["next"] is None:
            break
        body["cursor"] = page["next"]
    assert found == whole["hits"]
    assert [hit["rank"] for hit in found] == list(range(1, COUNT + 1))
    assert whole["next"] is None


def test_the_last_page_ends_exactly_at_the_last_hit(pages: TestClient) -> None:
    first = post(pages, {"text": "red", "k": COUNT - 1})
    last = post(pages, {"text": "red", "k": 1, "cursor": first["next"]})
    assert (len(last["hits"]), last["next"]) == (1, None)


def test_pages_end_where_scores_fall_below_the_least(pages: TestClient) -> None:
    scores = [hit["score"] for hit in post(pages, {"text": "red", "k": 100})["hits"]]
    answer = post(pages, {"text": "red", "k": 50, "min_score": scores[49] + 1e-7})
    assert (len(answer["hits"]), answer["next"], answer["matched"]) == (49, None, COUNT)


def test_pages_stay_with_the_version_they_began_with(tmp_path: Path) -> None:
    path = fill(tmp_path / "index", made_up_tiles()[:20])
    with TestClient(create_app(ServeConfig(indexes={"a": path}), opened=opened)) as client:
        whole = ids(post(client, {"text": "red", "k": 20}))
        first = post(client, {"text": "red", "k": 5})
        fill(path, made_up_tiles()[10:12])  # the same scene with fewer tiles
        assert post(client, {"text": "red", "k": 20})["matched"] == 2
        rest = post(client, {"text": "red", "k": 15, "cursor": first["next"]})
        assert ids(first) + ids(rest) == whole


def test_a_version_that_is_gone_is_said_so(tmp_path: Path) -> None:
    from datetime import timedelta

    path = fill(tmp_path / "index", made_up_tiles()[:20])
    with TestClient(create_app(ServeConfig(indexes={"a": path}), opened=opened)) as client:
        first = post(client, {"text": "red", "k": 5})
        fill(path, made_up_tiles()[10:12])
        Store.open(path).compact(keep=timedelta(0))
        gone = post(client, {"text": "red", "k": 5, "cursor": first["next"]}, 410)
        assert gone["error"]["code"] == "cursor_gone"
        assert "start again at the first page" in gone["error"]["message"]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "A" * 28, "AQ" + "_" * 20])
def test_a_cursor_of_ones_own_is_refused(client: TestClient, cursor: str) -> None:
    assert "none of ours" in post(client, {"text": "x", "cursor": cursor}, 400)["error"]["message"]


def test_a_cursor_belongs_to_its_search(client: TestClient) -> None:
    cursor = post(client, {"text": "a river", "k": 1})["next"]
    assert post(client, {"text": "a river", "k": 3, "fields": ["score"], "cursor": cursor})["hits"][0]["rank"] == 2
    for other in ({"text": "a sea"}, {"text": "a river", "min_valid": 0.1}, {"text": "a river", "index": "second"}):
        assert "another search" in post(client, other | {"cursor": cursor}, 400)["error"]["message"]


def test_a_picture_alone_is_the_query_and_its_token_stands_for_it(client: TestClient) -> None:
    uploaded = client.post("/v1/search", files={"picture": ("a.png", jpeg())}, data={"request": '{"k": 2}'})
    assert uploaded.status_code == 200, uploaded.text
    answer = uploaded.json()
    token = answer["query"]["query"][0]["picture"]
    by_token = post(client, answer["query"])
    assert by_token["hits"] == answer["hits"]
    assert by_token["query"] == answer["query"]
    following = post(client, answer["query"] | {"cursor": answer["next"]})
    assert [hit["rank"] for hit in following["hits"]] == [3, 4]
    linked = client.get("/v1/search", params={"query": json.dumps([{"picture": token}]), "k": 2}).json()
    assert linked["hits"] == answer["hits"]


def test_pictures_are_terms_beside_words(client: TestClient) -> None:
    import base64

    terms = [{"text": "a river", "weight": 0.5}, {"picture": 1}, {"picture": 0, "weight": -0.5}]
    files = [("picture", ("a.png", jpeg())), ("picture", ("b.png", jpeg((0, 90, 0))))]
    answer = client.post("/v1/search", files=files, data={"request": json.dumps({"query": terms})}).json()
    uris = [f"data:image/png;base64,{base64.b64encode(content).decode()}" for _, (_, content) in files]
    inline = [terms[0], {"picture": uris[1]}, {"picture": uris[0], "weight": -0.5}]
    assert post(client, {"query": inline})["hits"] == answer["hits"]


def test_an_optical_geotiff_is_read_in_all_its_bands(client: TestClient, index: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(500, 3000, (len(S2), 96, 96)).astype("uint16")
    dark = pixels.copy()
    dark[S2.index("B08")] //= 4  # another near infrared, the same red, green and blue
    answers = []
    for number, bands in enumerate((pixels, dark)):
        content = geotiff(tmp_path / f"{number}.tif", bands, S2)
        answer = client.post("/v1/search", files={"picture": ("a.tif", content)})
        assert answer.status_code == 200, answer.text
        answers.append(answer.json())
    assert answers[0]["query"]["query"] != answers[1]["query"]["query"]
    assert answers[0]["hits"][0]["score"] != answers[1]["hits"][0]["score"]


def test_a_radar_geotiff_asks_for_its_sensor_and_takes_it(client: TestClient, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).uniform(0.01, 0.2, (2, 96, 96)).astype("float32")
    files = {"picture": ("a.tif", geotiff(tmp_path / "a.tif", pixels, ["VV", "VH"]))}
    undecided = client.post("/v1/search", files=files)
    assert undecided.status_code == 400
    assert "image_sensor, one of sentinel-1-grd/db" in undecided.json()["error"]["message"]
    assert str(tmp_path) not in undecided.text
    declared = client.post("/v1/search", files=files, data={"request": '{"image_sensor": "sentinel-1-rtc/linear"}'})
    assert declared.status_code == 200, declared.text
    assert len(declared.json()["hits"]) == TINY


def test_the_picture_of_a_tile_finds_the_tile(client: TestClient, index: Path, tmp_path: Path) -> None:
    import swath

    name = ids(post(client, {"text": "x", "k": 1}))[0]
    tile = read_original(swath.open(index).tile(name))
    content = geotiff(tmp_path / "a.tif", tile.pixels.astype("uint8"), None)
    request = {"request": json.dumps({"k": 1, "image_sensor": "rgb"})}
    answer = client.post("/v1/search", files={"picture": ("a.tif", content)}, data=request)
    assert answer.status_code == 200, answer.text
    assert ids(answer.json()) == [name]
    assert answer.json()["hits"][0]["score"] > 0.999


@pytest.mark.parametrize(
    ("request_part", "files", "status", "message"),
    [
        ('{"query": [{"picture": 1}]}', 1, 400, "names picture 1, but 1 were uploaded"),
        ('{"text": "x"}', 1, 400, "was uploaded, but no term"),
        ('{"query": [{"picture": -1}]}', 1, 400, "picture -1"),
        ("{", 1, 422, "not JSON"),
        ('{"k": 0}', 1, 422, "greater than or equal to 1"),
        ('{"image_sensor": "/etc/passwd"}', 1, 400, "is not known here"),
        ("{}", 0, 422, "nothing was sent"),
        ("{}", 21, 400, "files"),
    ],
)
def test_wrong_uploads_say_what_is_wrong(
    client: TestClient, request_part: str, files: int, status: int, message: str
) -> None:
    pictures = [("picture", ("a.png", jpeg())) for _ in range(files)]
    parts: list[Any] = [*pictures, ("request", (None, request_part))]
    answer = client.post("/v1/search", files=parts)
    assert answer.status_code == status, answer.text
    assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        ("nonsense", "token of an earlier answer"),
        ("vec1.AAAA", "damaged or was made for another encoder"),
        ("data:image/png;base64,%%%", "not base64"),
        ("data:text/html;base64,AAAA", "token of an earlier answer"),
        ("data:image/png;base64,aGVsbG8=", "not a JPEG, PNG, WebP or TIFF"),
        (3, "but 0 were uploaded"),
    ],
)
def test_wrong_pictures_say_what_is_wrong(client: TestClient, picture: Any, message: str) -> None:
    assert message in post(client, {"query": [{"picture": picture}]}, 400)["error"]["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"text": "x", "colour": "red"}, "colour"),
        ({"query": "{"}, "query"),
        ({"query": '[{"text": "a", "like": "b"}]'}, "query.0"),
        ({"text": "x", "bbox": "1,2"}, "bbox"),
        ({"text": "x", "bbox": "a,b,c,d"}, "bbox.0"),
        ({"text": "x", "bbox": "nan,1,2,3"}, "bbox.0"),
        ({"text": "x", "k": "many"}, "k"),
        ({"text": "x", "calibrated": "perhaps"}, "calibrated"),
        ({"text": "x", "previews": "none"}, "previews"),
    ],
)
def test_wrong_addresses_name_the_parameter(client: TestClient, query: dict[str, str], field: str) -> None:
    answer = client.get("/v1/search", params=query)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)


def test_another_content_type_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/search", content=b"text=x", headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 415


def test_large_answers_are_zipped_for_whom_it_may_concern(client: TestClient) -> None:
    body = {"text": "x", "k": 4}
    assert client.post("/v1/search", json=body).headers["content-encoding"] == "gzip"
    plain = client.post("/v1/search", json=body, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_thirty_two_threads_get_what_one_gets(client: TestClient, index: Path, tmp_path: Path) -> None:
    import swath

    content = geotiff(tmp_path / "a.tif", np.full((len(S2), 64, 64), 900, "uint16"), S2)
    texts = [f"{thing} number {number}" for number in range(12) for thing in ("a river", "a forest", "many ships")]

    def by_picture(_: int) -> Any:
        return client.post("/v1/search", files={"picture": ("a.tif", content)}).json()["hits"]

    with ThreadPoolExecutor(32) as pool:
        pictures = [pool.submit(by_picture, number) for number in range(8)]
        together = list(pool.map(lambda text: post(client, {"text": text, "k": TINY})["hits"], texts))
    alone = swath.open(index)  # no batches and nothing remembered
    for text, answer in zip(texts, together, strict=True):
        expected = [(hit.tile_id, pytest.approx(hit.score, abs=1e-6)) for hit in alone.search(text=text, k=TINY)]
        assert [(hit["tile_id"], hit["score"]) for hit in answer] == expected
    assert all(picture.result() == by_picture(0) for picture in pictures)


def test_indexes_are_described(client: TestClient) -> None:
    found = client.get("/v1/index").json()
    IndexView.model_validate(found, strict=True)
    assert (found["name"], found["tiles"], found["sensors"]) == ("first", TINY, {"rgb": TINY})
    assert found["renderings"]["rgb"]
    assert found["understands"] == ["text", "picture"]
    assert client.get("/v1/index", params={"index": "second"}).json()["name"] == "second"
    listed = client.get("/v1/indexes").json()
    IndexList.model_validate(listed, strict=True)
    assert [(entry["name"], entry["default"]) for entry in listed["indexes"]] == [("first", True), ("second", False)]
    assert client.get("/readyz").json()["status"] == "ready"


@pytest.mark.parametrize("where", ["query", "body", "link"])
def test_an_index_that_is_not_there_is_named(client: TestClient, where: str) -> None:
    if where == "link":
        answer = client.get("/v1/search", params={"text": "x", "index": "third"})
    else:
        body = {"text": "x", "index": "third"} if where == "body" else {"text": "x"}
        answer = client.post("/v1/search", json=body, params={"index": "third"} if where == "query" else {})
    assert answer.status_code == 400
    assert "this server holds first, second" in answer.json()["error"]["message"]


def test_the_description_holds_bodies_answers_and_examples(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    body = described["paths"]["/v1/search"]["post"]["requestBody"]["content"]
    assert {"application/json", "multipart/form-data"} == set(body)
    examples = [example["value"] for example in body["application/json"]["examples"].values()]
    assert len(examples) >= 2
    for example in examples:
        post(client, example | {"sensor": ["rgb"]})
    assert "$defs" not in json.dumps(body)
    answer = described["paths"]["/v1/search"]["post"]["responses"]
    assert answer["200"]["content"]["application/json"]["schema"]["$ref"].endswith("SearchAnswer")
    assert {"400", "404", "410", "422"} <= set(answer)
