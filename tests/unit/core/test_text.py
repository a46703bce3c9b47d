from core import printable


def test_terminal_codes_become_escapes_and_words_stay() -> None:
    assert printable("Zürich \x1b[31mred\x9b0m") == "Zürich \\x1b[31mred\\x9b0m"
