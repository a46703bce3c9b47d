"""Paths of the server are nobody's business."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api import create_app
from core import public_href
from tests.small_index import build_small_index


@pytest.mark.parametrize(
    ("href", "told"),
    [
        ("/data/secret/scene.tif", "scene.tif"),
        ("C:\\data\\scene.tif", "scene.tif"),
        ("stac+/data/secret/item.json#B04", "item.json#B04"),
        ("dataset:aid:/data/secret/aid#airport_1.image", "dataset:aid#airport_1.image"),
        ("https://example.org/a/scene.tif", "https://example.org/a/scene.tif"),
        ("s3://bucket/a/scene.tif", "s3://bucket/a/scene.tif"),
    ],
)
def test_addresses_are_told_and_paths_are_not(href: str, told: str) -> None:
    assert public_href(href) == told


def test_no_answer_names_a_folder_of_the_server(tmp_path: Path) -> None:
    index = build_small_index(tmp_path / "kept-private" / "pictures" / "index")
    with TestClient(create_app(index)) as client:
        hit = client.post("/v1/search", json={"text": "a river", "k": 1}).json()["hits"][0]
        assert hit["href"] == "scene.tif"
        answers = [client.post("/v1/search", json={"text": "a river"}), client.get(hit["links"]["self"])]
        answers += [
            client.get(f"/v1/export?q=river&format={name}") for name in ("geojson", "csv", "geoparquet", "stac")
        ]
        answers += [client.get(path) for path in ("/v1/index", "/v1/indexes", "/stac", "/stac/search?limit=2")]
    for answer in answers:
        assert answer.status_code == 200
        assert b"kept-private" not in answer.content
