"""A small run of what tests/slow/test_schemathesis.py does at full size."""

from pathlib import Path

from tests.integration.made_up_requests import assert_described
from tests.integration.served import served_command
from tests.small_index import build_small_index


def test_three_hundred_made_up_requests_meet_no_failure(tmp_path: Path) -> None:
    with served_command(build_small_index(tmp_path / "index"), tmp_path / "log") as server:
        # Without the coverage phase, which sends some 4,000 requests whatever is wanted.
        assert assert_described(server, 300, tmp_path, phases="fuzzing") >= 200
        assert "Traceback" not in server.log.read_text()
