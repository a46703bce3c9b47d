from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Asset, CloudMask, Display, Offset, Scene, VectorSpace
from indexer import TilingOptions
from indexer._plan import UNIT_SIDE, cut, make_job
from tests.unit.indexer.doubles import SENSOR, SPACE, scene

TILING = TilingOptions()


@given(st.integers(1, 200), st.integers(1, 200))
def test_units_cover_every_position_of_a_grid_once(rows: int, cols: int) -> None:
    units = cut(rows, cols)
    covered = Counter(
        (row, col)
        for unit in units
        for row in range(unit.row, unit.row + unit.rows)
        for col in range(unit.col, unit.col + unit.cols)
    )
    assert set(covered.values()) == {1}
    assert len(covered) == rows * cols
    assert max(max(unit.rows, unit.cols) for unit in units) <= UNIT_SIDE
    assert len({unit.name for unit in units}) == len(units)


def test_a_small_grid_is_one_unit() -> None:
    assert len(cut(UNIT_SIDE, UNIT_SIDE)) == 1
    assert len(cut(UNIT_SIDE + 1, 1)) == 2


def fingerprint(asked: Scene, tiling: TilingOptions = TILING, space: VectorSpace = SPACE) -> str:
    return make_job(asked, tiling, space).fingerprint


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    assert fingerprint(scene()) == fingerprint(scene())
    assert make_job(scene(), TILING, SPACE).key == make_job(scene(fingerprint="f2"), TILING, SPACE).key


BRIGHTER = replace(SENSOR.bands[0], display=Display(minimum=0, maximum=100))
CHANGED = {
    "source": replace(scene(), fingerprint="f2"),
    "label": replace(scene(), label="river"),
    "offset": replace(scene(), offset=Offset(value=-1000, origin="sensor")),
    "bands": replace(scene(), assets=(Asset(href="x", bands=("red",), indexes=(1,)),)),
    "band order": replace(scene(), assets=(replace(scene().assets[0], indexes=(3, 2, 1)),)),
    "cloud mask": replace(scene(), cloud_mask=CloudMask(href="m", index=1, values=(8, 9))),
    "display": replace(scene(), sensor=replace(SENSOR, bands=(BRIGHTER, *SENSOR.bands[1:]))),
    "encoding": replace(scene(), encoding=replace(SENSOR.encodings[0], scale=2.0)),
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED.keys())
def test_whatever_changes_a_row_changes_the_fingerprint(changed: Scene) -> None:
    assert fingerprint(changed) != fingerprint(scene())


def test_tiling_and_encoder_change_the_fingerprint() -> None:
    assert fingerprint(scene(), tiling=TilingOptions(min_valid=0.5)) != fingerprint(scene())
    assert fingerprint(scene(), space=replace(SPACE, revision="2")) != fingerprint(scene())


def test_newly_signed_links_and_corrected_titles_do_not_change_the_fingerprint() -> None:
    signed = replace(scene().assets[0], href=scene().assets[0].href + "?sig=abc")
    renamed = replace(SENSOR, title="Another title", source="https://example.org/new")
    assert fingerprint(replace(scene(), assets=(signed,), sensor=renamed)) == fingerprint(scene())
