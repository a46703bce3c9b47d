"""Every reader takes an input or refuses it in one line, whatever hypothesis makes of a good one.

``SWATH_FUZZ_EXAMPLES=2000`` makes it thorough; ``make fuzz`` does more, in processes with limits of time and memory.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz import TARGETS, Target, judge, mutated, target_named

EXAMPLES = int(os.environ.get("SWATH_FUZZ_EXAMPLES", "6"))
"""Of each test; in the normal suite as many as cost a few seconds in all."""

# Those of the service start one, and are fuzzed by schemathesis and by hand elsewhere, too.
READERS = [target.name for target in TARGETS if not target.name.startswith("http")]
DOCUMENTS = [target.name for target in TARGETS if target.kind == "json" and target.name in READERS]

quietly = settings(
    max_examples=EXAMPLES,
    deadline=None,  # a busy machine is no fault; limits of time are kept by make fuzz
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)

edits = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 4), st.binary(max_size=6)), min_size=1, max_size=6)
"""Where, how many bytes are taken out, and what is put there."""

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def edited(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, taken, put in changes:
        at = place % (len(data) + 1)
        data = data[:at] + put + data[at + taken :]
    return data


def replaced(node: Any, path: list[int], value: Any) -> Any:
    """Walk down by the numbers, each the child of that number, and put the value where they end."""
    if not path or not isinstance(node, dict | list) or not node:
        return value
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    key = keys[path[0] % len(keys)]
    whole = node.copy()
    whole[key] = replaced(node[key], path[1:], value)
    return whole


def check(target: Target, data: bytes) -> None:
    outcome = judge(target, data)
    assert outcome.kind != "fault", f"{outcome.name}: {outcome.message}; the input is {data!r}"


@pytest.mark.parametrize("name", READERS)
def test_damaged_bytes_are_taken_or_refused(name: str) -> None:
    target = target_named(name)

    @quietly
    @given(seed=st.sampled_from(list(target.seeds())), changes=edits)
    def run(seed: bytes, changes: list[tuple[int, int, bytes]]) -> None:
        check(target, edited(seed, changes))

    run()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_with_other_values_are_taken_or_refused(name: str) -> None:
    target = target_named(name)

    @quietly
    @given(seed=st.sampled_from(list(target.seeds())), path=st.lists(st.integers(0, 20), max_size=6), value=values)
    def run(seed: bytes, path: list[int], value: Any) -> None:
        check(target, json.dumps(replaced(json.loads(seed), path, value)).encode())

    run()


@pytest.mark.parametrize("name", READERS)
def test_inputs_changed_by_their_format_are_taken_or_refused(name: str) -> None:
    target = target_named(name)
    seeds = list(target.seeds())
    for number in range(EXAMPLES):
        check(target, mutated(target, seeds, seed=0, number=number))


def test_the_same_seed_and_number_give_the_same_input() -> None:
    target = target_named("geojson-area")
    seeds = list(target.seeds())
    made = [mutated(target, seeds, seed=5, number=number) for number in range(20)]
    assert made == [mutated(target, seeds, seed=5, number=number) for number in range(20)]
    assert len(set(made)) > 15
    assert not set(made) & set(seeds)


def test_an_unknown_exception_is_a_fault() -> None:
    def read(data: bytes) -> None:
        raise KeyError(data)

    target = Target(name="a", kind="bytes", seeds=lambda: [b"a"], read=read)
    assert judge(target, b"a").kind == "fault"
