"""The page of ten answered questions is what the archive answers today, and nothing in it stands for nothing."""

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from examples.ask_landsat_naip import MOST_BYTES, QUESTIONS, SENSOR_FILES, build_index, page
from tests.integration.real import DATA, ROOT

ARCHIVE = DATA / "landsat_naip"
PAGE = ROOT / "docs" / "how-to" / "ask-examples.md"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ARCHIVE.is_dir(), reason=f"needs {ARCHIVE} (SWATH_DATA)"),
]


def test_the_page_is_what_the_archive_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_SENSOR_FILES", SENSOR_FILES)
    written = page(build_index(ARCHIVE, tmp_path / "index"), tmp_path / "pictures")
    assert written == PAGE.read_text()
    shown = re.findall(r"\.\./pictures/ask/(\d\d\.webp)", written)
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == shown
    for name in shown:
        kept = (ROOT / "docs" / "pictures" / "ask" / name).read_bytes()
        assert len(kept) <= MOST_BYTES
        with Image.open(io.BytesIO(kept)) as old, Image.open(tmp_path / "pictures" / name) as new:
            assert old.size == new.size


def test_every_question_has_an_answer_that_cites_or_says_why_not() -> None:
    sections = re.split(r"^## \d+\. ", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert [section.partition("\n")[0] for section in sections] == list(QUESTIONS)
    for section in sections:
        claims = re.findall(r"^- .*", section.partition("What limits it:")[0], flags=re.MULTILINE)
        assert all(re.search(r"(\[\d+(–\d+)?\])+$", claim) for claim in claims)
        assert bool(claims) != ("**No answer.**" in section)
