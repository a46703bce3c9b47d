import os
from pathlib import Path

import pytest

from core import InputError, QueryError, parse_geometry, read_limited


def test_reads_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_limited(tmp_path / "a", 5) == b"12345"
    with pytest.raises(InputError, match="larger than 4 bytes"):
        read_limited(tmp_path / "a", 4)


def test_a_device_that_never_ends_is_refused() -> None:
    with pytest.raises(InputError, match="not a regular file"):
        read_limited(Path("/dev/zero"), 10)


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        read_limited(tmp_path / "pipe", 10)


def test_a_search_area_is_read_no_further_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_MAX_METADATA_BYTES", "100")
    (tmp_path / "area.geojson").write_text(" " * 200)
    with pytest.raises(QueryError, match="larger than 100 bytes"):
        parse_geometry(tmp_path / "area.geojson")
