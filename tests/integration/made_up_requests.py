"""Schemathesis over every OpenAPI description that a server gives out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.integration.served import Served

DESCRIPTIONS = ("/openapi.json", "/stac/api")
"""The service's own, and that of STAC."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def assert_described(server: Served, wanted: int, folder: Path, *, phases: str = "coverage,fuzzing") -> int:
    """Send made-up requests to every route and return how many; fail with the requests that show a fault."""
    routes = {path: _routes(server, path) for path in DESCRIPTIONS}
    each = -(-wanted // sum(routes.values()))
    return sum(_send(server, path, each, folder, phases) for path in DESCRIPTIONS)


def _routes(server: Served, path: str) -> int:
    described: dict[str, Any] = httpx.get(server.url + path).json()["paths"]
    return sum(len(methods) for methods in described.values())


def _send(server: Served, path: str, each: int, folder: Path, phases: str) -> int:
    report = folder / "report.json"
    command = [str(Path(sys.executable).with_name("st")), "run", server.url + path, "--no-color"]
    command += ["--max-examples", str(each), "--phases", phases, "--checks", ",".join(CHECKS), "--seed", "4"]
    # Every request is its own: known failures of an earlier run are not sent again, and one fault hides no other.
    command += ["--generation-database", "none", "--continue-on-failure", "--report-json-path", str(report)]
    command += ["--suppress-health-check", "all", "--request-timeout", "60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(json.loads(report.read_text())["test_cases"]["generated"])
