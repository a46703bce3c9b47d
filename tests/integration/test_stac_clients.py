"""STAC as its clients see it: a real server, the API validator, pystac-client and our own client."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pystac.validation
import pytest
import shapely
from pystac_client import Client

import swath
from core import QueryError
from tests.integration.real import ROOT
from tests.integration.served import served_with
from tests.offline_schemas import use_in_pystac
from tests.stac_archive import COAST, EDGE, HARBOURS, SENTENCE, TILES, build_stac_archive, coast_box

ALL = sum(TILES.values())
AREA = shapely.box(10.15, 43.9, 10.55, 44.25)
IN_AREA = {f"{COAST}~scene~r0000c{place:04d}" for place in range(40) if coast_box(place).intersects(AREA)}

_VALIDATE = (
    "import tests.offline_schemas as own; own.use_everywhere(); import stac_api_validator.__main__ as it; it.main()"
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("stac-clients")
    with served_with(build_stac_archive(folder / "archive"), folder / "log") as server:
        yield f"{server.url}/stac"


@pytest.fixture(scope="module")
def catalog(url: str) -> Any:
    return Client.open(url)


@pytest.mark.parametrize(
    "below",
    [
        "",
        pytest.param("/i/archive", marks=pytest.mark.slow),
        pytest.param("/q/a%20harbour%2C%20ships", marks=pytest.mark.slow),
    ],
)
def test_the_api_validator_finds_no_error(url: str, below: str) -> None:
    classes = ("core", "collections", "features", "item-search", "filter")
    command = [
        sys.executable,
        "-c",
        _VALIDATE,
        "--root-url",
        url + below,
        "--collection",
        COAST,
        "--validate-pagination",
    ]
    command += ["--geometry", json.dumps(shapely.geometry.mapping(AREA))]
    for name in classes:
        command += ["--conformance", name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    said = done.stdout + done.stderr
    assert (done.returncode, "Errors: none" in said) == (0, True), said[-5000:]


def test_pystac_client_reads_what_there_is(catalog: Any) -> None:
    assert [each.id for each in catalog.get_collections()] == sorted(TILES)
    item = catalog.get_collection(COAST).get_item(HARBOURS[0])
    assert item is not None
    assert item.id == HARBOURS[0]
    assert item.get_collection().id == COAST
    assert sum(1 for _ in catalog.get_collection(EDGE).get_items()) == TILES[EDGE]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"bbox": AREA.bounds}, IN_AREA),
        ({"intersects": AREA}, IN_AREA),
        ({"datetime": "2021-04-09/2021-04-10", "collections": COAST}, {f"{COAST}~scene~r0000c000{n}" for n in (1, 2)}),
        ({"filter": "eo:cloud_cover >= 38"}, {f"{COAST}~scene~r0000c003{n}" for n in (8, 9)}),
        (
            {"filter": {"op": "=", "args": [{"property": "eo:cloud_cover"}, 7]}},
            {HARBOURS[0]},
        ),
        ({"ids": list(HARBOURS)}, set(HARBOURS)),
    ],
    ids=["bbox", "intersects", "datetime", "cql2-text", "cql2-json", "ids"],
)
def test_pystac_client_searches(catalog: Any, method: str, asked: dict[str, Any], expected: set[str]) -> None:
    search = catalog.search(method=method, **asked)
    assert {item.id for item in search.items()} == expected
    assert search.matched() == len(expected)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("limit", [1, 7, 60])
def test_pystac_client_pages_through_everything_once(catalog: Any, method: str, limit: int) -> None:
    found = [item.id for item in catalog.search(method=method, limit=limit).items()]
    assert len(found) == len(set(found)) == ALL


def test_every_item_passes_validation(catalog: Any) -> None:
    use_in_pystac()
    checked = 0
    for item in catalog.search(limit=60).items_as_dicts():
        pystac.validation.validate_dict(item)
        checked += 1
    assert checked == ALL


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_words_go_in_the_address_with_plain_pystac_client(url: str, method: str) -> None:
    catalog: Any = Client.open(url, parameters={"q": SENTENCE})
    found = list(catalog.search(method=method, max_items=25, limit=10).items())
    assert {item.id for item in found[:2]} == set(HARBOURS)
    assert len({item.id for item in found}) == 25
    scores = [item.properties["swath:score"] for item in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("q", [SENTENCE, [SENTENCE]], ids=["text", "list"])
def test_our_client_asks_in_words(url: str, method: str, q: Any) -> None:
    catalog: Any = swath.SwathClient.open(url)
    search = catalog.search(q=q, method=method, max_items=25, limit=10, filter="eo:cloud_cover >= 0")
    found = [item.id for item in search.items()]
    assert set(found[:2]) == set(HARBOURS)
    assert len(set(found)) == 25
    assert search.matched() == TILES[COAST]


def test_our_client_asks_for_what_looks_alike(url: str) -> None:
    catalog: Any = swath.SwathClient.open(url)
    (best,) = catalog.search(like=HARBOURS[0], max_items=1).items()
    assert best.id == HARBOURS[1]
    assert {item.id for item in catalog.search(collections=[EDGE]).items()} == {
        item.id for item in catalog.get_collection(EDGE).get_items()
    }


def test_our_client_says_what_cannot_be_asked(url: str) -> None:
    catalog: Any = swath.SwathClient.open(url)
    with pytest.raises(QueryError, match="only one"):
        catalog.search(q="ships", like=HARBOURS[0])
    with pytest.raises(QueryError, match="q is empty"):
        catalog.search(q="")


def test_a_client_that_only_follows_links_stays_in_its_root(url: str) -> None:
    catalog: Any = Client.open(f"{url}/q/a%20harbour%20with%20ships/")
    found = list(catalog.search(method="GET", max_items=2).items())
    assert {item.id for item in found} == set(HARBOURS)
    assert all("/stac/q/a%20harbour%20with%20ships/" in item.get_self_href() for item in found)
    in_collection = list(catalog.get_collection(COAST).get_items())
    assert {item.id for item in in_collection[:2]} == set(HARBOURS)


def test_the_path_of_the_index_stays_inside(url: str, tmp_path: Path) -> None:
    import httpx

    said = httpx.get(f"{url}/search", params={"limit": 60}).text + httpx.get(f"{url}/collections").text
    assert "/data/" not in said
    assert str(tmp_path.parent) not in said
