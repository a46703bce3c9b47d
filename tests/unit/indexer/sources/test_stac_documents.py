from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from core import BadScene, BBox, Scene, Settings, SourceError
from indexer._hosts import check_host
from indexer.sources import SourceOptions, open_source
from tests.unit.indexer.sources.samples import (
    Answer,
    band_asset,
    catalog,
    found,
    item,
    only_bad,
    scenes,
    served,
    write_json,
)

LOCAL = Settings(allowed_hosts=("127.0.0.1",))
HERE: BBox = (-3.5, 39.5, -2.5, 40.5)
ELSEWHERE: BBox = (10.0, 10.0, 11.0, 11.0)
ACROSS: BBox = (170.0, 39.0, -2.95, 41.0)


def entry(name: str, href: str = "a.tif", **properties: Any) -> dict[str, Any]:
    return dict(item(name, {"B04": band_asset(href, "B04")}, **properties))


def body(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.fixture(autouse=True)
def raster(tmp_path: Path) -> Path:
    path = tmp_path / "a.tif"
    path.write_bytes(b"never opened, the items say it all")
    return path


def ids(text: str | Path, **options: Any) -> list[str]:
    return [scene.scene_id for scene in scenes(text, **options)]


def test_follows_catalogs_in_order_and_each_document_once(tmp_path: Path, raster: Path) -> None:
    for name in ("one", "two", "three"):
        write_json(tmp_path / "items" / f"{name}.json", entry(name, str(raster)))
    child = catalog("child", [("item", "../items/two.json"), ("child", "../catalog.json"), ("child", "./catalog.json")])
    write_json(tmp_path / "child" / "catalog.json", child)
    again = ("item", "./items/one.json")
    links = [again, ("child", "./child/catalog.json"), ("item", "./items/three.json"), again, ("self", "/else.json")]
    write_json(tmp_path / "catalog.json", catalog("root", links))
    assert ids(tmp_path) == ["one", "three", "two"]


def test_follows_a_catalog_deeper_than_python_recurses(tmp_path: Path, raster: Path) -> None:
    for level in range(1200):
        write_json(tmp_path / f"{level}.json", catalog(str(level), [("child", f"{level + 1}.json")]))
    write_json(tmp_path / "1200.json", catalog("last", [("item", "item.json")]))
    write_json(tmp_path / "item.json", entry("deep", str(raster)))
    assert ids(tmp_path / "0.json") == ["deep"]


def test_a_collection_names_its_items(tmp_path: Path, raster: Path) -> None:
    lone = entry("a", str(raster), **{"s2:product_type": "S2MSI2A"})
    del lone["collection"]
    write_json(tmp_path / "a.json", lone)
    collection = catalog("My Collection", [("item", "a.json")]) | {"type": "Collection", "license": "other"}
    collection["extent"] = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    assert scenes(write_json(tmp_path / "collection.json", collection))[0].collection == "My_Collection"


def test_two_items_of_one_id_are_reported(tmp_path: Path) -> None:
    features = [entry("a"), entry("a"), entry("a") | {"collection": "sentinel-2-c1-l2a"}]
    path = write_json(tmp_path / "items.json", {"type": "FeatureCollection", "features": features})
    first, second, third = found(path)
    assert isinstance(first, Scene)
    assert isinstance(third, Scene)
    assert isinstance(second, BadScene)
    assert "duplicate scene 'a'" in str(second.error)


def test_items_are_read_one_at_a_time(tmp_path: Path, raster: Path) -> None:
    write_json(tmp_path / "0.json", entry("first", str(raster)))
    links = [("item", f"{number}.json") for number in range(100_000)]
    write_json(tmp_path / "catalog.json", catalog("huge", links))
    first, *rest = islice(open_source(str(tmp_path), SourceOptions()).scenes(), 3)
    assert isinstance(first, Scene)
    assert all(isinstance(scene, BadScene) for scene in rest)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["spring", "year", "undated"]),
        ({"bbox": HERE}, ["spring", "year", "undated"]),
        ({"bbox": ACROSS}, ["spring", "year", "undated"]),
        ({"bbox": ELSEWHERE}, []),
        ({"datetime": "2023-05-01"}, ["spring", "year"]),
        ({"datetime": "2023-06-01/.."}, ["year"]),
        ({"datetime": "../2022-12-31"}, []),
        ({"datetime": "2023-05-01T10:00:00Z"}, ["spring", "year"]),
    ],
)
def test_selects_by_place_and_time(tmp_path: Path, options: dict[str, Any], expected: list[str]) -> None:
    span: dict[str, Any] = {
        "datetime": None,
        "start_datetime": "2023-01-01T00:00:00Z",
        "end_datetime": "2023-12-31T00:00:00Z",
    }
    features = [entry("spring"), entry("year", **span), entry("undated", datetime=None)]
    path = write_json(tmp_path / "items.json", {"type": "FeatureCollection", "features": features})
    assert ids(path, **options) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON"),
        ("[]", "expected a STAC object"),
        ('{"type": "Topology"}', "expected a STAC Item"),
        ('{"type": "FeatureCollection"}', "without a list of features"),
        ("[" * 100_000, "not JSON"),
        ("\xff", "not JSON"),
    ],
)
def test_refuses_documents_that_are_not_stac(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(SourceError, match=reason):
        open_source(str(path), SourceOptions())


def test_refuses_documents_that_are_too_large(tmp_path: Path) -> None:
    path = write_json(tmp_path / "x.json", entry("a"))
    with pytest.raises(SourceError, match="SWATH_MAX_METADATA_BYTES"):
        open_source(str(path), SourceOptions(settings=Settings(max_metadata_bytes=10)))


def test_a_remote_document_is_read_with_its_relative_hrefs(tmp_path: Path) -> None:
    answers: dict[str, Answer] = {"/data/items/a.json": body(entry("a", "../a.tif"))}
    answers["/data/catalog.json"] = body(catalog("c", [("item", "items/a.json")]))
    with served(answers) as url:
        (scene,) = scenes(f"{url}/data/catalog.json", settings=LOCAL)
        assert scene.href == f"{url}/data/items/a.json"
        assert scene.assets[0].href == f"{url}/data/a.tif"
        with pytest.raises(SourceError, match="SWATH_ALLOWED_HOSTS"):
            found(f"{url}/data/catalog.json")


@pytest.mark.parametrize("href", ["file:///etc/passwd.tif", "https://evil.test/a.tif"])
def test_a_remote_document_reaches_neither_local_files_nor_other_hosts(href: str) -> None:
    with served({"/a.json": body(entry("a", href)), "/c.json": body(catalog("c", [("item", href)]))}) as url:
        for name in ("a.json", "c.json"):
            reason = only_bad(f"{url}/{name}", settings=LOCAL)
            assert "local file" in reason or "SWATH_ALLOWED_HOSTS" in reason


def test_an_absolute_path_in_a_remote_document_stays_on_its_host(raster: Path) -> None:
    with served({"/a.json": body(entry("a", str(raster)))}) as url:
        assert scenes(f"{url}/a.json", settings=LOCAL)[0].assets[0].href == f"{url}{raster}"


def test_a_self_link_of_a_remote_item_cannot_make_it_local(raster: Path) -> None:
    feature = entry("a", raster.name) | {"links": [{"rel": "self", "href": str(raster.parent / "item.json")}]}
    with served({"/x/items.json": body({"type": "FeatureCollection", "features": [feature]})}) as url:
        assert scenes(f"{url}/x/items.json", settings=LOCAL)[0].assets[0].href == f"{url}/x/a.tif"


def test_a_signed_document_and_its_signed_assets_are_shown_without_signature() -> None:
    with served({"/a.json": body(entry("a", "a.tif?sig=inner"))}) as url:
        (scene,) = scenes(f"{url}/a.json?sig=outer", settings=LOCAL)
        (again,) = scenes(f"{url}/a.json?sig=other", settings=LOCAL)
        assert scene.href == again.href == f"{url}/a.json"
        assert scene.fingerprint == again.fingerprint
        assert scene.assets[0].href == f"{url}/a.tif?sig=inner"
        with pytest.raises(SourceError) as caught:
            open_source(f"{url}/gone.json?sig=secret", SourceOptions(settings=LOCAL))
        assert "secret" not in str(caught.value)


def test_redirects_are_followed_to_allowed_hosts_only() -> None:
    def moved(_: str, __: bytes) -> tuple[int, dict[str, str], bytes]:
        return 302, {"Location": "http://localhost:1/a.json"}, b""

    with served({"/a.json": moved}) as url, pytest.raises(SourceError, match="'localhost' is not allowed"):
        open_source(f"{url}/a.json", SourceOptions(settings=LOCAL))


def test_an_answer_is_read_up_to_the_limit() -> None:
    small = Settings(allowed_hosts=("127.0.0.1",), max_metadata_bytes=5000)
    with served({"/a.json": b" " * 10_000}) as url, pytest.raises(SourceError, match="more than 5,000 bytes"):
        open_source(f"{url}/a.json", SourceOptions(settings=small))


def test_an_address_that_does_not_answer_is_one_clear_line() -> None:
    with served({}) as url, pytest.raises(SourceError, match="does not answer") as caught:
        open_source(f"{url}/a.json", SourceOptions(settings=LOCAL))
    assert "\n" not in str(caught.value)


OF_API: dict[str, Any] = {"settings": LOCAL, "collection": "sentinel-2-l2a"}


def api(url: str, answers: dict[str, Answer], features: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Serve ``features`` as an API that filters nothing; returns the list that requests are noted in."""
    asked: list[dict[str, Any]] = []

    def search(path: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
        asked.append(json.loads(request) if request else {"path": path})
        return 200, {}, body({"type": "FeatureCollection", "features": features, "links": []})

    classes = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
    links = [("self", url), ("root", url), ("search", f"{url}/search"), ("data", f"{url}/collections")]
    answers["/collections"] = body({"collections": [{"id": "naip"}, {"id": "sentinel-2-l2a"}]})
    answers["/collections/sentinel-2-l2a"] = body(catalog("sentinel-2-l2a", []))
    answers["/"] = body(catalog("api", links, conformsTo=classes))
    collection = catalog("s2", [("items", f"{url}/collections/s2/items"), ("root", url)]) | {"type": "Collection"}
    answers["/collections/s2"] = body(collection | {"extent": {}, "license": "other"})
    answers["/search"] = answers["/collections/s2/items"] = search
    return asked


def test_an_api_is_asked_for_place_and_time_and_not_believed() -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        features = [entry("inside", f"{url}/a.tif"), entry("outside", f"{url}/a.tif", datetime="2019-01-01T00:00:00Z")]
        asked = api(url, answers, features)
        assert ids(url + "/", **OF_API, bbox=HERE, datetime="2023-05-01/..") == ["inside"]
        assert asked[0]["bbox"] == list(HERE)
        assert asked[0]["datetime"] == "2023-05-01T00:00:00Z/.."


def test_an_api_is_asked_for_the_collection_that_was_named_and_for_no_other() -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        stranger = entry("b", f"{url}/b.tif") | {"collection": "naip"}
        asked = api(url, answers, [entry("a", f"{url}/a.tif"), stranger])
        assert [(scene.scene_id, scene.collection) for scene in scenes(url + "/", **OF_API)] == [
            ("a", "sentinel-2-l2a")
        ]
        assert asked[0]["collections"] == ["sentinel-2-l2a"]


@pytest.mark.parametrize("collection", [None, "sentinel-9"])
def test_the_root_of_an_api_without_one_of_its_collections_is_refused(collection: str | None) -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        asked = api(url, answers, [entry("a", f"{url}/a.tif")])
        with pytest.raises(SourceError, match=r"--collection ID \(it has naip, sentinel-2-l2a\)|'sentinel-9'.*naip"):
            open_source(f"{url}/", SourceOptions(settings=LOCAL, collection=collection))
        assert asked == []


def test_one_item_of_an_api_is_asked_for_by_its_id() -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        asked = api(url, answers, [entry("a", f"{url}/a.tif"), entry("b", f"{url}/a.tif")])
        assert ids(f"{url}/#b", settings=LOCAL) == ["b"]
        assert asked[0]["ids"] == ["b"]


def test_a_collection_of_an_api_is_asked_for_its_items() -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        asked = api(url, answers, [entry("a", f"{url}/a.tif")])
        (scene,) = scenes(f"{url}/collections/s2", settings=LOCAL, bbox=HERE, collection="mine")
        assert (scene.scene_id, scene.collection) == ("a", "mine")
        assert "bbox=-3.5" in asked[0]["path"]


def test_an_api_that_breaks_off_is_reported_with_what_was_reached() -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        more = [{"rel": "next", "href": f"{url}/gone"}]
        api(url, answers, [])
        page = {"type": "FeatureCollection", "features": [entry("a", f"{url}/a.tif")], "links": more}
        answers["/search"] = body(page)
        good, bad = found(url + "/", **OF_API)
    assert isinstance(good, Scene)
    assert isinstance(bad, BadScene)
    assert "broke off after 1 items" in str(bad.error)


def test_the_pages_of_a_listing_are_followed_to_the_end_or_to_where_they_break(tmp_path: Path) -> None:
    for number in range(3):
        following = [{"rel": "next", "href": f"{number + 1}.json"}]
        page = {"type": "FeatureCollection", "features": [entry(f"item-{number}")], "links": following}
        write_json(tmp_path / f"{number}.json", page)
    *good, bad = found(tmp_path / "0.json")
    assert [scene.scene_id for scene in good if isinstance(scene, Scene)] == ["item-0", "item-1", "item-2"]
    assert isinstance(bad, BadScene)
    assert "broke off after 3 items" in str(bad.error)
    write_json(tmp_path / "3.json", {"type": "FeatureCollection", "features": []})
    assert ids(tmp_path / "0.json") == ["item-0", "item-1", "item-2"]
    write_json(tmp_path / "3.json", {"type": "FeatureCollection", "features": [], "links": following})
    assert "again" in str([scene for scene in found(tmp_path / "0.json") if isinstance(scene, BadScene)])


def test_a_listing_that_runs_in_circles_ends() -> None:
    answers: dict[str, Answer] = {}
    with served(answers) as url:
        api(url, answers, [])
        again = [{"rel": "next", "href": f"{url}/search"}]
        page = {"type": "FeatureCollection", "features": [entry("a", f"{url}/a.tif")], "links": again}
        answers["/search"] = body(page)
        good, bad = islice(found(url + "/", **OF_API), 5)
    assert isinstance(good, Scene)
    assert isinstance(bad, BadScene)
    assert "again" in str(bad.error)


def test_storage_that_anybody_can_rent_is_not_allowed_by_default() -> None:
    check_host("https://sentinel2l2a01.blob.core.windows.net/a.tif", Settings())
    with pytest.raises(SourceError, match="not allowed"):
        check_host("https://mine.blob.core.windows.net/a.tif", Settings())


def test_host_patterns_stand_for_subdomains_only() -> None:
    settings = Settings(allowed_hosts=("*.example.com", "Data.test"))
    for url in ("https://a.example.com/x", "https://a.b.EXAMPLE.com.:443/x", "https://data.test"):
        check_host(url, settings)
    for url in (
        "https://example.com",
        "https://badexample.com",
        "https://example.com.evil",
        "https://",
        "https://[::1",
    ):
        with pytest.raises(SourceError, match="not allowed"):
            check_host(url, settings)
