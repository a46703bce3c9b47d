"""Waiting for a stream no longer than agreed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

import anyio

_T = TypeVar("_T")


async def until(deadline: float, items: AsyncIterator[_T]) -> AsyncGenerator[_T, None]:
    """Yield the items of a stream and close it, however it ends.

    The deadline holds for the waiting alone: a scope around a ``yield`` would cancel whoever reads.

    Args:
        deadline: On the clock of ``anyio.current_time``.
        items: The stream.

    Raises:
        TimeoutError: The deadline has passed.
    """
    try:
        while True:
            try:
                with anyio.fail_after(deadline - anyio.current_time()):
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item
    finally:
        if (close := getattr(items, "aclose", None)) is not None:
            await close()
