"""``swath ask``: a question in, claims out, each with the tiles it rests on."""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath._ask_files import read_plan, read_turns, write_overview, write_pictures, write_turns
from swath._ask_printing import Printer
from swath._console import print_json
from swath._options import (
    H3,
    AsJson,
    BBox,
    Collections,
    Cql2,
    Datetime,
    Labels,
    MaxCloud,
    MinValid,
    Near,
    Radius,
    SensorNames,
    Within,
)

if TYPE_CHECKING:
    from retriever.rag import Answer, Asker, AskRequest, QueryPlan


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("ask")(ask)


def ask(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="In words.")] = None,
    index_dir: Annotated[
        str | None, typer.Option("--index", metavar="DIR", help="Index directory, or s3://bucket/prefix.")
    ] = None,
    scene: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask this one scene; --index is then beside it, for examples.")
    ] = None,
    scene_sensor: Annotated[
        str | None, typer.Option(metavar="S", help="Sensor of --scene, where the file does not say.")
    ] = None,
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
    tiles: Annotated[int, typer.Option(metavar="N", help="Most tiles of evidence, 1 to 50.")] = 12,
    plan: Annotated[Path | None, typer.Option(metavar="FILE", help="An edited plan; - reads standard input.")] = None,
    show_plan: Annotated[bool, typer.Option("--show-plan", help="Print how the question is read, and stop.")] = False,
    no_model: Annotated[bool, typer.Option("--no-model", help="Write from records even where a model is set.")] = False,
    follow: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="A dialogue: reads what was asked, appends this.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the evidence as pictures.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show every step that was taken.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a question; get claims that each cite tiles, or be told that the archive does not show it.

    Which model writes is set with SWATH_ANSWER_URL; without it answers are written from records alone.
    """
    from retriever import filters_given
    from retriever.rag import AskRequest

    edited = None if plan is None else read_plan(plan)
    request = AskRequest(
        question=_question(question, edited),
        plan=edited,
        filters=filters_given(
            bbox=bbox,
            within=within,
            near=near,
            radius_km=radius,
            h3=h3,
            datetime=datetime,
            sensor=sensor,
            collection=collection,
            label=label,
            max_cloud=max_cloud,
            min_valid=min_valid,
            filter=filter_,
        ),
        turns=() if follow is None else read_turns(follow),
        tiles=tiles,
        pictures=None if pictures is None else tiles,
        use_model=not no_model,
    )
    asker = _asker(index_dir, scene, scene_sensor, use_model=request.use_model)
    if show_plan:
        _print_plan(asker, request)
        return
    answer = _answered(asker, request, None if as_json else Printer(explain=explain, boxes=scene is not None))
    if as_json:
        _print_answer(answer, explain=explain)
    if follow is not None:
        write_turns(follow, request.turns, answer)
    if pictures is not None:
        write_pictures(pictures, answer.evidence)
        if scene is not None:
            write_overview(pictures, answer)


def _question(given: str | None, plan: QueryPlan | None) -> str:
    from core import QueryError

    if given is not None:
        return given
    if plan is not None:
        return plan.question
    raise QueryError('nothing is asked; write the question, e.g. swath ask "Which harbours are there?" --index DIR')


def _asker(index_dir: str | None, scene: Path | None, scene_sensor: str | None, *, use_model: bool) -> Asker:
    """Return what answers: an index, or one scene with an index beside it or without."""
    from core import QueryError

    if scene is not None:
        from swath._scene_asking import scene_asker

        return scene_asker(scene, index_dir=index_dir, sensor=scene_sensor, use_model=use_model)
    if index_dir is None:
        raise QueryError("nothing is asked about; give --index DIR, --scene FILE, or both")
    if scene_sensor is not None:
        raise QueryError("--scene-sensor goes with --scene; to ask about tiles of one sensor give --sensor")
    import swath

    return swath.open(index_dir).asker(use_model=use_model)


def _print_plan(asker: Asker, request: AskRequest) -> None:
    import anyio

    from retriever.rag import plan_document

    async def read() -> QueryPlan:
        try:
            return await asker.plan(request)
        finally:
            await asker.close()

    document = plan_document(anyio.run(read))
    # In ASCII: names in it may come from files, and hold terminal codes.
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _print_answer(answer: Answer, *, explain: bool) -> None:
    from retriever.rag import answer_document

    print_json(answer_document(answer, explain=explain))


def _answered(asker: Asker, request: AskRequest, printer: Printer | None) -> Answer:
    """Return the answer; Ctrl-C ends the work and the model's request, and is told as such."""
    import anyio

    async def work() -> Answer:
        from retriever.rag import Answer

        found: list[Answer] = []
        try:
            async with aclosing(asker.events(request)) as events:
                async for event in events:
                    if printer is not None:
                        printer.take(event)
                    if isinstance(event.value, Answer):
                        found.append(event.value)
        finally:
            await asker.close()
        return found[-1]

    try:
        return anyio.run(work)
    except KeyboardInterrupt:
        # Typer would end without a word.
        raise typer.Abort from None
