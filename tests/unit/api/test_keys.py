"""API keys: what the file holds, what the command says, and what a running server makes of changes."""

import json
import stat
from pathlib import Path

import pytest

from api import add_key, read_keys, remove_key
from api._security_keys import KeyRing
from core import ConfigError, InputError


def test_a_key_is_found_by_its_token_alone_and_the_file_does_not_hold_it(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    token = add_key(file, "ann", "read")
    assert token.rpartition("_")[2] not in file.read_text()
    assert token not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ring = KeyRing(file)
    found = ring.find(token)
    assert found is not None
    assert (found.name, found.scope) == ("ann", "read")
    for wrong in (
        "",
        "swath_",
        token[:-1],
        token + "a",
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        "\0",
        "é" * 60,
    ):
        assert ring.find(wrong) is None


def test_two_keys_have_nothing_in_common(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert add_key(file, "ann", "read") != add_key(file, "bob", "write")
    ann, bob = read_keys(file)
    assert ann.salt != bob.salt
    assert ann.id != bob.id


def test_a_running_ring_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    first = add_key(file, "ann", "read")
    ring = KeyRing(file)
    second = add_key(file, "bob", "read")
    assert ring.find(second) is not None
    remove_key(file, "ann")
    assert ring.find(first) is None
    assert ring.find(second) is not None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"keys": [{"id": "x"}]}', '{"keys": 3}', "[" * 100_000])
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    token = add_key(file, "ann", "read")
    ring = KeyRing(file)
    file.write_text(content)
    with pytest.raises(ConfigError, match=r"keys\.json"):
        ring.find(token)
    with pytest.raises(ConfigError, match=r"keys\.json"):
        KeyRing(file)


def test_an_emptied_salt_is_no_key(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    add_key(file, "ann", "read")
    held = json.loads(file.read_text())
    held["keys"][0]["salt"] = ""
    file.write_text(json.dumps(held))
    with pytest.raises(ConfigError):
        read_keys(file)


def test_wrong_names_and_scopes_are_said(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    add_key(file, "ann", "read")
    with pytest.raises(InputError, match="there is a key 'ann'"):
        add_key(file, "ann", "read")
    with pytest.raises(InputError, match="letters"):
        add_key(file, "a\nb", "read")
    with pytest.raises(InputError, match="read, write"):
        add_key(file, "bob", "admin")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="it holds: ann"):
        remove_key(file, "bob")
    with pytest.raises(ConfigError, match="swath keys add"):
        remove_key(tmp_path / "none.json", "bob")
    with pytest.raises(InputError, match="does not exist"):
        add_key(tmp_path / "no" / "keys.json", "bob", "read")
