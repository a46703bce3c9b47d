"""Evidence sets made by hand, for tests of what a model is shown and of what it may say."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Literal

from PIL import Image
from shapely.geometry import box

from core import AnswerSettings, Offset, PixelWindow, Record
from retriever.rag import (
    EvidencePassage,
    EvidencePicture,
    EvidenceSet,
    EvidenceTile,
    Fact,
    Passage,
    PlannedPlace,
    QueryPlan,
)

QUESTION = "Which harbours were flooded after the storm in March 2020?"
DAYS = ("2019-08-02", "2020-03-14", "2020-03-20")


def settings(**changed: Any) -> AnswerSettings:
    """Settings that no environment changes."""
    given: dict[str, Any] = {
        "url": "http://127.0.0.1:9/v1",
        "model": "tiny",
        "key": "",
        "retries": 0,
        "timeout_s": 10,
    } | changed
    return AnswerSettings(**given)


def a_record(day: str | None = DAYS[0], **changed: Any) -> Record:
    record = Record(
        tile_id="ports~S2A_1~r0001c0002",
        scene_id="S2A_1",
        collection="ports",
        sensor="sentinel-2-l2a",
        encoding="dn",
        datetime=None if day is None else datetime.fromisoformat(day).replace(hour=10, tzinfo=UTC),
        bbox=(4.1, 51.9, 4.2, 52.0),
        centroid=(4.15, 51.95),
        footprint=box(4.1, 51.9, 4.2, 52.0),
        h3=None,
        h3_cover=(),
        gsd=10.0,
        crs="EPSG:32631",
        href="/archive/S2A_1.tif",
        window=PixelWindow(col_off=0, row_off=0, width=224, height=224),
        valid=1.0,
        cloud=0.12,
        offset=Offset(),
        label=None,
        captions=(),
        preview=b"",
    )
    return replace(record, **changed)


def picture_bytes(
    colour: tuple[int, ...] = (10, 20, 200), size: tuple[int, int] = (64, 64), form: str = "PNG", mode: str = "RGB"
) -> bytes:
    into = BytesIO()
    Image.new(mode, size, colour).save(into, form)
    return into.getvalue()


def a_picture(
    rendering: str = "true-color",
    *,
    legend: str | None = None,
    data: bytes | None = None,
    media_type: Literal["image/png", "image/jpeg", "image/webp"] = "image/png",
    size: tuple[int, int] = (64, 64),
) -> EvidencePicture:
    return EvidencePicture(
        rendering=rendering,
        legend=legend if legend is not None else f"{rendering}: red, green and blue as the eye sees them.",
        media_type=media_type,
        data=picture_bytes(size=size) if data is None else data,
        width=size[0],
        height=size[1],
        source="original",
    )


def a_tile(number: int, *, record: Record | None = None, **changed: Any) -> EvidenceTile:
    given: dict[str, Any] = {
        "record": record or a_record(DAYS[(number - 1) % len(DAYS)]),
        "sought": "flooded harbour",
        "period": None,
        "score": 0.31,
        "probability": 0.93,
        "pictures": (a_picture(),),
    } | changed
    return EvidenceTile(number=number, **given)


def a_passage(number: int, **changed: Any) -> EvidencePassage:
    given: dict[str, Any] = {
        "passage_id": f"p{number}",
        "title": "Storm report",
        "text": "The surge of 12 March 2020 put 35 % of the outer harbour under water.",
        "source": "report.md",
    } | changed
    return EvidencePassage(number=number, passage=Passage(**given))


def an_evidence(*, tiles: int = 3, passages: int = 1, facts: tuple[Fact, ...] | None = None) -> EvidenceSet:
    counted = Fact(name="tiles", text="12 tiles match, on 5 dates.", value=12, cites=(1, 2))
    covered = Fact(name="area_km2", text="They cover 84.5 km2.", value=84.5, cites=(1,))
    return EvidenceSet(
        tiles=tuple(map(a_tile, range(1, tiles + 1))),
        passages=tuple(a_passage(tiles + 1 + place) for place in range(passages)),
        facts=(counted, covered) if facts is None else facts,
        matched=12,
    )


def a_plan(**changed: Any) -> QueryPlan:
    place = PlannedPlace(name="Hook of Holland", geometry=box(4, 51.9, 4.3, 52.1), source="knowledge")
    given: dict[str, Any] = {"question": QUESTION, "sought": ("flooded harbour",), "place": place} | changed
    return QueryPlan(**given)


def a_reply(*claims: dict[str, Any], answerable: bool = True, caveats: tuple[str, ...] = ()) -> str:
    return json.dumps({"answerable": answerable, "claims": list(claims), "caveats": list(caveats)})


def a_claim(text: str = "The quay stands in water.", *cites: int, confidence: float = 0.8) -> dict[str, Any]:
    return {"text": text, "cites": list(cites) or [2], "confidence": confidence}
