"""API keys: random tokens that are shown once, and the file of their salted hashes.

A token is ``swath_ID_SECRET``. The id finds the line of the file; the secret is 256 random bits, which nobody can guess
or search through, so one SHA-256 protects it as well as a slow hash would. A slow one (scrypt takes 50 ms) would only
let anyone keep a server busy with wrong keys.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from core import ConfigError, InputError, StoreError, read_limited, rfc3339

KeyScope = Literal["read", "write"]
"""What a key allows; ``write`` includes ``read``."""

MAX_FILE_BYTES = 2**20
"""Some 4,000 keys."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TOKEN = re.compile(r"swath_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """One line of the file."""

    id: str
    """12 hexadecimal digits; part of the token, and no secret."""
    name: str
    """Whose key it is; stands in logs."""
    scope: KeyScope
    """What it allows."""
    salt: str
    """16 random bytes in hexadecimal."""
    sha256: str
    """Of salt and token, in hexadecimal."""
    created: str
    """RFC 3339, UTC."""


def add_key(path: Path, name: str, scope: KeyScope) -> str:
    """Make a key, append it to the file (made if missing, readable by its owner only), and return the token.

    Raises:
        InputError: The name is taken or cannot be used.
        ConfigError: The file is damaged.
        StoreError: The file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"a key's name is 1 to 64 letters, digits and . _ @ -, got {name!r}")
    if scope not in get_args(KeyScope):
        raise InputError(f"unknown scope {scope!r}; known: {', '.join(get_args(KeyScope))}")
    with _locked(path):
        keys = read_keys(path) if path.exists() else ()
        if any(key.name == name for key in keys):
            raise InputError(f"there is a key {name!r} in {path}; remove it first, or choose another name")
        identity, salt = secrets.token_hex(6), secrets.token_hex(16)
        token = f"swath_{identity}_{secrets.token_urlsafe(32)}"
        now = rfc3339(datetime.now(UTC).replace(microsecond=0))
        key = ApiKey(id=identity, name=name, scope=scope, salt=salt, sha256=_hash(salt, token), created=now)
        _write(path, (*keys, key))
    return token


def remove_key(path: Path, name: str) -> None:
    """Remove a key; running servers refuse it from their next request on.

    Raises:
        InputError: There is no key of this name; the message lists those there are.
        ConfigError: The file is damaged or missing.
        StoreError: The file cannot be written.
    """
    with _locked(path):
        keys = read_keys(path)
        if all(key.name != name for key in keys):
            known = ", ".join(key.name for key in keys) or "none"
            raise InputError(f"no key {name!r} in {path}; it holds: {known}")
        _write(path, tuple(key for key in keys if key.name != name))


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Return the keys of a file.

    Raises:
        ConfigError: It is missing, or not what ``swath keys add`` writes.
    """
    try:
        rows = json.loads(read_limited(path, MAX_FILE_BYTES))["keys"]
        return tuple(_checked(ApiKey(**row)) for row in rows)
    except InputError as error:
        raise ConfigError(
            f"cannot read the API keys in {path}: {error}; make one: swath keys add NAME --file"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ConfigError(f"{path} does not hold API keys; make it with: swath keys add NAME --file {path}") from None


class KeyRing:
    """The keys of a running server; follows its file.

    Args:
        path: The file.

    Raises:
        ConfigError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()
        self._keys = self._read()

    def find(self, token: str) -> ApiKey | None:
        """Return the key a token belongs to; None for a wrong one.

        Raises:
            ConfigError: The file has become unreadable; no key is taken then, since it may have been removed.
        """
        state = self._state()
        if state != self._seen:
            self._keys = self._read()
            self._seen = state
        match = _TOKEN.fullmatch(token)
        key = self._keys.get(match[1]) if match else None
        # An unknown id takes as long as a wrong secret.
        salt, expected = (key.salt, key.sha256) if key else ("", "")
        return key if hmac.compare_digest(_hash(salt, token), expected) else None

    def _state(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (status.st_mtime_ns, status.st_size, status.st_ino)

    def _read(self) -> dict[str, ApiKey]:
        return {key.id: key for key in read_keys(self._path)}


def _hash(salt: str, token: str) -> str:
    return hashlib.sha256(bytes.fromhex(salt) + token.encode("utf-8", "replace")).hexdigest()


def _checked(key: ApiKey) -> ApiKey:
    values = asdict(key)
    if not all(isinstance(value, str) for value in values.values()) or key.scope not in get_args(KeyScope):
        raise ValueError("not a key")
    if len(bytes.fromhex(key.salt)) < 16 or len(bytes.fromhex(key.sha256)) != 32:
        raise ValueError("not a hash")
    return key


def _locked(path: Path) -> Any:
    from filelock import FileLock

    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist")
    return FileLock(path.with_name(f".{path.name}.lock"), timeout=10)


def _write(path: Path, keys: tuple[ApiKey, ...]) -> None:
    """Replace the file at once: a server never sees half of it."""
    fresh = path.with_name(f".{path.name}.new")
    text = json.dumps({"keys": [asdict(key) for key in keys]}, indent=2) + "\n"
    try:
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from None
