"""Joining a Ray cluster, or starting one of this machine alone."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core import InputError, MissingExtraError
from indexer.distributed._options import RayOptions

CONNECT_S = 3.0
"""Seconds that a cluster's head may take to accept a connection; Ray itself would try for minutes."""

SETTINGS = b"\x04"
"""Type of the frame with which each side of HTTP/2 begins (https://www.rfc-editor.org/rfc/rfc9113#section-3.4)."""

GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + SETTINGS + bytes(5)
"""What a client of gRPC says first: a Ray head answers it with a frame of settings, and nobody else does."""

OBJECT_STORE_BYTES = 200_000_000
"""Shared memory of a local cluster. Only scene lists and file names pass through it: pixels and vectors never do."""


@contextmanager
def cluster(options: RayOptions) -> Iterator[int]:
    """Join or start the cluster; yield the number of workers that it has room for, as many as asked for at most.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: No cluster answers at the address, or it has no room for a single worker.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unless asked for
    # From Ray's own notice: the behaviour of coming releases, without which it warns in every run.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = import_ray()
    if ray.is_initialized():  # by a program that calls swath.index
        yield _room(ray, options)
        return
    _connect(ray, options)
    try:
        yield _room(ray, options)
    finally:
        ray.shutdown()


def import_ray() -> Any:
    """Return the package.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    _use_token()
    try:
        import ray
    except ImportError:
        raise MissingExtraError("ray", extra="distributed") from None
    return ray


def _use_token() -> None:
    """Show this machine's token where there is one, as `ray start` does; `ray.init` does so only for its own cluster.

    https://docs.ray.io/en/latest/ray-security/token-auth.html. Ray reads the variable when it is imported.
    """
    given = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    if given or (Path.home() / ".ray" / "auth_token").exists():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _connect(ray: Any, options: RayOptions) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if options.address == "local":
        # Ray starts workers at nice 15, out of the way of what else a machine does; here they are all that it was
        # asked to do, and beside anything else they would hardly run.
        os.environ.setdefault("RAY_worker_niceness", "0")
        cores = options.cpus * (options.workers or max(1, (os.cpu_count() or 1) // options.cpus))
        ray.init(
            address="local", num_cpus=cores, include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES,
            _node_ip_address="127.0.0.1", **quiet,
        )  # fmt: skip
        return
    if options.address != "auto":
        _probe(options.address)
    try:
        ray.init(address=options.address, **quiet)
    except Exception as error:
        raise InputError(_nobody(options.address, _first_sentence(error.__cause__ or error))) from None


def _probe(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S) as connection:
            connection.sendall(GREETING)
            answer = connection.recv(9)
    except OSError as error:
        raise InputError(_nobody(address, error.strerror or str(error))) from None
    if answer[3:4] != SETTINGS and os.environ.get("RAY_USE_TLS", "0") == "0":
        raise InputError(_nobody(address, "what answers there is not Ray"))


def _first_sentence(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". ")[0].rstrip(".")


def _nobody(address: str, reason: str) -> str:
    return (
        f"cannot join a Ray cluster at {address}: {reason}; start one with: ray start --head (and on each other "
        "machine ray start --address HOST:6379), or use --ray local"
    )


def _room(ray: Any, options: RayOptions) -> int:
    if options.workers is not None:  # a cluster that scales by itself grows towards what is asked for
        return options.workers
    has = ray.cluster_resources()
    cpus, gpus = has.get("CPU", 0), has.get("GPU", 0)
    room = int(cpus // options.cpus)
    if options.gpus:
        room = min(room, int(gpus // options.gpus))
    if room < 1:
        raise InputError(
            f"no worker fits in the Ray cluster: it has {cpus:g} CPUs and {gpus:g} GPUs, a worker is to use "
            f"{options.cpus} and {options.gpus:g}; ask for less with --ray-cpus and --ray-gpus, or, where the cluster "
            "grows by itself, say with --ray-workers how many are wanted"
        )
    return room
