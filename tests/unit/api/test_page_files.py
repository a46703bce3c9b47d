"""The page's files: found by name only, kept by hash, under a strict policy."""

import gzip
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import ServeConfig, _errors, _page
from core import StoreError


def serve(*, page: bool = True) -> TestClient:
    app = FastAPI()
    app.state.config = ServeConfig(indexes={}, page=page)
    _errors.install(app)
    _page.mount(app)
    return TestClient(app)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with serve() as found:
        yield found


def links(document: str) -> list[str]:
    return re.findall(r'(?:href|src)="(static/[^"]+)"', document)


def test_the_document_names_only_files_that_exist_and_may_be_kept_for_ever(client: TestClient) -> None:
    document = client.get("/")
    assert document.headers["cache-control"] == "no-cache"
    named = links(document.text)
    assert any(link.endswith(".svg") for link in named)
    for link in named:
        answer = client.get(f"/{link}")
        assert answer.status_code == 200, link
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_file_outside_its_version_is_asked_for_again(client: TestClient) -> None:
    plain = client.get("/static/favicon.svg")
    assert plain.headers["cache-control"] == "no-cache"
    known = {"if-none-match": plain.headers["etag"]}
    assert client.get("/static/favicon.svg", headers=known).status_code == 304
    assert client.get("/static/favicon.svg", headers={"if-none-match": '"other"'}).status_code == 200


def test_the_version_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<link href="static/a.css">')
    (tmp_path / "a.css").write_text("a {}")
    first = _page.Site(tmp_path)
    (tmp_path / "a.css").write_text("b {}")
    second = _page.Site(tmp_path)
    assert first.version != second.version
    assert f"static/{first.version}/a.css".encode() in first.document.content


@pytest.mark.parametrize(
    "name",
    ["../pyproject.toml", "..%2fpyproject.toml", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "js/", "", "js/none.js"],
)
def test_nothing_but_the_page_can_be_read(client: TestClient, name: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"]


def test_text_is_packed_and_fonts_are_not(client: TestClient) -> None:
    folder = _page.page_folder()
    with client.stream("GET", "/static/favicon.svg", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == (folder / "favicon.svg").read_bytes()
    whole = client.get("/static/favicon.svg", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in whole.headers
    assert whole.headers["etag"] != answer.headers["etag"]
    font = next(path.name for path in (folder / "fonts").glob("*.woff2"))
    assert "content-encoding" not in client.get(f"/static/fonts/{font}").headers


def test_the_policy_lets_in_our_own_scripts_only(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "<script>" not in client.get("/").text
    assert " style=" not in client.get("/").text
    assert not re.search(r"\son[a-z]+=", client.get("/").text)


def test_no_module_writes_markup() -> None:
    """Metadata is foreign text; what is never parsed as HTML cannot run."""
    for path in (_page.page_folder() / "js").glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", path.read_text()), path


def test_a_server_without_the_page_has_none() -> None:
    with serve(page=False) as client:
        assert client.get("/").status_code == 404
        assert client.get("/static/favicon.svg").status_code == 404


def test_a_folder_without_a_page_is_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the page is missing"):
        _page.Site(tmp_path)


def test_the_wheel_holds_the_page_inside_api(tmp_path: Path) -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
    builder = wheel.WheelBuilder(str(_page.page_folder().parent))
    built = next(iter(builder.build(directory=str(tmp_path), versions=["standard"])))
    names = set(zipfile.ZipFile(built).namelist())
    assert {"api/_web/index.html", "api/_web/js/main.js", "api/_page.py"} <= names
    assert not {name for name in names if name.startswith(("web/", "tests/"))}
