from pathlib import Path

import pytest
from pydantic import ValidationError

from core import Settings

ROOT = Path(__file__).parents[3]


def test_environment_is_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_ALLOWED_HOSTS", '["example.org"]')
    assert Settings().allowed_hosts == ("example.org",)


def test_a_senseless_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_HTTP_TIMEOUT_S", "-1")
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`SWATH_{name.upper()}`" in (ROOT / "docs" / "how-to" / "index.md").read_text()
