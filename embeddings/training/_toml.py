"""TOML into frozen dataclasses, with nothing ignored: every unknown key and every wrong value is named."""

from __future__ import annotations

import dataclasses
import types
import typing
from pathlib import Path
from typing import Any, Literal

from core import ConfigError, InputError, parse_toml


def read_toml(path: Path, kind: type) -> Any:
    """Read a TOML file into a dataclass whose fields are numbers, texts, paths, tuples, literals or dataclasses.

    Args:
        path: The TOML file.
        kind: The dataclass.

    Raises:
        ConfigError: If it is no TOML, holds an unknown key or a wrong value, or lacks a key without default.
    """
    try:
        raw = parse_toml(path.read_bytes())
    except (OSError, InputError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from None
    return _build(kind, raw, "")


def _build(kind: Any, raw: dict[str, Any], where: str) -> Any:
    known = [item.name for item in dataclasses.fields(kind)]
    unknown = sorted(set(raw) - set(known))
    if unknown:
        names = ", ".join(f"{where}{key}" for key in unknown)
        raise ConfigError(f"unknown key {names}; known here: {', '.join(known)}")
    hints = typing.get_type_hints(kind)
    values = {key: _convert(hints[key], value, f"{where}{key}") for key, value in raw.items()}
    _require(kind, raw, where)
    return kind(**values)


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin is tuple:
        return _convert_tuple(typing.get_args(hint), _expect(value, list, where, "a list"), where)
    if origin is Literal:
        return _one_of(typing.get_args(hint), value, where)
    if origin is types.UnionType:
        return _convert(next(arg for arg in typing.get_args(hint) if arg is not type(None)), value, where)
    return _convert_plain(hint, value, where)


def _convert_plain(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, _expect(value, dict, where, "a table"), f"{where}.")
    if hint is bool:
        return _truth(value, where)
    if hint is Path:
        return Path(_expect(value, str, where, "a path"))
    if hint is float:
        return float(_expect(value, (int, float), where, "a number"))
    return _expect(value, hint, where, {int: "a whole number", str: "a text"}[hint])


def _convert_tuple(hints: tuple[Any, ...], value: list[Any], where: str) -> tuple[Any, ...]:
    if Ellipsis not in hints and len(value) != len(hints):
        raise ConfigError(f"{where} must hold {len(hints)} values, got {len(value)}")
    return tuple(_convert(hints[0], item, where) for item in value)


def _one_of(known: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in known:
        raise ConfigError(f"{where} must be one of {', '.join(map(repr, known))}, got {value!r}")
    return value


def _expect(value: Any, kind: Any, where: str, what: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ConfigError(f"{where} must be {what}, got {value!r}")
    return value


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where} must be true or false, got {value!r}")
    return value


def _require(kind: Any, raw: dict[str, Any], where: str) -> None:
    for item in dataclasses.fields(kind):
        optional = item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING
        if item.name not in raw and not optional:
            raise ConfigError(f"the configuration must set {where}{item.name}")
