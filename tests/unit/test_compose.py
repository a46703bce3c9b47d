"""docker-compose.yml is right as far as that can be known without a Docker engine."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from swath._cli import app
from tests import compose_file

ROOT = compose_file.ROOT
SCHEMA = ROOT / "tests" / "vendor" / "compose-spec" / "compose-spec.json"
ONE_SHOTS = {"ingest", "bucket"}
EXPOSED = {"api", "grafana"}


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return compose_file.load()


@pytest.fixture(scope="module")
def services(whole: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = whole["services"]
    return found


def test_the_file_keeps_to_the_compose_specification(whole: dict[str, Any]) -> None:
    check = import_module("jsonschema").Draft202012Validator(json.loads(SCHEMA.read_text()))
    assert not [error.message for error in check.iter_errors(whole)]
    wrong = {**whole, "services": {"api": {"imgae": "swath"}}}
    assert list(check.iter_errors(wrong))  # it does find mistakes


def docker_compose() -> list[str] | None:
    """The call of Docker Compose 2, where it is installed."""
    for call in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(call[0]):
            said = subprocess.run([*call, "version", "--short"], capture_output=True, text=True, check=False)
            if said.returncode == 0 and not said.stdout.startswith("1."):
                return call
    return None


def test_docker_compose_reads_the_file(tmp_path: Path) -> None:
    call = docker_compose()
    if call is None:
        pytest.skip("docker compose is not installed")
    settings = tmp_path / "env"
    settings.write_text("".join(f"{name}={value}\n" for name, value in compose_file.SECRETS.items()))
    command = [
        *call,
        "--env-file",
        str(settings),
        "--file",
        str(compose_file.FILE),
        "--profile",
        "*",
        "config",
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_service_is_whole(services: dict[str, Any]) -> None:
    assert set(services) == {
        "api", "ray-head", "ray-worker", "ingest", "store", "bucket", "prometheus", "node-exporter", "grafana", "vllm",
    }  # fmt: skip
    assert {name for name, service in services.items() if "profiles" in service} == {"ingest", "vllm"}


def test_every_variable_has_a_default_or_says_that_it_is_needed() -> None:
    found = compose_file.variables(compose_file.FILE.read_text())
    assert {kind for _, kind, _ in found} == {"-", "?"}
    assert {name for name, kind, _ in found if kind == "?"} == set(compose_file.SECRETS)
    assert all(".env.example" in (rest or "") for _, kind, rest in found if kind == "?")
    # One name means one thing.
    assert len({name for name, _, _ in found}) == len({(name, rest) for name, _, rest in found})


@pytest.mark.parametrize("name", sorted(compose_file.SECRETS))
def test_nothing_starts_without_a_password_of_ones_own(name: str) -> None:
    with pytest.raises(compose_file.MissingError, match=name):
        compose_file.load({other: value for other, value in compose_file.SECRETS.items() if other != name})


def test_the_example_names_every_variable_and_makes_passwords(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text()
    passed_on = {name for service in compose_file.load()["services"].values() for name in empty(service)}
    wanted = {name for name, _, _ in compose_file.variables(compose_file.FILE.read_text())} | passed_on
    assert set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE)) == wanted
    (tmp_path / ".env.example").write_text(example)
    command = next(line for line in example.splitlines() if "openssl" in line).lstrip("# ")
    assert command in (ROOT / "docs/how-to/deploy.md").read_text()
    subprocess.run(["bash", "-euc", command], cwd=tmp_path, check=True)
    written = (tmp_path / ".env").read_text()
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    made = dict(re.findall(r"^([A-Z_]+)=([0-9a-f]{48})$", written, flags=re.MULTILINE))
    assert set(made) == set(compose_file.SECRETS)
    assert len(set(made.values())) == len(made)
    compose_file.load(made)


def empty(service: dict[str, Any]) -> list[str]:
    return [name for name, value in service.get("environment", {}).items() if value is None]


def test_images_are_pinned_by_version_and_digest(services: dict[str, Any]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for name, service in services.items():
        if "build" in service:
            assert service["image"] == f"swath:{version}-{service['build']['target']}", name
        else:
            assert re.fullmatch(r"[\w./-]+:v?\d+(\.\d+)+@sha256:[0-9a-f]{64}", service["image"]), name


def test_only_the_page_and_grafana_are_reachable_and_only_from_this_machine(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if "ports" in service} == EXPOSED
    for name in EXPOSED:
        assert all(port.startswith("127.0.0.1:") for port in services[name]["ports"])
    assert {name for name, service in services.items() if "outside" in service["networks"]} == EXPOSED
    assert not any("network_mode" in service for service in services.values())


def test_no_service_may_gain_rights(services: dict[str, Any]) -> None:
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"privileged", "cap_add", "devices"} & set(service)
    # vLLM compiles kernels into its own folders.
    assert {name for name, service in services.items() if not service.get("read_only")} == {"vllm"}


def test_every_service_has_limits_and_says_whether_it_is_well(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert "memory" in service["deploy"]["resources"]["limits"], name
        health = service["healthcheck"]
        assert health.get("disable") is (True if name in ONE_SHOTS else None), name
        if name not in ONE_SHOTS:
            assert health["test"][0] == "CMD"
        assert service["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped"), name


def test_services_wait_for_what_they_need(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            ends = services[other]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy"), (name, other)
            assert "profiles" not in services[other]


def mounts(service: dict[str, Any]) -> list[list[str]]:
    return [volume.split(":") for volume in service.get("volumes", [])]


def test_every_mounted_path_exists(whole: dict[str, Any]) -> None:
    ours = [each for service in whole["services"].values() for each in mounts(service)]
    named = {source for source, *_ in ours if not source.startswith(".")}
    assert named == set(whole["volumes"])
    for source, _, *mode in ours:
        if source.startswith("./deploy"):
            assert (ROOT / source).is_dir(), source
            assert mode == ["ro"]


def test_ray_sees_archive_and_index_alike_on_every_machine(services: dict[str, Any]) -> None:
    seen = [mounts(services[name]) for name in ("ray-head", "ray-worker", "ingest")]
    assert seen[0] == seen[1] == seen[2]
    assert {target for _, target, *_ in seen[0]} == {"/archive", "/index", "/cache", "/metrics"}
    assert [how for *_, target, how in mounts(services["api"]) if target == "/index"] == ["ro"]


def lines(run: list[str], program: str) -> list[list[str]]:
    """Every call of a program in a command line, with its arguments."""
    if run[:2] != ["/bin/sh", "-ec"]:
        return [run] if run[0] == program else []
    script = run[2].replace('"$@"', shlex.join(run[4:])).replace(">&2", "").replace("exec ", "")
    return [shlex.split(call) for call in script.split(";") if call.split()[0] == program]


def ran(service: dict[str, Any]) -> list[str]:
    return compose_file.program(service, ["swath"])


def test_commands_are_ours_with_options_that_they_have(services: dict[str, Any]) -> None:
    ours = {name: service for name, service in services.items() if "build" in service}
    called = {name: line for name, service in ours.items() for line in lines(ran(service), "swath")}
    assert set(called) == {"api", "ingest"}
    parsed = {}
    for name, (_, command, *arguments) in called.items():
        parsed[name] = typer.main.get_command(app).commands[command].make_context(command, arguments).params  # type: ignore[attr-defined]  # a group
    assert parsed["api"]["port"] == 8000
    assert [str(given) for given in parsed["ingest"]["sources"]] == ["/archive"]
    assert str(parsed["ingest"]["into"]) == parsed["api"]["index"][0] == "/index"
    assert parsed["ingest"]["ray"] == "ray-head:6379"
    written, read = parsed["ingest"]["metrics_file"].parent, mounts(services["node-exporter"])
    assert read == [["metrics", str(written), "ro"]]
    assert f"--collector.textfile.directory={written}" in services["node-exporter"]["command"]


def test_ray_is_started_with_options_that_it_has(services: dict[str, Any]) -> None:
    from ray.scripts.scripts import cli

    runs = [ran(services[name]) for name in ("ray-head", "ray-worker", "ingest")]
    runs += [services[name]["healthcheck"]["test"][1:] for name in ("ray-head", "ray-worker")]
    called = [line for run in runs for line in lines(run, "ray")]
    assert [line[1] for line in called] == ["start", "start", "start", "health-check", "health-check"]
    for _, command, *arguments in called:
        cli.commands[command].make_context(command, arguments)  # raises where an option is not known


def test_prometheus_asks_what_the_file_starts(services: dict[str, Any]) -> None:
    yaml = import_module("yaml")
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {job["job_name"]: list(targets(job)) for job in jobs}
    assert asked.pop("prometheus") == ["127.0.0.1:9090"]
    assert {target.split(":")[0] for found in asked.values() for target in found} == {
        "api", "ray-head", "ray-worker", "store", "node-exporter", "vllm",
    }  # fmt: skip
    arguments = [*services["api"]["command"], *services["ray-head"]["command"], *services["store"]["command"]]
    for target in ("8000", "--metrics-export-port=8080", "-metricsPort=9327"):
        assert target in arguments
        assert any(each.endswith(":" + re.findall(r"\d+$", target)[0]) for found in asked.values() for each in found)


def targets(job: dict[str, Any]) -> list[str]:
    static = [target for group in job.get("static_configs", []) for target in group["targets"]]
    return static + [f"{name}:{each['port']}" for each in job.get("dns_sd_configs", []) for name in each["names"]]


def test_grafana_finds_prometheus_and_the_dashboards(services: dict[str, Any]) -> None:
    yaml, folder = import_module("yaml"), ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    assert (source["url"], source["uid"]) == ("http://prometheus:9090", "prometheus")
    (provider,) = yaml.safe_load((folder / "dashboards/swath.yml").read_text())["providers"]
    mounted = {target: source for source, target, _ in mounts(services["grafana"])[:2]}
    assert mounted[provider["options"]["path"]] == "./deploy/grafana/dashboards"
    assert mounted["/etc/grafana/provisioning"] == "./deploy/grafana/provisioning"
    home = Path(services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert json.loads((ROOT / "deploy/grafana/dashboards" / home.name).read_text())["title"] == "Swath"


def test_prometheus_reads_the_alerts(services: dict[str, Any]) -> None:
    yaml, folder = import_module("yaml"), ROOT / "deploy/prometheus"
    config = yaml.safe_load((folder / "prometheus.yml").read_text())
    (mounted,) = [target for source, target, _ in mounts(services["prometheus"])[:1] if source == "./deploy/prometheus"]
    (rules,) = (Path(path) for path in config["rule_files"])
    assert str(rules.parent) == mounted
    asked = {job["job_name"] for job in config["scrape_configs"]}
    named = re.findall(r'\bjob="(\w+)"', (folder / rules.name).read_text())
    assert named
    assert set(named) <= asked
