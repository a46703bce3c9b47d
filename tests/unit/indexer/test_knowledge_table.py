"""Adding, replacing and removing files of knowledge: whole files, in one transaction, found again by name."""

import threading
from pathlib import Path

import h3.api.basic_int as h3
import pytest

from core import IndexNotFoundError, InputError, SpaceMismatchError, StoreError, VectorSpace
from indexer.knowledge import KnowledgeTable, add_knowledge, clear_knowledge, list_knowledge, remove_knowledge
from indexer.store import Store
from tests.made_up_encoder import BagOfWords


@pytest.fixture
def index(tmp_path: Path) -> Path:
    encoder = BagOfWords()
    Store.create_or_open(tmp_path / "index", space=encoder.space)
    return tmp_path / "index"


def write(folder: Path, name: str, *entries: str) -> Path:
    path = folder / name
    path.write_text("".join(f"# {entry}\n\nText of {entry}.\n\n" for entry in entries))
    return path


def rows(index: Path) -> list[dict[str, object]]:
    columns = ("passage_id", "source", "position", "title", "text", "placed", "h3_cover", "west", "east", "vector")
    found = [row for batch in KnowledgeTable.open(index).snapshot().scan(columns) for row in batch.to_pylist()]
    return sorted(found, key=lambda row: (row["source"], row["position"]))


def titles(index: Path) -> list[object]:
    return [row["title"] for row in rows(index)]


def test_passages_are_embedded_with_their_title_and_without_prompts(index: Path, tmp_path: Path) -> None:
    encoder = BagOfWords()
    report = add_knowledge(index, [write(tmp_path, "a.md", "Lake")], lambda: encoder)
    assert encoder.encoded == ["Lake: Text of Lake."]
    assert (report.passages, report.failed, report.dry_run) == (1, False, False)
    assert rows(index)[0]["text"] == "Text of Lake."


def test_long_entries_become_several_passages_under_one_title(index: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Lake\n\n" + " ".join(f"Sentence number {n} of it." for n in range(9)))
    encoder = BagOfWords(max_tokens=20)
    add_knowledge(index, [path], lambda: encoder)
    assert len(titles(index)) > 2
    assert set(titles(index)) == {"Lake"}
    assert max(encoder.count_tokens(encoder.encoded)) <= 20


def test_the_same_file_again_changes_nothing_and_embeds_nothing(index: Path, tmp_path: Path) -> None:
    path, encoder = write(tmp_path, "a.md", "Lake", "Town"), BagOfWords()
    add_knowledge(index, [path], lambda: encoder)
    version, done = KnowledgeTable.open(index).snapshot().version, len(encoder.encoded)
    (file,) = add_knowledge(index, [path], lambda: encoder).files
    assert (file.status, file.passages) == ("unchanged", 2)
    assert (KnowledgeTable.open(index).snapshot().version, len(encoder.encoded)) == (version, done)


def test_a_changed_file_is_replaced_and_what_vanished_from_it_vanishes(index: Path, tmp_path: Path) -> None:
    add_knowledge(index, [write(tmp_path, "a.md", "Lake", "Town"), write(tmp_path, "b.md", "Hill")], BagOfWords)
    before = {row["title"]: row["passage_id"] for row in rows(index)}
    (file,) = add_knowledge(index, [write(tmp_path, "a.md", "New", "Lake")], BagOfWords).files
    assert (file.status, file.passages, file.removed) == ("replaced", 2, 1)
    after = {row["title"]: row["passage_id"] for row in rows(index)}
    assert set(after) == {"New", "Lake", "Hill"}
    assert (after["Lake"], after["Hill"]) == (before["Lake"], before["Hill"])


def test_equal_passages_of_a_file_are_both_kept(index: Path, tmp_path: Path) -> None:
    add_knowledge(index, [write(tmp_path, "a.md", "Lake", "Lake")], BagOfWords)
    assert len({row["passage_id"] for row in rows(index)}) == 2


def test_a_reader_sees_whole_files_only(index: Path, tmp_path: Path) -> None:
    names = [f"Entry {number}" for number in range(40)]
    add_knowledge(index, [write(tmp_path, "a.md", *names)], BagOfWords)
    seen, stop = set(), threading.Event()

    def read() -> None:
        table = KnowledgeTable.open(index)
        while not stop.is_set():
            batches = [batch["text"].to_pylist() for batch in table.snapshot().scan(("text",))]
            texts = [text for batch in batches for text in batch]
            seen.add((len(texts), len({text.rsplit(" ", 1)[-1] for text in texts})))

    reader = threading.Thread(target=read)
    reader.start()
    for version in range(4):
        (tmp_path / "a.md").write_text("".join(f"# {name}\n\nWords v{version}\n\n" for name in names[: 40 - version]))
        add_knowledge(index, [tmp_path / "a.md"], BagOfWords)
    stop.set()
    reader.join()
    assert seen <= {(40, 40), (40, 1), (39, 1), (38, 1), (37, 1)}


def test_places_come_with_bounds_of_their_circle_and_cells(index: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,text,lat,lon,radius_km\nA,a,10,20,50\nB,b,,,\nC,c,-17,179.9,50\n")
    add_knowledge(index, [path], BagOfWords)
    a, b, c = rows(index)
    assert isinstance(a["west"], float)
    assert 19.4 < a["west"] < 19.6
    assert isinstance(a["h3_cover"], list)
    assert h3.latlng_to_cell(10, 20, h3.get_resolution(a["h3_cover"][0])) in a["h3_cover"]
    assert (b["placed"], b["west"]) == (False, None)
    assert isinstance(c["west"], float)
    assert isinstance(c["east"], float)
    assert c["west"] > 179
    assert c["east"] < -179


def test_dry_run_tells_what_would_happen_and_writes_nothing(index: Path, tmp_path: Path) -> None:
    path, encoder = write(tmp_path, "a.md", "Lake"), BagOfWords()
    report = add_knowledge(index, [path], lambda: encoder, dry_run=True)
    assert (report.dry_run, report.files[0].status, report.passages) == (True, "added", 1)
    assert (KnowledgeTable.exists(index), encoder.encoded) == (False, [])


def test_bad_files_are_reported_and_the_rest_goes_on(index: Path, tmp_path: Path) -> None:
    (tmp_path / "b.md").write_bytes(b"\xff")
    report = add_knowledge(index, [write(tmp_path, "a.md", "Lake"), tmp_path / "b.md"], BagOfWords)
    assert [(file.source, file.status) for file in report.files] == [("a.md", "added"), ("b.md", "failed")]
    assert report.failed
    with pytest.raises(InputError, match=r"b\.md: not UTF-8"):
        add_knowledge(index, [tmp_path / "b.md"], BagOfWords)


def test_a_file_without_one_usable_entry_leaves_the_former_version(index: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,lat,lon\nA,1,2\n")
    add_knowledge(index, [path], BagOfWords)
    path.write_text("name,lat,lon\nA,x,2\n")
    with pytest.raises(InputError, match="no entry can be used; line 2: lat 'x' is not a number"):
        add_knowledge(index, [path], BagOfWords)
    assert titles(index) == ["A"]


def test_progress_counts_passages(index: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    add_knowledge(index, [write(tmp_path, "a.md", "A", "B")], BagOfWords, progress=lambda *now: told.append(now))
    assert told == [(2, 2)]


def test_files_are_listed_and_removed_by_name(index: Path, tmp_path: Path) -> None:
    assert list_knowledge(index) == ()
    add_knowledge(index, [write(tmp_path, "a.md", "A"), write(tmp_path, "b.md", "B", "C")], BagOfWords)
    assert [(file.source, file.passages) for file in list_knowledge(index)] == [("a.md", 1), ("b.md", 2)]
    with pytest.raises(InputError, match=r"no file 'c\.md' in the knowledge of .*; it holds a\.md, b\.md"):
        remove_knowledge(index, ["a.md", "c.md"])
    assert remove_knowledge(index, ["somewhere/b.md"]) == 2
    assert titles(index) == ["A"]
    assert clear_knowledge(index) == 1
    assert clear_knowledge(index) == 0
    with pytest.raises(InputError, match="swath knowledge add"):
        remove_knowledge(index, ["a.md"])


def test_another_encoder_is_refused_with_what_to_run(index: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", "A")
    add_knowledge(index, [path], BagOfWords)
    with pytest.raises(SpaceMismatchError, match=r"swath knowledge remove .* --all, and add the files again"):
        add_knowledge(index, [path], lambda: BagOfWords(revision="2"))
    clear_knowledge(index)
    add_knowledge(index, [path], lambda: BagOfWords(revision="2"))
    assert KnowledgeTable.open(index).space.revision == "2"


def test_an_encoder_without_sentences_uses_its_text_vectors(index: Path, tmp_path: Path) -> None:
    encoder = BagOfWords()
    encoder.sentence_space = None
    add_knowledge(index, [write(tmp_path, "a.md", "A")], lambda: encoder)
    assert KnowledgeTable.open(index).space == encoder.space


def test_an_encoder_that_reads_no_text_is_refused(index: Path, tmp_path: Path) -> None:
    class Blind:
        space = VectorSpace(encoder="smarties:ViT-B", revision="1", dim=8)

    with pytest.raises(InputError, match="smarties:ViT-B, which reads no text"):
        add_knowledge(index, [write(tmp_path, "a.md", "A")], Blind)


def test_one_writer_at_a_time(index: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", "A")
    with Store.open(index).writing(), pytest.raises(StoreError, match="wait until it has finished"):
        add_knowledge(index, [path], BagOfWords)


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="make an index with"):
        add_knowledge(tmp_path / "none", [write(tmp_path, "a.md", "A")], BagOfWords)
    with pytest.raises(IndexNotFoundError, match="make an index with"):
        list_knowledge(tmp_path / "none")
