"""A filter, read as tests of columns."""

from __future__ import annotations

from retriever._expression import Always, Expression
from retriever.engine._layout import Layout
from retriever.engine._sieve._model import Sieve


def sieve_of(where: Expression | None, layout: Layout) -> Sieve:
    """Return a filter as tests of the columns of a snapshot.

    Args:
        where: The filter; None for all rows.
        layout: Of the snapshot.
    """
    return Sieve(
        where=where,
        never=where == Always(value=False),
        boxes=(),
        moments=None,
        sensors=None,
        collections=None,
        cloud=None,
        cells=None,
        either=(),
        residual=() if where is None else (where,),
    )
