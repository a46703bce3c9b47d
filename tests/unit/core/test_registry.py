import pytest

from core import Registry, UnknownNameError

ROWS = {"decoder": "json:JSONDecoder", "broken": "no_such_module:Thing"}


def test_a_name_is_imported_only_when_resolved() -> None:
    import json

    registry = Registry("thing", ROWS, group="swath.nothing")
    assert registry.names() == ("broken", "decoder")
    assert registry.resolve("decoder") is json.JSONDecoder


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown thing 'coder'; known: broken, decoder"):
        Registry("thing", ROWS, group="swath.nothing").resolve("coder")
