"""``swath ask`` as its user types it, in this process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

import swath
from core import AnswerSettings
from swath._cli import app
from swath._cmd_serve import answered_by
from swath._errors import run_and_report
from tests.small_index import TINY, build_small_index

DATES = "Which tiles do you have?"

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_small_index(tmp_path_factory.mktemp("ask-command") / "index")


@pytest.fixture
def ask(index: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run the command; returns its exit code and what it printed."""
    monkeypatch.delenv("SWATH_ANSWER_URL", raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        given = ["ask", "--index", str(index), *map(str, arguments)]
        code = run_and_report(lambda: app(given, standalone_mode=False))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture(scope="module")
def plan(index: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan by which nothing is sought, so that no score has to carry the answer."""
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    path.write_text(json.dumps({"question": DATES, "shape": "describe"}))
    return path


def test_claims_evidence_and_who_wrote_them_are_printed(ask: Ask, plan: Path) -> None:
    code, out, err = ask("--plan", plan)
    assert (code, err) == (0, "")
    claims = [line for line in out.splitlines() if line.startswith("- ")]
    assert claims
    assert all("[1]" in claim for claim in claims[:1])
    assert f"evidence: {TINY} of {TINY} matching tiles" in out
    assert "written from records alone" in out


def test_json_is_the_whole_answer(ask: Ask, plan: Path) -> None:
    code, out, _ = ask("--plan", plan, "--json", "--explain", "--tiles", 2)
    answer = json.loads(out)
    assert (code, answer["question"], answer["abstained"]) == (0, DATES, None)
    assert [tile["number"] for tile in answer["evidence"]["tiles"]] == [1, 2]
    assert answer["trace"][0]["name"] == "plan"
    assert all(claim["cites"] for claim in answer["claims"])


def test_a_plan_is_shown_edited_and_taken(ask: Ask, tmp_path: Path) -> None:
    code, out, _ = ask("Which rivers are there?", "--show-plan")
    shown = json.loads(out)
    assert (code, shown["made_by"]) == (0, "rules")
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(shown | {"sought": [], "sensors": ["rgb"], "made_by": "user"}))
    _, out, _ = ask("--plan", edited, "--json")
    answer: dict[str, Any] = json.loads(out)
    assert (answer["question"], answer["plan"]["sensors"]) == ("Which rivers are there?", ["rgb"])


def test_the_plan_that_is_shown_is_the_one_that_is_taken(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": "http://127.0.0.1:9/v1", "MODEL": "nobody", "RETRIES": "0", "PLAN": "true"}.items():
        monkeypatch.setenv(f"SWATH_ANSWER_{name}", value)
    shown = json.loads(ask("Which rivers are there?", "--show-plan")[1])
    assert any("nobody made no usable plan" in note for note in shown["notes"])
    assert json.loads(ask("Which rivers are there?", "--show-plan", "--no-model")[1])["notes"] == []


def test_an_index_can_be_asked_beside_a_running_event_loop(index: Path) -> None:
    async def cell() -> str:
        return swath.open(index).ask(DATES, use_model=False).question

    assert anyio.run(cell) == DATES


def test_a_dialogue_is_kept_in_a_file(ask: Ask, plan: Path, tmp_path: Path) -> None:
    dialogue = tmp_path / "talk.json"
    ask("--plan", plan, "--follow", dialogue)
    code, _, _ = ask("only rgb", "--follow", dialogue)
    turns = json.loads(dialogue.read_text())["turns"]
    assert code == 0
    assert [turn["question"] for turn in turns] == [DATES, "only rgb"]
    assert len(turns[0]["tile_ids"]) == TINY
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]


def test_pictures_of_the_evidence_are_written(ask: Ask, plan: Path, tmp_path: Path) -> None:
    assert ask("--plan", plan, "--pictures", tmp_path / "seen")[0] == 0
    names = sorted(path.name[:3] for path in (tmp_path / "seen").iterdir())
    assert names == ["01-", "02-", "03-", "04-"]


def test_no_answer_is_said_plainly_and_is_no_failure(ask: Ask) -> None:
    code, out, _ = ask(DATES, "--datetime", "1990-01-01/1990-12-31")
    assert code == 0
    assert "No answer: " in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing is asked"),
        (("   ",), "question"),
        ((DATES, "--tiles", 0), "tiles must be between 1 and 50, got 0"),
        ((DATES, "--filter", "x("), "parentheses"),
        ((DATES, "--plan", "missing.json"), "cannot read missing.json"),
        ((DATES, "--follow", __file__), "is not JSON"),
        ((DATES, "--follow", "-"), "name a file"),
    ],
)
def test_what_cannot_be_asked_is_one_clear_line(ask: Ask, arguments: tuple[object, ...], words: str) -> None:
    code, out, err = ask(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err


def test_a_wrong_setting_is_named(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ANSWER_TIMEOUT_S", "soon")
    code, _, err = ask(DATES)
    assert code == 2
    assert "SWATH_ANSWER_TIMEOUT_S='soon' cannot be used" in err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (AnswerSettings(url="", key=SecretStr("sk-123")), "from records alone"),
        (
            AnswerSettings(url="http://me:secret@models.example:8000/v1", model="qwen", key=SecretStr("sk-123")),
            "by qwen at http://models.example:8000",
        ),
    ],
)
def test_a_server_says_who_answers_and_no_secret(settings: AnswerSettings, said: str) -> None:
    line = answered_by(settings)
    assert said in line
    assert "secret" not in line
    assert "sk-123" not in line


def test_a_model_that_cannot_be_reached_is_a_caveat(ask: Ask, plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ANSWER_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("SWATH_ANSWER_MODEL", "nobody")
    monkeypatch.setenv("SWATH_ANSWER_RETRIES", "0")
    code, out, _ = ask("--plan", plan)
    assert code == 0
    assert "written from records, without nobody" in out
    assert ask("--plan", plan, "--no-model")[1].count("written from records alone") == 1
