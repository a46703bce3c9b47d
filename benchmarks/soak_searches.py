"""The searches of the soak's clients, and how each answer is judged.

A judge returns what is wrong with an answer, or None. What never changes has known answers; of a scene that comes and
goes the number of its tiles is known whenever nobody changed it between question and answer, and a scene that was
removed must be in no answer to a question that was sent after the removal was acknowledged.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
from PIL import Image

from benchmarks.serve import WORDS
from benchmarks.soak_archive import COLLECTION, Known, Scenes, World
from benchmarks.soak_judges import hits_wrong, scenes_wrong

Judge = Callable[[httpx.Response, float], str | None]
"""Takes an answer and when its question was sent (``time.monotonic``); returns what is wrong."""

TOLERANCE = 2e-3
"""Of scores: the exact search that made the truth reads float16 vectors in another order."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One request."""

    kind: str
    """For the table."""
    method: str
    """GET or POST."""
    path: str
    """With its query."""
    judge: Judge
    """Tells what is wrong with the answer."""
    json: Any = None
    """Body."""
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    """Parts of a multipart body."""


@dataclass(kw_only=True)
class Recall:
    """How many of the best were found, over all searches with known answers."""

    found: int = 0
    """Hits at least as good as the true last."""
    wanted: int = 0
    """True hits."""


@dataclass(kw_only=True)
class Searches:
    """Draws searches; the same seed draws the same ones in the same order."""

    world: World
    """What never changes."""
    scenes: Scenes
    """What comes and goes."""
    rng: np.random.Generator
    """Draws."""
    recall: Recall = field(default_factory=Recall)
    """Filled by the judges."""
    remarks: dict[str, int] = field(default_factory=dict)
    """What searches said beside their hits, and how often."""
    asked: int = 0
    """Questions so far: makes sentences new."""

    def one_of(self, names: Any) -> Any:
        """Return one of several."""
        return names[int(self.rng.integers(len(names)))]

    def known(self) -> Question:
        """A search with a known answer: filters by area, time, sensor, cloud and CQL2."""
        known: Known = self.one_of(self.world.known)

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found = answer.json()
            self._note(found)
            wrong = hits_wrong(found, known.body)
            if wrong is None and found["matched"] != known.matched:
                return f"matched {found['matched']} instead of {known.matched}"
            scores = [hit["score"] for hit in found["hits"]]
            self.recall.wanted += len(known.scores)
            if known.scores:
                self.recall.found += sum(score >= known.scores[-1] - TOLERANCE for score in scores)
            return wrong

        return Question(kind="search with filters", method="POST", path="/v1/search", json=known.body, judge=judge)

    def words(self) -> Question:
        """A sentence that was asked before, among all tiles."""
        return self._everywhere("search, words", {"text": self.one_of(WORDS), "k": 10})

    def new_words(self) -> Question:
        """A sentence that nobody asked before."""
        return self._everywhere("search, new words", {"text": f"{self.one_of(WORDS)} near place {self.asked}", "k": 10})

    def newest(self) -> Question:
        """The hits of all scenes that come and go: none may be of a scene that was removed."""
        return self._everywhere("search, what changes", {"text": "farmland", "k": 300, "collection": [COLLECTION]})

    def like(self) -> Question:
        """Tiles like another."""
        return self._everywhere("search, like a tile", {"like": self.one_of(self.world.others), "k": 10})

    def terms(self) -> Question:
        """Words minus words near a marked tile."""
        body = {
            "query": [{"text": self.one_of(WORDS)}, {"text": "clouds", "weight": -0.5}],
            "plus": [self.one_of(self.world.others)],
            "k": 10,
        }
        return self._everywhere("search, several terms", body)

    def _everywhere(self, kind: str, body: dict[str, Any]) -> Question:
        def judge(answer: httpx.Response, sent: float) -> str | None:
            found = answer.json()
            self._note(found)
            return hits_wrong(found, body) or scenes_wrong(self.scenes, found, body, sent)

        return Question(kind=kind, method="POST", path="/v1/search", json=body, judge=judge)

    def _note(self, found: Mapping[str, Any]) -> None:
        for remark in found["remarks"]:
            told = str(remark).partition("; ")[0]  # the rest is advice, with the path of the index
            self.remarks[told] = self.remarks.get(told, 0) + 1

    def scene(self) -> Question:
        """The tiles of one scene that comes and goes: all of them, or none if it was removed."""
        names = self.scenes.present() + self.scenes.gone()[-5:]
        name = self.one_of(names) if names else "none"
        body = {"text": "a river", "k": 50, "filter": f"scene_id = '{name}'"}

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found, tiles = answer.json(), self.scenes.settled(sent).get(name)
            if tiles is not None and found["matched"] != tiles:
                return f"scene {name} has {found['matched']} tiles instead of {tiles}"
            return hits_wrong(found, body)

        return Question(kind="search in a new scene", method="POST", path="/v1/search", json=body, judge=judge)

    def picture(self) -> Question:
        """An uploaded picture."""
        pixels = self.rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC).save(buffer, format="PNG")
        asked = self._everywhere("search, picture", {"k": 10})
        parts = {"picture": ("p.png", buffer.getvalue(), "image/png"), "request": ("r", b'{"k": 10}', "text/plain")}
        # A part without a file name would be a field; both are read alike.
        return Question(kind=asked.kind, method="POST", path="/v1/search", judge=asked.judge, files=parts)

    def pages(self) -> Question:
        """The search by an address, as links that people share are."""
        words = quote(self.one_of(WORDS))
        body = {"k": 5, "max_cloud": 30.0}

        def judge(answer: httpx.Response, sent: float) -> str | None:
            found = answer.json()
            return hits_wrong(found, body) or (None if found["next"] else "no next page")

        return Question(kind="search by link", method="GET", path=f"/v1/search?q={words}&k=5&max_cloud=30", judge=judge)
