"""``swath demo``, ``swath serve``: see it work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import stdout
from swath._errors import PARTLY_FAILED

if TYPE_CHECKING:
    from demo import DemoQuery
    from swath._index import Index


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("demo")(demo)
    app.command("serve")(serve)


def demo(
    into: Annotated[Path, typer.Option(metavar="DIR", help="Where to put archive, index and pictures.")] = Path(
        "demo-archive"
    ),
    seed: Annotated[int, typer.Option(help="Seed of the synthetic landscape.")] = 7,
) -> int:
    """Make a small synthetic archive, index it, search it, write contact sheets."""
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
    return PARTLY_FAILED if report.failures else 0


def _ask(index: Index, query: DemoQuery, sheet: Path) -> None:
    """Search, and say how many hits are right: the landscape's truth is known."""
    from swath._cmd_search import print_hits

    hits = index.search(text=query.text, sensor=query.sensor, k=5)
    print_hits(hits, title=f"\n{query.text!r}")
    right = sum(hit.tile_id in query.tile_ids for hit in hits)
    stdout().print(f"{right} of {len(hits)} truly show it; by chance {len(query.tile_ids) / hits.matched:.0%} would")
    hits.contact_sheet().save(sheet)
    stdout().print(f"pictures: {sheet}", markup=False)


def serve(
    index_dir: Annotated[Path, typer.Option("--index", metavar="DIR", help="Index directory.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
) -> None:
    """Serve an index over HTTP (/v1/search, /v1/index, /healthz)."""
    import uvicorn

    from api import create_app, server_options

    uvicorn.run(create_app(index_dir), host=host, port=port, **server_options())
