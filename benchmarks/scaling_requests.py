"""How many requests an ingest sends to a bucket, and how many bytes come back: one scene, read from a local S3."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.ingest import SENSOR
from core import Settings
from embeddings import DEFAULT_ENCODER, open_encoder
from indexer import IngestOptions, ingest
from indexer.sources import SourceOptions, open_source

BUCKET = "archive"

_Start = Callable[..., Any]


class Counted:
    """A WSGI application whose requests are counted by method, and the bytes of their answers summed.

    Args:
        app: Answers.
    """

    def __init__(self, app: Callable[[dict[str, Any], _Start], Iterable[bytes]]) -> None:
        self._app = app
        self._lock = threading.Lock()
        self.requests: Counter[str] = Counter()
        self.bytes = 0

    def __call__(self, environ: dict[str, Any], start: _Start) -> Iterator[bytes]:
        """Answer a request."""
        with self._lock:
            self.requests[environ["REQUEST_METHOD"]] += 1
        for chunk in self._app(environ, start):
            with self._lock:
                self.bytes += len(chunk)
            yield chunk


@contextmanager
def bucket() -> Iterator[tuple[Counted, str]]:
    """Run a local S3, moto's; give what counts its requests, and its address."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    counted = Counted(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, counted, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield counted, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def measure(scene: Path) -> dict[str, Any]:
    """Index one scene from a bucket; return tiles, requests by method, and bytes of their answers."""
    import boto3

    with bucket() as (counted, address), tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": "us-east-1",
        }  # fmt: skip
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key=scene.name, Body=scene.read_bytes())
        counted.requests.clear()
        counted.bytes = 0
        source = open_source(f"s3://{BUCKET}", SourceOptions(sensor=SENSOR, collection="c", settings=Settings()))
        report = ingest(
            [source],
            into=Path(folder, "index"),
            encoder=open_encoder(DEFAULT_ENCODER),
            options=IngestOptions(workers=1),
        )
        if report.failures:
            raise SystemExit(f"failed: {report.failures[0].reason}")
        return {
            "tiles": report.tiles_written,
            "scene_bytes": scene.stat().st_size,
            "requests": dict(counted.requests),
            "bytes": counted.bytes,
        }


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", type=Path)
    print(json.dumps(measure(parser.parse_args().scene)))  # noqa: T201


if __name__ == "__main__":
    main()
