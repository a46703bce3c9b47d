"""`swath knowledge` as a user runs it, and how well the shipped encoder finds passages for paraphrased questions."""

import json
import tomllib
from pathlib import Path

import pytest

from core import EncodesSentences, EncodesText, EncodesTiles
from embeddings import open_encoder
from indexer.knowledge import add_knowledge
from indexer.store import Store
from retriever.rag import Knowledge, open_knowledge
from swath._cli import app
from swath._errors import run_and_report

QUESTIONS = tomllib.loads((Path(__file__).parent / "knowledge_questions.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def encoder() -> EncodesTiles:
    return open_encoder("swath-mini")


@pytest.fixture(scope="module")
def empty_index(tmp_path_factory: pytest.TempPathFactory, encoder: EncodesTiles) -> Path:
    return Store.create_or_open(tmp_path_factory.mktemp("knowledge") / "index", space=encoder.space).folder


@pytest.fixture(scope="module")
def knowledge(empty_index: Path, encoder: EncodesTiles) -> Knowledge:
    path = empty_index.parent / "entries.md"
    path.write_text("\n".join(f"# {entry['title']}\n\n{entry['text']}\n" for entry in QUESTIONS["entry"]))
    report = add_knowledge(empty_index, [path], lambda: encoder)
    assert report.passages == len(QUESTIONS["entry"]) == 40
    found = open_knowledge(empty_index, encoder)
    assert found is not None
    return found


def test_paraphrased_questions_find_their_entry(knowledge: Knowledge) -> None:
    places = [place for entry in QUESTIONS["entry"] for place in ranks(knowledge, entry)]
    assert len(places) == 80
    assert sum(place == 0 for place in places) / 80 >= 0.65  # measured: .688 (docs/design/knowledge.md)
    assert sum(place < 5 for place in places) / 80 >= 0.88  # .912
    assert max(places) < 40  # the least score leaves no right entry out


def ranks(knowledge: Knowledge, entry: dict[str, object]) -> list[int]:
    asked = entry["asks"]
    assert isinstance(asked, list)
    found = [[p.title for p in knowledge.search([text], near=None, radius_km=0, k=40)] for text in asked]
    return [titles.index(entry["title"]) if entry["title"] in titles else 40 for titles in found]


def test_most_unrelated_questions_find_nothing(knowledge: Knowledge) -> None:
    empty = [not knowledge.search([text], near=None, radius_km=0, k=1) for text in QUESTIONS["unrelated"]]
    assert sum(empty) >= 8  # measured: 9 of 12


def test_sentence_vectors_beat_the_space_shared_with_tiles(encoder: EncodesTiles) -> None:
    assert isinstance(encoder, EncodesSentences)
    assert isinstance(encoder, EncodesText)
    texts = [f"{entry['title']}: {entry['text']}" for entry in QUESTIONS["entry"]]
    asked = [text for entry in QUESTIONS["entry"] for text in entry["asks"]]
    first = []
    for encode in (encoder.encode_sentences, encoder.encode_text):
        best = (encode(asked) @ encode(texts).T).argmax(axis=1)
        first.append(sum(int(place) == number // 2 for number, place in enumerate(best)) / len(asked))
    assert first[0] > first[1] + 0.15  # measured: .688 and .438


def run(*arguments: object) -> int:
    """Run the command line in this process: four processes would take longer than all else here."""
    return run_and_report(lambda: app(["knowledge", *map(str, arguments)], standalone_mode=False))


def test_command_adds_finds_lists_and_removes(
    empty_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sites.csv").write_text(
        "name,text,lat,lon\nLake Almaran,A shallow lake \x1b[31mbehind a dam.,46.2,-20.78\nBad,x,99,1\n"
    )
    (tmp_path / "old.txt").write_bytes(b"\xff")
    assert run("add", empty_index, tmp_path, "--dry-run") == 3
    assert "nothing was written" in capsys.readouterr().out
    assert run("add", empty_index, tmp_path) == 3
    told = capsys.readouterr()
    assert "left out: sites.csv, line 3: lat 99 is outside -90..90" in told.err
    assert "failed: old.txt: not UTF-8" in told.err
    assert "1 passages in" in told.out
    assert run("search", empty_index, "dam", "--near", "46.2,-20.8", "--radius", "5", "--json") == 0
    (passage, *_) = json.loads(capsys.readouterr().out)
    assert passage["title"] == "Lake Almaran"
    assert passage["text"] == "A shallow lake [31mbehind a dam."
    assert passage["geometry"] == {"type": "Point", "coordinates": [-20.78, 46.2]}
    assert run("search", empty_index, "dam") == 0
    assert "Lake Almaran" in capsys.readouterr().out
    assert run("remove", empty_index, "sites.csv") == 0
    assert run("list", empty_index) == 0
    assert "sites.csv" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["remove"], "name the files to remove"),
        (["search"], "nothing to look for; give a text, --near LAT,LON, or both"),
        (["search", "x", "--near", "north"], "near 'north' is not two numbers"),
        (["search", "x", "-k", "0"], "k must be 1 to 1,000"),
        (["add", "no.md"], "no.md does not exist"),
        (["remove", "no.md"], "no file 'no.md' in the knowledge of"),
    ],
)
def test_command_says_what_would_work(
    empty_index: Path, knowledge: Knowledge, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert isinstance(knowledge, Knowledge)  # there is some
    assert run(arguments[0], empty_index, *arguments[1:]) == 2
    assert said in capsys.readouterr().err
