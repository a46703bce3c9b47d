"""``swath watch``: searches that are kept, and asked of every tile that is added."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, print_table, stderr, stdout
from swath._errors import PARTLY_FAILED
from swath._logs import logs_lines
from swath._options import (
    H3,
    AsJson,
    BBox,
    Collections,
    Cql2,
    Datetime,
    IndexArgument,
    Labels,
    MaxCloud,
    MinValid,
    Near,
    Radius,
    SensorNames,
    Within,
)
from swath._sought import (
    Calibrated,
    Expand,
    ImageSensor,
    Like,
    MinProbability,
    MinScore,
    Minus,
    Picture,
    Plus,
    Prompts,
    Terms,
    sought,
)

if TYPE_CHECKING:
    from retriever.watches import Watch, WatchRun, WatchStatus

Name = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, dots, dashes and underscores.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    watch = typer.Typer(name="watch", help="Keep searches that new tiles are compared with.", no_args_is_help=True)
    watch.command("add")(add)
    watch.command("list")(list_)
    watch.command("matches")(matches)
    watch.command("run")(run)
    watch.command("remove")(remove)
    app.add_typer(watch, name="watch")


def add(
    index_dir: IndexArgument,
    name: Name,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="What to look for, in words.")] = None,
    image: Picture = None,
    like: Like = None,
    plus: Plus = None,
    minus: Minus = None,
    term: Terms = None,
    image_sensor: ImageSensor = None,
    min_score: MinScore = None,
    min_probability: MinProbability = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append matches there: .geojsonl, or .jsonl without footprints.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Post matches there; its host must be in SWATH_ALLOWED_HOSTS.")
    ] = None,
    past: Annotated[bool, typer.Option("--past", help="The tiles in the index count as new, too.")] = False,
    bbox: BBox = None,
    within: Within = None,
    near: Near = None,
    radius: Radius = None,
    h3: H3 = None,
    datetime: Datetime = None,
    sensor: SensorNames = None,
    collection: Collections = None,
    label: Labels = None,
    max_cloud: MaxCloud = None,
    min_valid: MinValid = None,
    filter_: Cql2 = None,
    prompts: Prompts = True,
    expand: Expand = None,
    calibrated: Calibrated = None,
    as_json: AsJson = False,
) -> None:
    """Keep a search; give --min-score or --min-probability."""
    import swath

    status = swath.open(index_dir).watches.add(
        name,
        file=to,
        webhook=webhook,
        past=past,
        **sought(
            image=image,
            like=like,
            plus=plus,
            minus=minus,
            term=term,
            prompts=prompts,
            expand=expand,
            calibrated=calibrated,
        ),
        text=text,
        image_sensor=image_sensor,
        min_score=min_score,
        min_probability=min_probability,
        bbox=bbox,
        within=within,
        near=near,
        radius_km=radius,
        h3=h3 or (),
        datetime=datetime,
        sensor=sensor or (),
        collection=collection or (),
        label=label or (),
        max_cloud=max_cloud,
        min_valid=min_valid,
        filter=filter_,
    )
    if as_json:
        print_json(_told(status))
        return
    since = "the tiles it holds and all that" if past else "tiles that"
    stdout().print(f"watching {index_dir}: {since} are added from now on are compared with {name}", markup=False)


def list_(index_dir: IndexArgument, as_json: AsJson = False) -> None:
    """List the watches of an index."""
    import swath

    listed = list(swath.open(index_dir).watches.listed())
    if as_json:
        print_json([{"name": name, "problem": each} if isinstance(each, str) else _told(each) for name, each in listed])
    elif not listed:
        words = f"swath watch add {index_dir} rivers --text 'a river' --min-score 0.25"
        stdout().print(f"no watches yet; add one with: {words}", markup=False)
    else:
        columns = ("watch", "looks for", "at least", "to", "matches", "waiting", "last run", "problem")
        print_table(None, columns, (_row(name, each) for name, each in listed))


def matches(
    index_dir: IndexArgument,
    name: Name,
    since: Annotated[int, typer.Option(metavar="N", help="Only matches after this number.")] = 0,
    limit: Annotated[int, typer.Option(metavar="N", help="Most matches.")] = 100,
) -> None:
    """Print what a watch has found, a GeoJSON Feature a line."""
    import swath

    for match in swath.open(index_dir).watches.matches(name, since=since, limit=limit):
        print_json(match)


def run(
    index_dir: IndexArgument,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only this watch.")] = None,
    as_json: AsJson = False,
) -> int:
    """Look at what came since the last run; swath index does so by itself."""
    import swath

    runs = swath.open(index_dir).watches.run(name)
    if as_json:
        print_json(runs)
    else:
        for each in runs:
            print_run(each)
        if not runs:
            stdout().print("no watches yet; see: swath watch add --help", markup=False)
    return PARTLY_FAILED if any(each.problem for each in runs) else 0


def remove(index_dir: IndexArgument, name: Name) -> None:
    """Forget a watch and its matches; a file that it wrote stays."""
    import swath

    swath.open(index_dir).watches.remove(name)
    stdout().print(f"removed {name}", markup=False)


def print_run(run: WatchRun) -> None:
    """Print what a run of a watch found, and what went wrong on stderr."""
    found = f"watch {run.name}: {run.matches:,} new matches among {run.tiles:,} new tiles"
    delivered = f", {run.sent:,} delivered" if run.sent else ""
    waiting = f", {run.waiting:,} waiting" if run.waiting else ""
    stdout().print(f"{found}{delivered}{waiting}", markup=False, soft_wrap=True)
    print_problem(run)


def print_problem(run: WatchRun) -> None:
    """Print what went wrong in a run of a watch, if anything did, on stderr."""
    from core import printable

    if run.problem is not None and not logs_lines():
        kept = "; nothing is lost, the next run tries again"
        stderr().print(printable(f"watch {run.name}: {run.problem}{kept}"), markup=False, soft_wrap=True)


def _told(status: WatchStatus) -> dict[str, object]:
    watch, progress = status.watch, status.progress
    return {
        "name": watch.name,
        "about": watch.about,
        "asked": watch.asked,
        "encoder": str(watch.space),
        "created": watch.created,
        "file": watch.file,
        "webhook": _host(watch),
        "matches": status.matches,
        "waiting": status.waiting,
        "ran": progress.ran,
        "problem": progress.problem,
    }


def _row(name: str, status: WatchStatus | str) -> tuple[object, ...]:
    if isinstance(status, str):
        return (name, *[None] * 6, status)
    watch, progress = status.watch, status.progress
    about = ", ".join(f"{kind} {value}" for kind, value in watch.about.items())
    least = [f"{kind[4:]} {watch.asked[kind]}" for kind in ("min_score", "min_probability") if kind in watch.asked]
    place = watch.file or _host(watch)
    ran = None if progress.ran is None else f"{progress.ran:%Y-%m-%d %H:%M} UTC"
    return name, about, ", ".join(least), place, status.matches, status.waiting, ran, progress.problem


def _host(watch: Watch) -> str | None:
    from retriever.watches import webhook_host

    return None if watch.webhook is None else webhook_host(watch.webhook)
