"""Requests made up from our own descriptions: no failure of the server, no answer that is not described.

``SWATH_SCHEMATHESIS`` sets how many requests are sent at least; the full size by default.
"""

import os
from pathlib import Path

import pytest

from tests.integration.made_up_requests import assert_described
from tests.integration.served import served_command
from tests.small_index import build_small_index

FULL_SIZE = 10_000


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_ten_thousand_made_up_requests(tmp_path: Path) -> None:
    wanted = int(os.environ.get("SWATH_SCHEMATHESIS", FULL_SIZE))
    with served_command(build_small_index(tmp_path / "index"), tmp_path / "log") as server:
        sent = assert_described(server, wanted, tmp_path)
        assert "Traceback" not in server.log.read_text()
    assert sent >= wanted
