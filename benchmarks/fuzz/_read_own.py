"""Documents that Swath, a model or a person wrote, and that may come from somewhere else, or come back damaged."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from api._search_cursor import Cursor, read_cursor
from api._security_keys import read_keys
from benchmarks.fuzz._place import placed, workplace
from benchmarks.fuzz._target import Target
from core import InputError, load_sensor
from embeddings._weights import load_manifest
from indexer import read_calibration
from indexer._backup_document import DOCUMENT, read_document
from indexer._calibration_file import CALIBRATION
from indexer._manifest import table_files, wrong_files
from retriever._calibration import parse_calibration
from retriever._calibration_truth import _read_truth
from retriever.engine._layout import FORMAT, Layout, ShardEntry
from retriever.engine._open import LAYOUT, layout_sum, read_layout
from retriever.rag import EvidencePassage, EvidenceSet, Passage, parse_plan
from retriever.rag.writing._claims import ClaimChecker
from retriever.rag.writing._reply import ReplyReader
from retriever.watches._document import parse_progress, parse_watch
from retriever.watches._file import append_matches
from retriever.watches._journal import read_match
from swath._ask_files import read_plan, read_turns


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


def manifest(message: bytes) -> bytes:
    """Return a Lance manifest round a protobuf message."""
    return struct.pack("<I", len(message)) + message + struct.pack("<Q2H4s", 0, 0, 2, b"LANC")


def _manifests() -> list[bytes]:
    file = _field(1, b"0a1b2c.lance") + _field(6, 120)
    deletion = _field(1, 1) + _field(2, 3) + _field(3, 77)
    fragment = _field(1, 1) + _field(2, file) + _field(3, deletion) + _field(4, 5)
    return [manifest(_field(2, fragment) + _field(2, _field(2, file)) + _field(12, b"1-abc.txn") + _field(3, 9))]


def _lance(data: bytes) -> str | None:
    path = placed("tiles.lance/_versions/1.manifest", data)
    table_files(path.parent.parent, 1)
    wrong_files(path.parent.parent, 1)
    return None


_BACKUP = {
    "format": 1, "created": "2026-01-02T03:04:05Z", "source": "/data/index", "tiles": 4, "versions": {"tiles": 3,
    "scenes": 2},
    "files": {"tiles.lance/data/a.lance": {"size": 12, "sha256": "ab" * 32}, "calibration.json": {"size": 2,
    "sha256": "cd" * 32}},
}  # fmt: skip


def _backup(data: bytes) -> None:
    """As restoring and listing use it."""
    document = read_document(placed(f"backup/{DOCUMENT}", data).parent)
    sum(file.size for file in document.files.values())
    for name, file in document.files.items():
        (Path("/x") / name).exists()
        file.sha256.upper()
    f"{document.tiles:,} tiles of {document.created}".upper()
    dict(document.versions)


_LINE = {"slope": 8.0, "intercept": -2.0, "centre": [0.5, 0.5, 0.1], "pairs": 10, "positives": 3}
_CALIBRATION = {
    "format": 1, "space": {"encoder": "mini", "revision": "1", "dim": 3, "metric": "cosine"}, "method": "centred",
    "sensors": {"naip": _LINE}, "kinds": {"optical": {**_LINE, "centre": None}}, "threshold": 0.4,
    "source": "labels of 12 tiles",
}  # fmt: skip


def _calibration(data: bytes) -> None:
    import numpy as np

    document = read_calibration(placed(f"calibration/{CALIBRATION}", data).parent)
    found = parse_calibration(document or {})
    for sensor in (*found.sensors, "naip", "sentinel-1-rtc"):
        line = found.line(sensor)
        if line is not None:
            line.log_odds(np.zeros(2), np.zeros(found.space.dim, np.float32))
    if found.threshold is not None:
        float(found.threshold)


_WATCH = {
    "format": 1, "name": "ships", "identity": "0123456789abcdef", "space": _CALIBRATION["space"], "vector": [1.0, 0.0,
    0.0], "left_out": ["a"],
    "asked": {"text": "ships", "bbox": [-4, 40, -3, 41], "datetime": "2021-01-01/..", "filter": "cloud < 0.2",
    "min_score": 0.2},
    "about": {"text": "ships"}, "created": "2026-01-02T03:04:05Z", "file": "/data/matches.geojsonl", "webhook": None,

}  # fmt: skip
_PROGRESS = {
    "format": 1,
    "seen": "ab" * 32,
    "first": 1,
    "sent": 2,
    "file_bytes": 300,
    "ran": "2026-01-02T03:04:05Z",
    "problem": None,
}
_MATCH = {
    "type": "Feature",
    "geometry": None,
    "properties": {"number": 1, "watch": "ships", "tile_id": "a", "score": 0.5},
}


def _mapping(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError("no JSON object, which is checked before")
    return found


def _matches(data: bytes) -> None:
    """A file that a watch goes on writing to."""
    path = placed("watch/matches.geojsonl", data)
    append_matches(path, [json.dumps(_MATCH)], known=0)


def _match(data: bytes) -> None:
    for line in data.decode("utf-8", "replace").split("\n"):
        read_match(line)


_KEY = {
    "id": "0123456789ab",
    "name": "me",
    "scope": "read",
    "salt": "ab" * 16,
    "sha256": "cd" * 32,
    "created": "2026-01-02T03:04:05Z",
}
_KEYS = {"keys": [_KEY, {**_KEY, "id": "ba9876543210", "scope": "write"}]}
_PLAN = {
    "question": "Which harbours were flooded?", "shape": "where", "sought": ["flooded harbours"], "without": [],
    "periods": ["2019-03-01/2019-03-31"],
    "place": {"name": "Ems", "geometry": {"type": "Polygon", "coordinates": [[[7, 53], [8, 53], [8, 54], [7, 53]]]},
    "source": "user", "passage_id": None},
    "sensors": ["sentinel-1-rtc"], "max_cloud": 20, "renderings": [], "knowledge": True, "made_by": "rules",
    "notes": [],
}  # fmt: skip
_TURNS = {
    "turns": [
        {
            "question": "Where?",
            "plan": _PLAN,
            "tile_ids": ["a"],
            "passage_ids": [],
            "claims": [{"text": "There.", "cites": [1]}],
        }
    ]
}
_REPLY = {
    "answerable": True,
    "claims": [{"text": "A harbour is at the coast.", "cites": [1], "confidence": 0.5}, {"text": "b", "cites": []}],
    "caveats": ["c"],
}


def _reply(data: bytes) -> str | None:
    """What a model sends, in pieces as they come over the line."""
    passage = Passage(passage_id="p", title="Harbours", text="A harbour is at the coast.", source="a.md")
    evidence = EvidenceSet(passages=(EvidencePassage(number=1, passage=passage),))
    checker = ClaimChecker("Where?", parse_plan(_PLAN), evidence, numbers=frozenset({1}), secrets=("secret-key-123",))
    reader, text = ReplyReader(checker.claim), data.decode("utf-8", "replace")
    for at in range(0, len(text), max(16, len(text) // 60)):
        if reader.full:
            break
        reader.feed(text[at : at + max(16, len(text) // 60)])
    reader.end()
    return None if reader.problem is None else "Reply.problem"


def _layouts() -> list[bytes]:
    shard = ShardEntry(
        folder="000",
        rows=10,
        slots=512,
        bounds=(-4.0, 40.0, -3.0, 41.0),
        seconds=(0, 9),
        dated=10,
        sensors=(0,),
        collections=(0,),
    )
    layout = Layout(
        format=FORMAT, version=4, rows=10, dim=3, dtype="float32", encoder="mini", revision="1", words=1, lists=2,
        sensors=("naip",), collections=("c",), shards=(shard,), costs={"scan": 1.0}, recall={"8": 0.9},
        built="2026-01-02T03:04:05Z",
    )  # fmt: skip
    return [json.dumps(asdict(layout)).encode()]


def _layout(data: bytes) -> None:
    """With a sum that fits, since otherwise nothing is read behind it."""
    with suppress(InputError):
        document = _mapping(data)
        document.pop("sum", None)
        with suppress(ValueError, RecursionError, TypeError):
            data = json.dumps({**document, "sum": layout_sum(document)}).encode()
    read_layout(placed(f"snapshot/{LAYOUT}", data).parent)


def _sensors() -> list[bytes]:
    names = ("naip", "sentinel-1-rtc", "sentinel-2-l2a")
    return [
        (files("core") / "sensors" / f"{name}.toml").read_bytes().replace(name.encode(), b"my-sensor") for name in names
    ]


def _weights() -> list[bytes]:
    return [next(Path("embeddings").glob("**/manifest.toml")).read_bytes()]


_TOML = (
    "a.",
    "a = ",
    "[[bands]]",
    "[",
    "]]",
    "{a=",
    "nan",
    "inf",
    '"""',
    "'''",
    "2021-01-01",
    "0x",
    "name",
    "bands",
    "encodings",
    "[bands.display]",
    "true",
)


def _as_file(name: str, use: Callable[[Path], object]) -> Callable[[bytes], str | None]:
    def read(data: bytes) -> None:
        use(placed(name, data))

    return read


def _dumped(*documents: Any) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(each).encode() for each in documents]


_TRUTH = b'{"tile_id": "a~b~r0000c0000", "labels": ["forest", "river"]}\n{"tile_id": "c", "objects": []}\n'

TARGETS = (
    Target(name="lance-manifest", kind="bytes", seeds=_manifests, read=_lance, words=("../../x", "..", "\0"),
        share=6_000),
    Target(name="backup", kind="json", seeds=_dumped(_BACKUP), read=_backup, words=("../x", "a\0b", "format", "size"),
        share=3_000),
    Target(name="calibration", kind="json", seeds=_dumped(_CALIBRATION), read=_calibration, words=tuple(_LINE),
        share=3_000),
    Target(name="watch", kind="json", seeds=_dumped(_WATCH), read=lambda data: parse_watch(_mapping(data),
        "ships") and None, words=tuple(_WATCH), share=3_000),
    Target(name="watch-progress", kind="json", seeds=_dumped(_PROGRESS),
        read=lambda data: parse_progress(_mapping(data), "ships") and None, share=1_000),
    Target(name="watch-file", kind="json", seeds=_dumped(_MATCH, _MATCH["properties"]), read=_matches, share=1_500),
    Target(name="watch-journal", kind="json", seeds=_dumped(_MATCH), read=_match, share=1_000),
    Target(name="api-keys", kind="json", seeds=_dumped(_KEYS), read=_as_file("keys.json", read_keys), share=1_500),
    Target(name="plan", kind="json", seeds=_dumped(_PLAN), read=_as_file("plan.json", read_plan), words=tuple(_PLAN),
        share=3_000),
    Target(name="dialogue", kind="json", seeds=_dumped(_TURNS), read=_as_file("turns.json", read_turns),
        words=tuple(_PLAN), share=3_000),
    Target(name="model-reply", kind="json", seeds=_dumped(_REPLY), read=_reply, words=("claims", "```json", "<think>",
        "</think>", "secret-key-123"), share=4_000),
    Target(name="snapshot-layout", kind="json", seeds=_layouts, read=_layout, share=2_000),
    Target(name="sensor-toml", kind="text", seeds=_sensors, read=_as_file("sensor.toml", load_sensor), words=_TOML,
        share=4_000),
    Target(name="encoder-toml", kind="text", seeds=_weights, read=lambda data: load_manifest(placed("manifest.toml",
        data).parent) and None, words=_TOML, share=1_000),
    Target(name="labels", kind="text", seeds=lambda: [_TRUTH], read=_as_file("labels.jsonl", _read_truth),
        words=('"labels"', '"objects"', "[]"), share=1_500),
    Target(name="cursor", kind="text", seeds=lambda: [Cursor(version=3, generation=0, offset=10,
        digest=b"abcdefgh").write().encode()], read=lambda data: read_cursor(data.decode("utf-8", "replace"),
        b"abcdefgh") and None, share=1_000),
)  # fmt: skip

__all__ = ["TARGETS", "manifest", "workplace"]
