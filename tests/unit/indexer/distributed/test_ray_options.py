"""What is said before any cluster is joined."""

import socket
import sys
import threading
import time
from pathlib import Path

import pytest

import swath
from core import InputError, MissingExtraError
from core.testing import MeanColourEncoder
from indexer.distributed import RayOptions, ingest_on_ray


@pytest.mark.parametrize("address", ["local", "auto", "10.0.0.5:6379", "head.example:6379", "[::1]:6379"])
def test_addresses_that_can_be_joined(address: str) -> None:
    assert RayOptions(address=address).address == address


@pytest.mark.parametrize("address", ["", "head", ":6379", "head:", "head:port", "head:70000", "head:0"])
def test_other_addresses_are_refused_with_what_would_work(address: str) -> None:
    with pytest.raises(InputError, match=r"is no Ray address; give local, auto or HOST:PORT, e\.g\. 10\.0\.0\.5:6379"):
        RayOptions(address=address)


def test_a_client_address_says_where_to_run() -> None:
    with pytest.raises(InputError, match="run swath index on a machine of the cluster, with --ray auto"):
        RayOptions(address="ray://head:10001")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"workers": 0}, "at least 1, got 0"), ({"cpus": 0}, "at least 1 CPU, got 0"), ({"gpus": -0.5}, "-0.5 GPUs")],
)
def test_numbers_that_no_worker_could_run_with(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        RayOptions(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_ray_numbers_without_ray_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="have a meaning only with --ray"):
        swath.index(str(tmp_path), into=tmp_path / "index", ray_workers=2)


def test_without_the_extra_the_install_line_is_shown_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"ray is not installed; run: pip install 'swath\[distributed\]'"):
        ingest_on_ray([], into=tmp_path / "index", open_encoder=MeanColourEncoder, ray=RayOptions())
    assert not (tmp_path / "index").exists()


def join(into: Path, port: int) -> None:
    ingest_on_ray([], into=into, open_encoder=MeanColourEncoder, ray=RayOptions(address=f"127.0.0.1:{port}"))


def test_an_address_where_nobody_listens_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(InputError, match=rf"cannot join a Ray cluster at 127\.0\.0\.1:{port}: Connection refused; "):
        join(tmp_path / "index", port)
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize(("said", "reason"), [(None, "timed out"), (b"HTTP/1.1 400 Bad Request\r\n", "is not Ray")])
def test_an_address_where_something_else_listens_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes | None, reason: str
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr("indexer.distributed._cluster.CONNECT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            connection, _ = server.accept()
            if said:
                connection.sendall(said)
            connection.recv(1000)
            time.sleep(0.5)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(InputError, match=f"cannot join a Ray cluster at 127.*{reason}; start one with: ray start"):
            join(tmp_path / "index", port)
        thread.join()
