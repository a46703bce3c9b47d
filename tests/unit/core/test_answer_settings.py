from pathlib import Path

import pytest

from core import AnswerSettings

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "answer-models.md"


@pytest.mark.parametrize("name", AnswerSettings.model_fields)
def test_every_setting_of_answers_is_documented_with_its_default(name: str) -> None:
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| `SWATH_ANSWER_{name.upper()}` |"))
    default = AnswerSettings.model_fields[name].default
    if isinstance(default, bool):
        shown = str(default).lower()
    elif isinstance(default, int | float):
        shown = f"{default:,g}" if default < 1e6 else f"{default:,}"
    else:
        shown = default if isinstance(default, str) and default else "none"
    assert row.split("|")[2].strip() == shown


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ANSWER_KEY", "sk-test-0123456789abcdef")
    given = AnswerSettings()
    assert given.key.get_secret_value() == "sk-test-0123456789abcdef"
    assert "0123456789" not in repr(given) + str(given) + given.model_dump_json()
