"""The compose file as `docker compose` would read it, for tests where no Docker engine is at hand."""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
SECRETS = {
    "SWATH_STORE_KEY": "a-key",
    "SWATH_STORE_SECRET": "a-secret",
    "SWATH_RAY_TOKEN": "0123456789abcdef0123456789abcdef",
    "SWATH_GRAFANA_PASSWORD": "a-password",
}
"""What has no default."""

# https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md, of which these two forms are used.
_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}|(?P<bare>.))")


class MissingError(Exception):
    """A variable that has to be set is not."""


def load(environment: Mapping[str, str] = SECRETS) -> dict[str, Any]:
    """Return the file with its variables put in."""
    found: dict[str, Any] = interpolated(import_module("yaml").safe_load(FILE.read_text()), environment)
    return found


def interpolated(value: Any, environment: Mapping[str, str]) -> Any:
    """Put variables into every text of a document; keys stay as they are."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _replaced(found, environment), value)
    if isinstance(value, dict):
        return {key: interpolated(each, environment) for key, each in value.items()}
    return [interpolated(each, environment) for each in value] if isinstance(value, list) else value


def _replaced(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    if found["bare"]:
        raise ValueError(f"write ${{NAME:-default}} or $$, not {found.group()!r}")
    given = environment.get(found["name"], "")
    if not given and found["kind"] == "?":
        raise MissingError(found["rest"])
    return given or (found["rest"] if found["kind"] == "-" else "")


def variables(text: str) -> list[tuple[str, str | None, str | None]]:
    """Return name, kind (``-`` or ``?``) and what follows of every variable of a text."""
    return [(found["name"], found["kind"], found["rest"]) for found in _VARIABLE.finditer(text) if found["name"]]


def program(service: Mapping[str, Any], default: list[str]) -> list[str]:
    """Return what a service runs: its own entry point, else its image's, and its command."""
    return [*service.get("entrypoint", default), *service.get("command", [])]
