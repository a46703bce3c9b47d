"""Originals are read a few at a time, once for equal requests, and kept for a while."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from starlette.exceptions import HTTPException

from api import _tile_originals
from api._tile_caching import Shown
from api._tile_originals import Originals


class Slow:
    """Makes something slowly and counts."""

    def __init__(self, *, lasting: bool = True, body: bytes = b"x") -> None:
        self.made = self.most = self._now = 0
        self._shown = Shown(body=body, media_type="image/png", lasting=lasting)
        self._lock = threading.Lock()

    def __call__(self) -> Shown:
        with self._lock:
            self.made += 1
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(0.05)
        with self._lock:
            self._now -= 1
        return self._shown


def asked(originals: Originals, make: Callable[[], Shown], keys: list[str]) -> None:
    async def all_at_once() -> None:
        await asyncio.gather(*(originals.shown((key,), make) for key in keys))

    asyncio.run(all_at_once())


def test_no_more_are_read_at_once_than_allowed() -> None:
    slow = Slow()
    asked(Originals(at_once=2), slow, [str(number) for number in range(8)])
    assert (slow.made, slow.most) == (8, 2)


def test_equal_requests_share_one_reading() -> None:
    slow, originals = Slow(), Originals(at_once=1)
    asked(originals, slow, ["same"] * 5)
    asked(originals, slow, ["same"])
    assert slow.made == 1


def test_a_failure_is_not_tried_again_at_once() -> None:
    slow, originals = Slow(lasting=False), Originals(at_once=1)
    asked(originals, slow, ["same"] * 3)
    assert slow.made == 1


def test_what_is_larger_than_the_store_is_sent_but_not_kept() -> None:
    slow, originals = Slow(body=b"x" * 100), Originals(at_once=1, kept_bytes=50)
    asked(originals, slow, ["same"])
    asked(originals, slow, ["same"])
    assert slow.made == 2


def test_a_long_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tile_originals, "MAX_WAITING", 2)
    with pytest.raises(HTTPException) as refused:
        asked(Originals(at_once=1), Slow(), [str(number) for number in range(6)])
    assert (refused.value.status_code, (refused.value.headers or {})["Retry-After"]) == (503, "5")
