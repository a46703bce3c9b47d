"""An index of one-colour tiles that grows scene by scene, and a receiver of matches that can be told to fail."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from core import Settings
from core.testing import MeanColourEncoder
from indexer import LedgerRow, SceneRows, Store, scene_key
from retriever import Searcher
from retriever.watches import Watches
from tests.unit.retriever.tables import SPACE, row, table

LEAST = 0.9
"""Score that tiles of the colour asked for reach, and others do not."""


def made(path: Path) -> Store:
    return Store.create_or_open(path, space=SPACE, dtype="float32")


def opened(store: Store, **settings: Any) -> Watches:
    return Watches(store, Searcher(store, MeanColourEncoder()), settings=lambda: Settings(**settings))


def add_scene(store: Store, scene: str, colours: Sequence[str], *, mark: str = "1", **values: Any) -> list[str]:
    """Commit a scene with a tile of each colour; return the tile ids."""
    encoder = MeanColourEncoder()
    key = scene_key("c", scene)
    rows = [
        row(
            f"c~{scene}~{number}",
            scene_key=key,
            scene_id=scene,
            vector=encoder.encode_text([colour])[0].tolist(),
            **values,
        )
        for number, colour in enumerate(colours)
    ]
    ledger = LedgerRow(
        scene_key=key, scene_id=scene, collection="c", href="none", fingerprint=mark, tiles=len(rows), dropped=0,
        parameters="{}", committed=datetime.now(UTC),
    )  # fmt: skip
    store.commit([SceneRows(ledger=ledger, batches=iter(table(rows).to_batches()))])
    return [each["tile_id"] for each in rows]


def tiles_in(lines: Sequence[str]) -> list[str]:
    rows = [json.loads(line) for line in lines]
    return [row.get("properties", row)["tile_id"] for row in rows]


def journal(watches: Watches, name: str = "reds") -> list[str]:
    return [match["id"] for match in watches.matches(name, limit=10**6)]


class Receiver:
    """What was posted, and what it is answered."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.url = ""

    def tiles(self) -> list[str]:
        return [feature["id"] for post in self.posts for feature in post["features"]]


@contextmanager
def receiver() -> Iterator[Receiver]:
    got = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server calls
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.paths.append(self.path)
            if got.status == 200:
                got.posts.append(body)
                got.keys.append(self.headers["Idempotency-Key"])
            self.send_response(got.status)
            for name, value in got.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as it is declared
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        got.url = f"http://127.0.0.1:{server.server_port}/hook/secret"
        try:
            yield got
        finally:
            server.shutdown()
            thread.join()
