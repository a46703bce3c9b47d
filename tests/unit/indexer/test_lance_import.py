"""LanceDB's import is made cheaper, and what it brings works as before."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
import pydantic
before = pydantic.validate_call
from indexer._lance import connect
connect({folder!r})
assert pydantic.validate_call is before
from lance_namespace_urllib3_client.api.table_api import TableApi
try:
    TableApi().list_tables(1)
except pydantic.ValidationError:
    print("checked")
"""


def test_clients_that_lancedb_brings_still_check_what_they_are_given(tmp_path: object) -> None:
    code = _CODE.format(folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("checked", "")
