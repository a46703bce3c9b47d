import pytest

from indexer._signatures import redacted, unsigned

SAS = "st=2026-01-01T00%3A00Z&se=2026-01-02T00%3A00Z&sp=rl&sv=2024-05-04&sr=c&skoid=x&sktid=y&sig=a%2Bb%3D"
AWS = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=k%2Fs3&X-Amz-Expires=60&X-Amz-Signature=00ff"
FRONT = "Expires=1700000000&Signature=abc~&Key-Pair-Id=K1"
GOOGLE = "X-Goog-Algorithm=GOOG4&X-Goog-Signature=00ff"


@pytest.mark.parametrize("query", [SAS, AWS, FRONT, GOOGLE, "sig=AAA", "token=abc"])
def test_a_signature_leaves_nothing_of_itself_in_an_address(query: str) -> None:
    assert unsigned(f"https://host/a.tif?{query}") == "https://host/a.tif"
    assert unsigned(f"https://host/items.json?{query}#one") == "https://host/items.json#one"
    assert unsigned(f"https://host/a.tif?year=2020&{query}&v=1") == "https://host/a.tif?year=2020&v=1"


@pytest.mark.parametrize(
    "href",
    ["https://host/a.tif", "https://host/a.tif?v=1&sp=rl", "https://host/a?expires=never", "/data/what?sig=1.tif"],
)
def test_an_address_without_a_signature_stays_as_it_is(href: str) -> None:
    assert unsigned(href) == href


def test_signatures_are_taken_out_of_messages() -> None:
    text = f"Max retries exceeded with url: /a.tif?{SAS} (caused by 'https://host/b.tif?v=1&sig=X')"
    assert redacted(text) == "Max retries exceeded with url: /a.tif (caused by 'https://host/b.tif?v=1')"
    assert redacted("what? nothing") == "what? nothing"
