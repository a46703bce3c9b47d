import inspect

import pytest

import core
from core import MissingExtraError, SwathError

LEAVES = [value for _, value in inspect.getmembers(core, inspect.isclass) if issubclass(value, SwathError)]


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_error_is_drawn_in_the_tree(leaf: type[SwathError]) -> None:
    from core import _errors

    assert leaf.__name__ in (_errors.__doc__ or "")


def test_bad_input_exits_with_two_and_failures_with_one() -> None:
    assert core.QueryError("x").exit_code == 2
    assert core.StoreError("x").exit_code == 1


def test_a_missing_extra_shows_its_install_line() -> None:
    assert "pip install 'swath[torch]'" in str(MissingExtraError("torch", extra="torch"))
