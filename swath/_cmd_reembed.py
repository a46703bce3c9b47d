"""``swath reembed``: vectors of another encoder for an index that goes on answering."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from swath._console import print_json, stderr, stdout
from swath._errors import PARTLY_FAILED
from swath._options import AsJson, IndexArgument

if TYPE_CHECKING:
    from indexer.reembedding import DropReport, GenerationState, Missing, ReembedReport, ReembedStatus, SwitchReport
    from retriever import ShadowReport

SHOWN_SCENES = 20
"""Scenes listed on the terminal; --json lists them all."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("reembed")(reembed)


def reembed(
    index_dir: IndexArgument,
    encoder: Annotated[
        str | None, typer.Option(metavar="NAME", help="Make its vectors for every tile; see: swath encoders.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Say how far it is.")] = False,
    shadow: Annotated[bool, typer.Option("--shadow", help="Ask both encoders the same and compare.")] = False,
    switch: Annotated[bool, typer.Option("--switch", help="Let the new vectors answer, in one step.")] = False,
    roll_back: Annotated[bool, typer.Option("--roll-back", help="Let the vectors before them answer again.")] = False,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Throw away vectors that no longer answer.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Throw away vectors that are being made.")] = False,
    without_missing: Annotated[
        bool, typer.Option("--without-missing", help="Switch though scenes are missing, which nothing finds then.")
    ] = False,
    text: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="With --shadow: look for this, too; may be repeated.")
    ] = None,
    sample: Annotated[int, typer.Option(metavar="N", help="With --shadow: tiles to look for.")] = 100,
    k: Annotated[int, typer.Option("-k", metavar="N", help="With --shadow: hits compared.")] = 10,
    keep_days: Annotated[
        float | None,
        typer.Option(metavar="DAYS", help="With --drop-old: they stay so long after the switch; else SWATH_KEEP_DAYS."),
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Reader threads.")] = None,
    as_json: AsJson = False,
) -> int:
    """Change the encoder of an index while it is searched: make vectors, compare, switch, return.

    First --encoder NAME, again and again until nothing is missing; then --shadow, --switch, perhaps --roll-back; at
    last --drop-old.
    """
    steps = {
        "--encoder": encoder is not None, "--status": status, "--shadow": shadow, "--switch": switch,
        "--roll-back": roll_back, "--drop-old": drop_old, "--cancel": cancel,
    }  # fmt: skip
    _check_one(steps)
    if encoder is not None:
        return _embed(index_dir, encoder, workers, as_json=as_json)
    if status:
        return _status(index_dir, as_json=as_json)
    if shadow:
        return _shadow(index_dir, sample, k, tuple(text or ()), as_json=as_json)
    if switch or roll_back:
        return _switch(index_dir, back=roll_back, without_missing=without_missing, as_json=as_json)
    return _drop(index_dir, cancelled=cancel, keep_days=keep_days, as_json=as_json)


def _check_one(steps: dict[str, bool]) -> None:
    from core import InputError

    given = [name for name, wanted in steps.items() if wanted]
    if len(given) != 1:
        said = " and ".join(given) if given else "none"
        raise InputError(f"say one of {', '.join(steps)}; got {said}")


def _embed(index_dir: IndexArgument, encoder: str, workers: int | None, *, as_json: bool) -> int:
    from swath._progress import Line
    from swath._reembedding import reembed_index

    with Line("looking for scenes") as line:
        report = reembed_index(index_dir, encoder=encoder, workers=workers, progress=line.ingest, optimizing=line.count)
    print_json(report) if as_json else _print_embedded(report, index_dir)
    return PARTLY_FAILED if report.missing else 0


def _print_embedded(report: ReembedReport, index_dir: IndexArgument) -> None:
    _print_missing(report.missing)
    for note in report.notes:
        stderr().print(f"note: {note}", markup=False, soft_wrap=True)
    space = f"{report.encoder}@{report.revision}"
    removed = f", {report.removed:,} scenes gone" if report.removed else ""
    passages = f", {report.passages:,} passages" if report.passages else ""
    did = f"{report.tiles:,} tiles of {report.scenes:,} scenes embedded by {space}{removed}{passages}"
    out = stdout()
    out.print(f"{did}; {report.tiles_per_second:.0f} tiles/s; {report.seconds:.1f} s", markup=False, soft_wrap=True)
    if report.complete:
        out.print(
            f"nothing is missing; let it answer: swath reembed {index_dir} --switch", markup=False, soft_wrap=True
        )


def _print_missing(missing: tuple[Missing, ...]) -> None:
    from core import printable

    err = stderr()
    for scene in missing[:SHOWN_SCENES]:
        named = f"scene {scene.scene_id} of {scene.collection}, {scene.tiles:,} tiles ({scene.href})"
        err.print(printable(f"missing: {named}: {scene.reason}"), markup=False, soft_wrap=True)
    if len(missing) > SHOWN_SCENES:
        err.print(f"... and {len(missing) - SHOWN_SCENES:,} more scenes; --json lists them all")


def _status(index_dir: IndexArgument, *, as_json: bool) -> int:
    from indexer.reembedding import reembed_status

    found = reembed_status(index_dir)
    print_json(found) if as_json else _print_status(found)
    return 0


def _print_status(found: ReembedStatus) -> None:
    out = stdout()
    for state in (found.current, found.next, found.previous):
        if state is not None:
            out.print(_in_words(state, found.current), markup=False, soft_wrap=True)
    if found.running:
        out.print("a swath reembed is running")


def _in_words(state: GenerationState, current: GenerationState) -> str:
    held = f"{state.role}: {state.encoder}@{state.revision} ({state.dim} numbers), {state.tiles:,} tiles"
    snapshot = "with a search snapshot" if state.search_snapshot else "without a search snapshot"
    if state is current:
        return f"{held} of {state.scenes:,} scenes, {snapshot}"
    done = 100.0 if not current.tiles else 100 * max(0.0, 1 - state.tiles_missing / current.tiles)
    left = (
        "complete" if state.complete else f"{state.scenes_missing:,} scenes and {state.tiles_missing:,} tiles missing"
    )
    gone = f", {state.scenes_gone:,} scenes too many" if state.scenes_gone else ""
    knowledge = "" if state.knowledge_agrees else ", other passages of knowledge"
    return f"{held}, {done:.1f} % of the current ones; {left}{gone}{knowledge}, {snapshot}; {state.folder}"


def _shadow(index_dir: IndexArgument, sample: int, k: int, texts: tuple[str, ...], *, as_json: bool) -> int:
    from swath._reembedding import shadow_report

    report = shadow_report(index_dir, sample=sample, k=k, texts=texts)
    print_json(report) if as_json else _print_shadow(report)
    return 0


def _print_shadow(report: ShadowReport) -> None:
    out = stdout()
    agree = f"{report.tiles:,} tiles looked for: overlap@{report.k} {report.overlap:.3f} (least {report.least:.1f})"
    out.print(f"{report.current} and {report.other}, which has {report.share:.1%} of the tiles", markup=False)
    out.print(agree, markup=False)
    for each in report.texts:
        out.print(f"{each.text!r}: overlap@{report.k} {each.overlap:.1f}", markup=False, soft_wrap=True)
    for name, latency in ((report.current, report.current_latency), (report.other, report.other_latency)):
        out.print(f"{name}: p50 {latency.p50_ms:.1f} ms, p99 {latency.p99_ms:.1f} ms", markup=False)


def _switch(index_dir: IndexArgument, *, back: bool, without_missing: bool, as_json: bool) -> int:
    from swath._reembedding import resting_watches, switch_index

    report = switch_index(index_dir, back=back, without_missing=without_missing)
    resting = resting_watches(index_dir)
    if as_json:
        print_json({"switch": report, "resting_watches": resting})
        return 0
    _print_switched(report)
    for watch in resting:
        line = (
            f"note: the watch {watch.name} was made with {watch.encoder}; it rests until it is removed and added again"
        )
        stderr().print(line, markup=False, soft_wrap=True)
    return 0


def _print_switched(report: SwitchReport) -> None:
    _print_missing(report.missing)
    for note in report.notes:
        stderr().print(f"note: {note}", markup=False, soft_wrap=True)
    space = f"{report.encoder}@{report.revision}"
    out = stdout()
    out.print(f"{space} answers now; a server does as soon as it has loaded the encoder", markup=False)
    out.print(f"to return: swath reembed {report.index} --roll-back", markup=False, soft_wrap=True)


def _drop(index_dir: IndexArgument, *, cancelled: bool, keep_days: float | None, as_json: bool) -> int:
    from indexer.reembedding import cancel, drop_old

    keep = None if keep_days is None else timedelta(days=keep_days)
    report: DropReport = cancel(index_dir) if cancelled else drop_old(index_dir, keep=keep)
    if as_json:
        print_json(report)
    else:
        stdout().print(f"dropped {len(report.generations)} generation of vectors, {report.bytes / 1e6:,.1f} MB")
    return 0
