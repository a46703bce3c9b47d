"""What else belongs to an index while it has two generations: knowledge, copies, pieces of large scenes, chains."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import InputError, Settings, StoreError
from core.testing import MeanColourEncoder
from indexer import IngestOptions, TilingOptions, back_up, ingest, restore, verify_tables
from indexer.knowledge import KnowledgeTable, add_knowledge, list_knowledge
from indexer.reembedding import reembed, reembed_status, switch
from indexer.sources import SourceOptions, open_source
from indexer.store import Store
from tests.coloured_pictures import write_coloured_pictures
from tests.two_encoders import Scatter, write_scenes

A, B = Scatter("scatter-a"), Scatter("scatter-b")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_scenes(tmp_path / "scenes", 1, side=64)
    source = open_source(str(tmp_path / "scenes"), SourceOptions(collection="c", sensor="rgb", settings=Settings()))
    options = IngestOptions(workers=1)
    ingest([source], into=tmp_path / "index", encoder=A, tiling=TilingOptions(tile_size=16), options=options)
    return tmp_path / "index"


def note(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_knowledge_is_embedded_again_and_answers_with_the_tiles_it_belongs_to(archive: Path, tmp_path: Path) -> None:
    files = [note(tmp_path, "a.md", "# Lake\n\nBlue water.\n"), note(tmp_path, "b.md", "# Wood\n\nGreen trees.\n")]
    add_knowledge(archive, files, encoder=lambda: A)
    report = reembed(archive, encoder=B)
    assert (report.passages, report.complete) == (2, True)
    assert KnowledgeTable.open(report.folder).space == B.space
    add_knowledge(archive, [note(tmp_path, "c.md", "# Road\n\nGray.\n")], encoder=lambda: A)
    with pytest.raises(InputError, match="are not those of the index as it is now"):
        switch(archive)
    assert reembed(archive, encoder=B).passages == 1
    switch(archive)
    assert [file.source for file in list_knowledge(archive)] == ["a.md", "b.md", "c.md"]
    fresh = tmp_path / "fresh"
    Store.create_or_open(fresh, space=B.space)
    add_knowledge(fresh, [*files, tmp_path / "c.md"], encoder=lambda: B)
    assert passages(archive / "generations" / "1") == passages(fresh)


def passages(home: Path) -> list[tuple[str, str, list[float]]]:
    columns = ["passage_id", "text", "vector"]
    rows = [row for batch in KnowledgeTable.open(home).snapshot().scan(columns) for row in batch.to_pylist()]
    return sorted((row["passage_id"], row["text"], row["vector"]) for row in rows)


def test_an_encoder_that_reads_no_text_leaves_knowledge_behind_and_says_so(archive: Path, tmp_path: Path) -> None:
    add_knowledge(archive, [note(tmp_path, "a.md", "# Lake\n\nBlue.\n")], encoder=lambda: A)
    report = reembed(archive, encoder=OnlyPictures())
    assert not report.complete
    assert "does not come along" in report.notes[0]
    with pytest.raises(InputError, match="not those of the index"):
        switch(archive)
    switch(archive, without_missing=True)


class OnlyPictures:
    """Scatter, but for texts."""

    def __init__(self) -> None:
        self.space, self.prepare, self.encode = B.space, B.prepare, B.encode


def test_a_backup_holds_the_generation_in_use_and_the_watches(archive: Path, tmp_path: Path) -> None:
    reembed(archive, encoder=B)
    (archive / "watches").mkdir()
    note(archive / "watches", "w.json", "{}")
    assert restored(archive, tmp_path / "one").space == A.space
    switch(archive)
    found = restored(archive, tmp_path / "two")
    assert found.space == B.space
    assert found.snapshot().count() == 16
    assert not verify_tables(found).findings
    assert (found.folder / "watches" / "w.json").is_file()
    assert sorted(entry.name for entry in found.folder.iterdir()) == ["scenes.lance", "tiles.lance", "watches"]


def restored(index: Path, home: Path) -> Store:
    back_up(index, home / "backups")
    return Store.open(restore(home / "backups", home / "again").path)


def test_a_restoration_takes_the_place_of_all_generations(archive: Path, tmp_path: Path) -> None:
    back_up(archive, tmp_path / "backups")
    reembed(archive, encoder=B)
    switch(archive)
    restore(tmp_path / "backups", archive, overwrite=True)
    assert Store.open(archive).space == A.space
    assert reembed_status(archive).next is None


def test_plain_pictures_with_labels_and_captions_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    write_coloured_pictures(tmp_path / "pictures", train=2, val=0)
    source = open_source(str(tmp_path / "pictures"), SourceOptions(collection="c"))
    ingest([source], into=tmp_path / "index", encoder=A, tiling=TilingOptions(tile_size=32))
    report = reembed(tmp_path / "index", encoder=B)
    assert (report.tiles, report.complete, report.missing) == (6, True, ())
    columns = ["tile_id", "label", "captions", "href", "preview"]
    before, after = (
        sorted((row for batch in store.snapshot().scan(columns) for row in batch.select(columns).to_pylist()), key=str)
        for store in (Store.open(tmp_path / "index"), Store.at(report.folder))
    )
    assert before == after
    assert {row["label"] for row in after} == {"RedRoof", "GreenField", "BlueLake"}


def test_a_damaged_ledger_is_named(archive: Path) -> None:
    store = Store.open(archive)
    row = next(iter(store.ledger().values()))
    store.write_ledger([replace(row, parameters="{")])
    with pytest.raises(StoreError, match="its parameters are no JSON"):
        reembed(archive, encoder=B)


def test_from_one_encoder_to_the_next_and_on(archive: Path) -> None:
    third = MeanColourEncoder()
    reembed(archive, encoder=B)
    switch(archive)
    report = reembed(archive, encoder=third)
    assert (report.generation, report.complete) == (2, True)
    switch(archive)
    status = reembed_status(archive)
    assert status.current.encoder == "mean-colour"
    assert status.previous is not None
    assert status.previous.encoder == "scatter-b"
    source = open_source(str(archive.parent / "scenes"), SourceOptions(collection="c", sensor="rgb"))
    tiling, options = TilingOptions(tile_size=16), IngestOptions(workers=1)
    assert ingest([source], into=archive, encoder=third, tiling=tiling, options=options).scenes_skipped == 1
