"""What lies in deploy/ parses, and calls the command line that there is."""

import shlex
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from indexer.distributed import RayOptions
from swath._cli import app

JOB = Path(__file__).parents[2] / "deploy" / "rayjob.yaml"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    job = import_module("yaml").safe_load(JOB.read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    found: dict[str, Any] = job["spec"]
    return found


def pods(spec: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = spec["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_the_job_runs_the_command_line_with_options_that_it_has(spec: dict[str, Any]) -> None:
    program, command, *arguments = shlex.split(spec["entrypoint"])
    assert (program, command) == ("swath", "index")
    given = typer.main.get_command(app).commands["index"].make_context("index", arguments).params  # type: ignore[attr-defined]  # a group
    assert RayOptions(address=given["ray"], workers=given["ray_workers"]).address == "auto"
    assert given["sources"] == ["/archive"] or tuple(given["sources"]) == ("/archive",)


def test_every_pod_sees_archive_and_index_under_the_paths_of_the_command(spec: dict[str, Any]) -> None:
    mounts = [container["volumeMounts"] for pod in pods(spec) for container in pod["containers"]]
    assert len(mounts) == 2
    assert mounts[0] == mounts[1]
    assert {mount["mountPath"] for mount in mounts[0]} == {"/archive", "/index"}
    for pod in pods(spec):
        assert {volume["name"] for volume in pod["volumes"]} == {mount["name"] for mount in mounts[0]}


def test_no_pod_runs_as_root_and_each_has_limits(spec: dict[str, Any]) -> None:
    for pod in pods(spec):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert all({"cpu", "memory"} <= set(each["resources"]["limits"]) for each in pod["containers"])


def test_the_cluster_runs_the_ray_that_was_run(spec: dict[str, Any]) -> None:
    assert spec["rayClusterSpec"]["rayVersion"] in (JOB.parents[1] / "pyproject.toml").read_text()
