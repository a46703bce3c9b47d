"""All that the clients of the soak ask: searches (``soak_searches``), and what a page and other programs ask beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np

from benchmarks.serve import WORDS
from benchmarks.soak_archive import Known
from benchmarks.soak_searches import Question, Searches

WATCH = "harbours"
"""The watch that clients look at."""

IMAGES = 12
"""Tiles whose pictures are drawn again and again: what is kept of them is soon full, so it is no growth."""


@dataclass(kw_only=True)
class Asker(Searches):
    """Draws requests by the weights of ``WEIGHTS``; the same seed draws the same ones in the same order."""

    def next(self) -> Question:
        """Return a request."""
        self.asked += 1
        kinds = list(WEIGHTS)
        shares = np.array(list(WEIGHTS.values()), float)
        return WEIGHTS_TO[kinds[int(self.rng.choice(len(kinds), p=shares / shares.sum()))]](self)

    def facets(self) -> Question:
        """What the page counts beside a search."""
        known: Known = self.one_of(self.world.known)
        body = {name: value for name, value in known.body.items() if name not in ("k", "like")}
        wanted = {"time": {"bins": 60}, "sensor": {}, "collection": {}, "cloud": {"bins": 10}, "h3": {"resolution": 3}}
        wanted["h3"] = {"resolution": 3, "best": "text" in body}
        # A search like a tile leaves that tile out; a count without a question does not.
        left_out = 1 if "like" in known.body else 0

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found = answer.json()
            if not known.matched <= found["matched"] <= known.matched + left_out:
                return f"counted {found['matched']} instead of {known.matched}"
            for name in ("time", "sensor", "collection", "cloud", "h3"):
                total = sum(each["count"] for each in found[name])
                total += found["unknown"].get(name, 0) + found["other"].get(name, 0)
                if total != found["matched"]:
                    return f"{name} sums to {total} instead of {found['matched']}"
            return None

        return Question(
            kind="counts of the page", method="POST", path="/v1/facets", json=body | {"facets": wanted}, judge=judge
        )

    def export(self) -> Question:
        """A file of hits."""
        path = f"/v1/export?format=geojson&q={quote(self.one_of(WORDS))}&k=100"

        def judge(answer: httpx.Response, sent: float) -> str | None:
            number = len(answer.json()["features"])
            return None if number == 100 else f"{number} features instead of 100"

        return Question(kind="export", method="GET", path=path, judge=judge)

    def preview(self) -> Question:
        """A stored preview."""
        return self._bytes("preview", self.one_of((*self.world.drawn, *self.world.others)), "preview.webp", b"RIFF")

    def image(self) -> Question:
        """A picture drawn from original pixels."""
        tile = self.one_of(self.world.drawn[:IMAGES])
        return self._bytes("picture of a tile", tile, "image.png?size=256", b"\x89PNG")

    def pixels(self) -> Question:
        """A tile's pixels as a file."""
        return self._bytes("pixels of a tile", self.one_of(self.world.drawn[:IMAGES]), "pixels.tif", b"II*\x00")

    def _bytes(self, kind: str, tile: str, what: str, magic: bytes) -> Question:
        def judge(answer: httpx.Response, sent: float) -> str | None:
            if not answer.content.startswith(magic):
                return f"begins with {answer.content[:4]!r}"
            source = answer.headers.get("X-Swath-Pixels", "original")
            return None if source == "original" else f"pixels are {source}: {answer.headers.get('X-Swath-Reason')}"

        return Question(kind=kind, method="GET", path=f"/v1/tiles/{quote(tile, safe='')}/{what}", judge=judge)

    def series(self) -> Question:
        """The same place at other dates."""
        path = f"/v1/tiles/{quote(self.one_of(self.world.drawn), safe='')}/series"

        def judge(answer: httpx.Response, sent: float) -> str | None:
            return None if answer.json()["tiles"] else "no tile of the place"

        return Question(kind="series of a place", method="GET", path=path, judge=judge)

    def ask(self) -> Question:
        """A question, answered from records."""
        words = str(self.one_of(WORDS)).removeprefix("a ").removeprefix("an ")
        body = {"question": f"Where is a {words}, and when was it seen?", "tiles": 6, "pictures": 0}

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found = answer.json()
            numbers = {each["number"] for part in ("tiles", "passages") for each in found["evidence"][part]}
            if not found["claims"] and not found["abstained"]:
                return "neither claims nor a reason why not"
            cited = [set(claim["cites"]) for claim in found["claims"]]
            return None if all(each and each <= numbers for each in cited) else "a claim cites what is not there"

        return Question(kind="question", method="POST", path="/v1/ask", json=body, judge=judge)

    def stac(self) -> Question:
        """A STAC search."""
        known: Known = self.one_of(self.world.known)
        body: dict[str, Any] = {"limit": 10, "collections": list(self.world.collections)}
        body |= {name: known.body[name] for name in ("bbox", "datetime") if name in known.body}

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found = answer.json()
            outside = [each for each in found["features"] if each["collection"] not in self.world.collections]
            return "an item of another collection" if outside else None

        return Question(kind="STAC search", method="POST", path="/stac/search", json=body, judge=judge)

    def watch(self) -> Question:
        """What the watch found: numbered from 1 without a gap, no tile twice."""

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found = answer.json()["features"]
            numbers = [each["properties"]["number"] for each in found]
            if numbers != list(range(1, len(found) + 1)):
                return f"matches are numbered {numbers[:5]}..."
            return "a tile was reported twice" if len({each["id"] for each in found}) < len(found) else None

        return Question(
            kind="matches of a watch", method="GET", path=f"/v1/watches/{WATCH}/matches?limit=1000", judge=judge
        )

    def index(self) -> Question:
        """What the index holds."""

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found, total = answer.json(), self.scenes.total(sent)
            wanted = None if total is None else self.world.tiles + total
            return None if wanted in (None, found["tiles"]) else f"{found['tiles']} tiles instead of {wanted}"

        return Question(kind="what it holds", method="GET", path="/v1/index", judge=judge)

    def metrics(self) -> Question:
        """The numbers for the monitoring."""

        def judge(answer: httpx.Response, sent: float) -> str | None:
            return None if "swath_requests_total" in answer.text else "no counts"

        return Question(kind="metrics", method="GET", path="/metrics", judge=judge)


WEIGHTS_TO: dict[str, Callable[[Asker], Question]] = {
    name: getattr(Asker, name)
    for name in (
        "known", "words", "new_words", "newest", "like", "terms", "scene", "picture", "pages", "facets", "export",
        "preview", "image", "pixels", "series", "ask", "stac", "watch", "index", "metrics",
    )
}  # fmt: skip
"""How each kind of request is made."""

WEIGHTS: dict[str, float] = dict.fromkeys(WEIGHTS_TO, 2.0) | {
    "known": 20, "words": 8, "new_words": 8, "newest": 6, "like": 6, "scene": 8, "picture": 5, "facets": 8,
    "preview": 8, "image": 5, "ask": 4, "metrics": 1,
}  # fmt: skip
"""How often each kind is asked, by weight."""
