"""The example notebook runs from its first cell to its last, against an index and a server made for it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.integration.real import ROOT
from tests.integration.served import served_command

NOTEBOOK = ROOT / "examples" / "search.ipynb"


def read() -> NotebookNode:
    notebook: NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


@pytest.fixture(scope="module")
def address(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_command(demo_folder / "demo-archive" / "index", tmp_path_factory.mktemp("log") / "log") as found:
        yield found.url


@pytest.fixture(scope="module")
def executed(demo_folder: Path, address: str) -> NotebookNode:
    notebook = read()
    kept = {name: os.environ.get(name) for name in ("SWATH_URL", "PYTHONPATH")}
    os.environ |= {"SWATH_URL": address, "PYTHONPATH": str(ROOT)}
    try:
        client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(demo_folder)}})
        return client.execute()
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def outputs(executed: NotebookNode, says: str) -> list[NotebookNode]:
    return list(next(cell.outputs for cell in executed.cells if cell.cell_type == "code" and says in cell.source))


def test_hits_show_as_pictures_with_a_text_beside(executed: NotebookNode) -> None:
    (shown,) = outputs(executed, 'a river through farmland", sensor')
    assert shown.data["text/html"].count("<img") == 6
    assert re.fullmatch(r"<6 hits of 300 matching tiles for .*>", shown.data["text/plain"])


def test_facets_and_tables_show(executed: NotebookNode) -> None:
    (counted,) = outputs(executed, "FacetRequest(sensor=True")
    assert "'matched': 400" in counted.data["text/plain"]
    (table,) = outputs(executed, "to_geopandas")
    assert table.data["text/plain"].count("POLYGON") == 6


def test_the_server_was_asked(executed: NotebookNode) -> None:
    (listed,) = outputs(executed, "SwathClient")
    assert len(re.findall(r"'[^',]*~[^',]*'", listed.data["text/plain"])) == 3


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = read()
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
