"""Lines of the log: JSON or text, the numbers that find them, and no secrets."""

import json
import logging
import sys

import pytest

from core import JsonLines, TextLines, log_config, log_context, log_fields, without_secrets


def record(message: str = "scene failed", **told: object) -> logging.LogRecord:
    made = logging.LogRecord("swath.ingest", logging.WARNING, __file__, 1, message, (), None)
    made.__dict__.update(log_fields(**told))
    return made


def test_a_json_line_has_time_level_logger_event_and_what_it_tells() -> None:
    line = JsonLines().format(record(href="a.tif", tiles=3))
    found = json.loads(line)
    assert "\n" not in line
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "warning",
        "logger": "swath.ingest",
        "event": "scene failed",
        "href": "a.tif",
        "tiles": 3,
    }


def test_every_line_of_a_request_has_its_number() -> None:
    with log_context(request_id="abc"):
        with log_context(command="index"):
            inner = json.loads(JsonLines().format(record()))
        outer = json.loads(JsonLines().format(record()))
    assert (inner["request_id"], inner["command"]) == ("abc", "index")
    assert "command" not in outer
    assert "request_id" not in json.loads(JsonLines().format(record()))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("cannot read https://ann:pw@host.org/a/b.tif?sig=abc&x=1#f: 403", "cannot read https://host.org/a/b.tif 403"),
        ("s3://bucket/key?X-Amz-Signature=1", "s3://bucket/key"),
        ("http://h:8000/v1/search?q=my+secret", "http://h:8000/v1/search"),
        ("what is at a.tif?", "what is at a.tif?"),
        ("mail@example.org", "mail@example.org"),
    ],
)
def test_addresses_lose_passwords_and_query_strings(given: str, told: str) -> None:
    assert without_secrets(given).replace(":", "") == told.replace(":", "")


def test_a_traceback_is_kept_without_secrets() -> None:
    failed = record()
    try:
        raise OSError("no answer from https://u:topsecret@host/x?token=hidden")
    except OSError:
        failed.exc_info = sys.exc_info()
    for line in (JsonLines().format(failed), TextLines().format(failed)):
        assert "topsecret" not in line
        assert "hidden" not in line
        assert "no answer from https://host/x" in line
    assert json.loads(JsonLines().format(failed))["error"] == "OSError"


def test_text_shows_control_codes_instead_of_obeying_them() -> None:
    line = TextLines().format(record(agent="\x1b[31mred\nWARNING forged", tiles=3, reason=None))
    assert "\x1b" not in line
    assert len(line.splitlines()) == 1
    assert line.endswith('WARNING scene failed agent="\\u001b[31mred\\nWARNING forged" tiles=3')


def test_there_is_one_handler_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    config = log_config("json")
    assert config["root"]["handlers"] == ["line"]
    assert not any(each["handlers"] for each in config["loggers"].values())
