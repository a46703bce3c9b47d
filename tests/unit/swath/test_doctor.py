"""`swath doctor` finds what is wrong, says what to do, and neither breaks nor waits for ever."""

import json
import shutil
import socket
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import onnxruntime
import pytest
from typer.testing import CliRunner

import embeddings
from indexer import _gdal
from swath import _doctor, _doctor_disk, _doctor_gpu, _doctor_index, _doctor_model, _doctor_rasters
from swath._cli import app
from swath._doctor_check import Check, bounded
from swath._errors import run_and_report

OK = Check(name="x", state="ok", found="fine")


def test_a_check_that_raises_has_failed() -> None:
    def broken() -> Check:
        raise RuntimeError("two\n lines")

    assert bounded("x", broken, advice="mend it") == Check(name="x", state="fail", found="two lines", advice="mend it")


def test_a_check_that_hangs_has_failed_in_time() -> None:
    def hanging() -> Check:
        time.sleep(30)
        return OK

    begin = time.monotonic()
    found = bounded("x", hanging, seconds=0.1)
    assert (found.state, found.found) == ("fail", "no answer within 0.1 s")
    assert time.monotonic() - begin < 5


def test_every_driver_that_files_are_opened_with_is_tried() -> None:
    assert set(_doctor_rasters.FORMATS) == set(_gdal.DRIVERS)
    assert _doctor_rasters.drivers().state == "ok"
    assert _doctor_rasters._problem("no such driver")


@pytest.mark.parametrize(
    ("lost", "state", "said"),
    [("JP2OpenJPEG", "fail", "Sentinel-2 as ESA delivers it"), ("ZSTD", "warn", "compressed with ZSTD")],
)
def test_a_format_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, lost: str, state: str, said: str
) -> None:
    monkeypatch.setattr(
        _doctor_rasters, "_problem", lambda driver, compress="": "no" if lost in {driver, compress} else None
    )
    found = _doctor_rasters.drivers()
    assert found.state == state
    assert said in found.found
    assert "rasterio" in found.advice


def test_a_hidden_projection_database_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _doctor_rasters.coordinate_systems().state == "ok"
    monkeypatch.setattr("pyproj.Transformer.transform", lambda *_: (0.0, 0.0))
    found = bounded("coordinate systems", _doctor_rasters.coordinate_systems, advice="unset PROJ_DATA")
    assert (found.state, found.advice) == ("fail", "unset PROJ_DATA")


def test_full_disks_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {check.state for check in _doctor_disk.disks()} == {"ok"}
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**29))
    found = {check.name: check for check in _doctor_disk.disks()}
    assert [found[name].state for name in ("disk", "temporary files", "scene cache")] == ["fail", "fail", "warn"]
    assert "SWATH_SCENE_CACHE" in found["scene cache"].advice
    assert all("0.5 GiB free" in check.found for check in found.values())


def test_a_cache_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWATH_SCENE_CACHE", str(tmp_path / "not" / "there" / "yet"))
    monkeypatch.setattr("os.access", lambda folder, _: folder != tmp_path)
    found = {check.name: check for check in _doctor_disk.disks()}["scene cache"]
    assert (found.state, found.found) == ("warn", f"{tmp_path} cannot be written")


class Machine:
    """What is said to be there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch, self._folder = monkeypatch, folder

    def has(self, *, driver: bool, cuda: bool, seen_by_torch: bool = False) -> Check:
        providers = ["CUDAExecutionProvider"] * cuda + ["CPUExecutionProvider"]
        self._monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
        self._monkeypatch.setattr(_doctor_gpu, "DRIVER", self._folder if driver else self._folder / "none")
        gpus = {"is_available": lambda: seen_by_torch, "device_count": lambda: 1, "get_device_name": lambda _: "A GPU"}
        # The real one takes seconds to import.
        self._monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=SimpleNamespace(**gpus)))
        return _doctor_gpu.gpu()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("driver", "cuda", "state", "advice"),
    [
        (False, False, "ok", ""),
        (False, True, "warn", "--gpus all"),
        (True, False, "warn", "onnxruntime-gpu"),
        (True, True, "warn", "pytorch.org"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_told(machine: Machine, driver: bool, cuda: bool, state: str, advice: str) -> None:
    found = machine.has(driver=driver, cuda=cuda)
    assert found.state == state
    assert advice in found.advice


def test_a_gpu_that_works_is_named(machine: Machine) -> None:
    found = machine.has(driver=True, cuda=True, seen_by_torch=True)
    assert found.found.startswith("A GPU; ONNX Runtime and torch")


def test_other_weights_than_the_published_ones_are_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cards = embeddings.describe_encoders()
    own = next(card for card in cards if card.row.name == "swath-mini")
    swapped = tmp_path / "image.onnx"
    swapped.write_bytes(b"not a network")
    wrong = replace(own, files=(embeddings.WeightsFile(place=swapped, bytes=None, sha256="0" * 64),))
    monkeypatch.setattr(embeddings, "describe_encoders", lambda: (wrong,))
    found = _doctor_model.encoder_files("swath-mini")
    assert (found.state, found.found) == ("fail", f"{swapped} is not the published file")
    assert "reinstall" in found.advice


class Models(BaseHTTPRequestHandler):
    """A model server that only lists what it has."""

    names = ("small", "large")

    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": name, "object": "model"} for name in self.names]}).encode()
        known = self.headers["Authorization"] == "Bearer right" and self.path == "/v1/models"
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def model_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), Models) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("SWATH_ANSWER_URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("SWATH_ANSWER_KEY", "right")
        yield
        server.shutdown()


def test_without_a_model_server_answers_come_from_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWATH_ANSWER_URL", raising=False)
    assert _doctor_model.answer_model().found == "none; answers are written from records"


@pytest.mark.usefixtures("model_server")
def test_the_model_server_is_asked_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(model: str, key: str = "right") -> Check:
        monkeypatch.setenv("SWATH_ANSWER_MODEL", model)
        monkeypatch.setenv("SWATH_ANSWER_KEY", key)
        return bounded("answer model", _doctor_model.answer_model)

    assert (found("large").state, found("large").found) == ("ok", "large is there")
    assert found("huge").found == "the server does not list 'huge'; it lists small, large"
    assert found("").found == "the server lists 2 models, and none is chosen: small, large"
    refused = found("large", "secret-key")
    assert refused.state == "fail"
    assert "SWATH_ANSWER_KEY" in refused.found
    assert "secret-key" not in refused.found


def test_a_model_server_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("SWATH_ANSWER_URL", f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    found = bounded("answer model", _doctor_model.answer_model)
    assert found.state == "fail"
    assert "cannot be reached" in found.found


@pytest.mark.parametrize(("states", "code"), [(["ok", "warn"], 0), (["ok", "fail", "warn"], 1)])
def test_warnings_do_not_end_the_command_with_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], states: list[str], code: int
) -> None:
    checks = [replace(OK, state=state, advice="do this") for state in states]  # type: ignore[arg-type]  # states all
    monkeypatch.setattr(_doctor, "examine", lambda: checks)
    assert run_and_report(lambda: app(["doctor", "--json"], standalone_mode=False)) == code
    told = json.loads(capsys.readouterr().out)
    assert [each["state"] for each in told] == states
    assert set(told[0]) == {"name", "state", "found", "advice"}
    table = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()
    assert len(table) == 1 + len(states)  # one line each
    assert all("do this" in line for line in table[1:])


def test_no_index_is_bad_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_doctor, "examine", list)
    assert run_and_report(lambda: app(["doctor", "--index", str(tmp_path)], standalone_mode=False)) == 2


def test_all_checks_of_an_installation_run_and_each_has_a_name_of_its_own() -> None:
    checks = _doctor.examine()
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)
    assert {"python", "disk", "raster formats", "gpu", "encoder swath-mini", "answer model"} <= set(names)
    assert all(check.advice for check in checks if check.state != "ok")


def test_what_is_wrong_with_an_index_comes_with_advice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from core import VectorSpace
    from indexer.store import Store

    store = Store.create_or_open(tmp_path / "index", space=VectorSpace(encoder="unknown", revision="1", dim=8))
    found = {check.name: check for check in _doctor_index.examine_index(tmp_path / "index")}
    assert found["index encoder"].state == "warn"
    assert "unknown" in found["index encoder"].found
    assert {name for name, check in found.items() if check.state != "ok"} == {"index encoder"}
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**20))
    assert _doctor_index._disk(store).state == "fail"
