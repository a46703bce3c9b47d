"""Instants, intervals and dates in file names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import InputError, NamePattern, QueryError, SceneError, parse_instant, parse_interval

DAY_END = datetime(2020, 6, 1, 23, 59, 59, 999999, UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-06-01T10:20:30Z", datetime(2020, 6, 1, 10, 20, 30, tzinfo=UTC)),
        ("2020-06-01t10:20:30z", datetime(2020, 6, 1, 10, 20, 30, tzinfo=UTC)),
        ("2020-06-01 10:20:30Z", datetime(2020, 6, 1, 10, 20, 30, tzinfo=UTC)),
        ("2020-06-01T10:20:30.5+02:00", datetime(2020, 6, 1, 8, 20, 30, 500000, tzinfo=UTC)),
        ("2020-06-01T10:20:30.123456789Z", datetime(2020, 6, 1, 10, 20, 30, 123456, tzinfo=UTC)),
        (" 2020-06-01 ", datetime(2020, 6, 1, tzinfo=UTC)),
    ],
)
def test_instants_come_back_in_utc(text: str, expected: datetime) -> None:
    assert parse_instant(text) == expected
    assert parse_instant(text).tzinfo is UTC


@given(st.datetimes(), st.integers(-23 * 60, 23 * 60))
def test_every_rfc_3339_instant_survives(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        with pytest.raises(QueryError):
            parse_instant(moment.isoformat())
        return
    assert parse_instant(moment.isoformat()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "today", "2020", "2020-06", "2020-6-1", "20200601", "2020-13-01", "2020-02-30", "2020-06-01T25:00:00Z",
        "2020-06-01T10Z", "2020-06-01T10:20Z", "20200601T102030Z", "2020-W01-1", "2020-06-01T10:20:30,5Z", "..",
        "2020-06-01T00:00:00+0200", "0001-01-01T00:00:00+05:00", "٢٠٢٠-06-01",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(QueryError, match="expected RFC 3339 such as"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2020-06-01T10:20:30", "2020-06-01 10:20:30"])
def test_an_instant_without_a_time_zone_is_refused_as_such(text: str) -> None:
    with pytest.raises(QueryError, match="no time zone"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2020-06-01", datetime(2020, 6, 1, tzinfo=UTC), DAY_END),
        ("2020-05-01/2020-06-01", datetime(2020, 5, 1, tzinfo=UTC), DAY_END),
        ("../2020-06-01", None, DAY_END),
        ("/2020-06-01", None, DAY_END),
        ("2020-06-01/..", datetime(2020, 6, 1, tzinfo=UTC), None),
        ("2020-06-01/", datetime(2020, 6, 1, tzinfo=UTC), None),
        ("2020-06-01T00:00:00Z", datetime(2020, 6, 1, tzinfo=UTC), datetime(2020, 6, 1, tzinfo=UTC)),
        ("9999-12-31", datetime(9999, 12, 31, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    ],
)
def test_intervals_hold_both_ends_and_a_day_is_whole(text: str, start: datetime | None, end: datetime | None) -> None:
    assert parse_interval(text) == (start, end)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("../..", "open at both ends"),
        ("/", "open at both ends"),
        ("2020-06-02/2020-06-01", "starts after it ends"),
        ("2020-06-01/2020-06-02/2020-06-03", "cannot be read"),
        ("2020-06-01/P1D", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_what_is_no_interval_is_refused(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        parse_interval(text)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("%Y%m%d", "m_4709963_se_14_1_20100629", datetime(2010, 6, 29)),
        ("%Y", "1990", datetime(1990, 1, 1)),
        ("%Y", "scene_20100629_x", None),  # four digits of eight are no year
        ("%Y%j", "LC08_2020153", datetime(2020, 6, 1)),
        ("%d%b%Y", "img-01Jun2020", datetime(2020, 6, 1)),
        ("%d %B %Y", "1 01 June 2020", datetime(2020, 6, 1)),
        ("_%Y%m%dT%H%M%S", "S2A_MSIL2A_20200601T101031_N0214", datetime(2020, 6, 1, 10, 10, 31)),
        ("MSIL2A_%Y%m%dT", "S2A_MSIL2A_20200601T101031_N0214_20200602T111111", datetime(2020, 6, 1)),
        ("A%Y", "7A2020", datetime(2020, 1, 1)),
        ("%Y%m%d", "99999999_20200601", datetime(2020, 6, 1)),  # eight digits that are no date hide nothing
        ("%y%m%d.%f", "200601.5", datetime(2020, 6, 1, microsecond=500000)),
        ("100%%_%Y", "100%_2020", datetime(2020, 1, 1)),
        ("(%Y)", "a(2020)b", datetime(2020, 1, 1)),
        ("%Y%m%d", "no date", None),
        ("%Y%m%d", "20200601_20200601", datetime(2020, 6, 1)),
        ("%Y_%m_%d", "2020_13_2020_06_01", datetime(2020, 6, 1)),
    ],
)
def test_dates_are_found_in_names(pattern: str, name: str, expected: datetime | None) -> None:
    assert NamePattern(pattern).find(name) == (expected.replace(tzinfo=UTC) if expected else None)


def test_a_name_with_two_dates_is_not_guessed_about() -> None:
    with pytest.raises(SceneError, match=r"2020-06-01.*2021-07-02.*add literal text"):
        NamePattern("%Y%m%d").find("20200601_20210702")


@pytest.mark.parametrize("pattern", ["", "%m%d", "%Y%Q", "%Y%", "year", "%s"])
def test_a_pattern_without_a_year_or_with_unknown_directives_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="needs a year and only the directives"):
        NamePattern(pattern)


def test_a_pattern_that_repeats_a_directive_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        NamePattern("%Y_%Y%m%d")


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 12, 31)))
def test_a_date_written_with_a_pattern_is_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    name = f"tile_7_{moment:%Y-%m-%dT%H%M%S}_v2"
    assert NamePattern("%Y-%m-%dT%H%M%S").find(name) == moment.replace(tzinfo=UTC)
