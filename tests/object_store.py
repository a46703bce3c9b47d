"""A local S3 for tests: moto's server in a thread of this process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest


@contextmanager
def object_store() -> Iterator[str]:
    """Serve an S3 of its own; yields its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    # Else every failing test prints thousands of requests.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def new_bucket(endpoint: str, environment: pytest.MonkeyPatch, name: str = "") -> tuple[str, Any]:
    """Make an empty bucket, and point the environment at it; return its name and a boto3 client."""
    import boto3

    environment.setenv("AWS_ENDPOINT_URL", endpoint)
    environment.setenv("AWS_REGION", "us-east-1")
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.setenv(key, "test")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    # a new name each time: GDAL remembers what it saw of a bucket for the life of the process
    name = name or f"archive-{uuid4().hex}"
    client.create_bucket(Bucket=name)
    return name, client
