"""``swath demo``: see it work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._cmd_serve import print_open
from swath._console import stdout
from swath._errors import PARTLY_FAILED

if TYPE_CHECKING:
    from demo import DemoQuery
    from swath._index import Index


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("demo")(demo)


def demo(
    into: Annotated[Path, typer.Option(metavar="DIR", help="Where to put archive, index and pictures.")] = Path(
        "demo-archive"
    ),
    seed: Annotated[int, typer.Option(help="Seed of the synthetic landscape.")] = 7,
    serve: Annotated[
        bool | None, typer.Option("--serve/--no-serve", help="Open the map page in the end; default: on a terminal.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the map page.")] = 8000,
) -> int:
    """Make a small synthetic archive, index it, search it, write contact sheets, serve the map page."""
    import swath
    from demo import generate
    from swath._cmd_index import print_report
    from swath._progress import Line

    out = stdout()
    out.print("1. generating a synthetic Sentinel-1 and Sentinel-2 archive (not observations)")
    with Line("drawing scenes") as line:
        archive = generate(into / "archive", seed=seed, progress=line.count)
    out.print(f"   {archive.catalog}\n2. indexing it", markup=False)
    with Line("looking for scenes") as line:
        report = swath.index(str(archive.catalog), into=into / "index", progress=line.ingest)
    print_report(report, into / "index")
    out.print("3. searching it")
    index = swath.open(into / "index")
    for number, query in enumerate(archive.queries, start=1):
        _ask(index, query, into / f"search-{number}.png")
    _open_page(into / "index", port=port, now=_on_terminal() if serve is None else serve)
    return PARTLY_FAILED if report.failures else 0


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ask(index: Index, query: DemoQuery, sheet: Path) -> None:
    """Search, and say how many hits are right: the landscape's truth is known."""
    from swath._cmd_search import print_hits

    hits = index.search(text=query.text, sensor=query.sensor, k=5)
    print_hits(hits, title=f"\n{query.text!r}")
    right = sum(hit.tile_id in query.tile_ids for hit in hits)
    stdout().print(f"{right} of {len(hits)} truly show it; by chance {len(query.tile_ids) / hits.matched:.0%} would")
    hits.contact_sheet().save(sheet)
    stdout().print(f"pictures: {sheet}", markup=False)


def _open_page(index: Path, *, port: int, now: bool) -> None:
    """Serve the page, or say how; in a script nothing should wait for ever."""
    out = stdout()
    if not now:
        out.print(f"\nopen http://127.0.0.1:{port}/ after: swath serve --index {index} --port {port}", markup=False)
        return
    from api import ServeConfig, run_server
    from swath._logs import server_form

    out.print("\n4. serving it", markup=False)
    config = ServeConfig(indexes={"demo": index})
    run_server(
        config,
        host="127.0.0.1",
        port=port,
        ready=lambda address: print_open(address, config.indexes),
        log=server_form(),
    )
