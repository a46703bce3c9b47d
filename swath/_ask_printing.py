"""An answer on the terminal, as it comes: claims, then what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from swath._console import print_table, stderr, stdout

if TYPE_CHECKING:
    from rich.console import Console

    from core import Record
    from retriever.rag import Answer, Claim, Event, EvidenceSet, EvidenceTile


class Printer:
    """Prints what happens while a question is answered.

    Args:
        explain: Whether every step is shown at the end.
        boxes: Whether tiles are told by their columns and rows in the scene.
    """

    def __init__(self, *, explain: bool, boxes: bool = False) -> None:
        self._explain = explain
        self._boxes = boxes
        self._out = stdout()
        self._progress = stderr()
        self._claims = 0

    def take(self, event: Event) -> None:
        """Print one event."""
        from retriever.rag import Answer, Claim, Step

        value = event.value
        if isinstance(value, Step):
            self._step(value.text)
        elif isinstance(value, Claim):
            self._claim(value)
        elif isinstance(value, Answer):
            self._answer(value)

    def _step(self, text: str) -> None:
        """Steps are for who waits; what is piped on holds the answer alone."""
        if self._progress.is_terminal:
            self._say(self._progress, text, style="dim")

    def _claim(self, claim: Claim) -> None:
        self._claims += 1
        sure = "" if claim.confidence is None else f" ({claim.confidence:.0%})"
        marks = "".join(f"[{number}]" for number in claim.cites)
        self._say(self._out, f"- {claim.text} {marks}{sure}")
        # Claims come one by one, also to a program that reads them.
        self._out.file.flush()

    def _answer(self, answer: Answer) -> None:
        if answer.abstained is not None:
            again = "What is above does not hold. " if self._claims else ""
            self._say(self._out, f"{again}No answer: {answer.abstained}", style="bold")
        for caveat in answer.caveats:
            self._say(self._out, f"! {caveat}")
        for dropped in answer.dropped:
            self._say(self._out, f"x left out, {dropped.reason}: {dropped.text}")
        _print_evidence(answer.evidence, boxes=self._boxes)
        self._say(self._out, _written_by(answer), style="dim")
        if self._explain:
            rows = ((step.name, f"{step.seconds:.2f}", step.text) for step in answer.trace)
            print_table("steps", ("step", "seconds", ""), rows)

    def _say(self, console: Console, text: str, *, style: str | None = None) -> None:
        from core import printable

        console.print(printable(text), markup=False, soft_wrap=not console.is_terminal, style=style)


def _print_evidence(evidence: EvidenceSet, *, boxes: bool) -> None:
    if evidence.tiles:
        sure = any(tile.probability is not None for tile in evidence.tiles)
        place = "columns, rows" if boxes else "lat, lon"
        columns = ("", "tile", "date", "sensor", place, "score", *(["probability"] if sure else []), "found as")
        title = f"evidence: {len(evidence.tiles)} of {evidence.matched:,} matching tiles"
        print_table(title, columns, (_row(tile, sure=sure, boxes=boxes) for tile in evidence.tiles))
    if evidence.passages:
        rows = ((f"[{each.number}]", each.passage.title, each.passage.source) for each in evidence.passages)
        print_table(None, ("", "text", "from"), rows)


def _row(tile: EvidenceTile, *, sure: bool, boxes: bool) -> tuple[object, ...]:
    record = tile.record
    place = _box(record) if boxes else _place(record)
    day = None if record.datetime is None else f"{record.datetime:%Y-%m-%d}"
    score = None if tile.score is None else f"{tile.score:.3f}"
    chance = [None if tile.probability is None else f"{tile.probability:.2g}"] if sure else []
    return (f"[{tile.number}]", record.tile_id, day, record.sensor, place, score, *chance, tile.sought)


def _place(record: Record) -> str | None:
    return None if record.centroid is None else f"{record.centroid[1]:.4f}, {record.centroid[0]:.4f}"


def _box(record: Record) -> str:
    window = record.window
    across, down = window.col_off + window.width, window.row_off + window.height
    return f"{window.col_off}-{across}, {window.row_off}-{down}"


def _written_by(answer: Answer) -> str:
    if answer.written_by == "model":
        return f"written by {answer.model}, then checked: every statement cites tiles or texts above"
    return "written from records" + (" alone" if answer.model is None else f", without {answer.model}")
