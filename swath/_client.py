"""A STAC client that also asks for meaning and likeness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pystac_client import Client, ItemSearch

from core import QueryError


class SwathClient(Client):
    """A ``pystac_client.Client`` whose search knows ``q`` and ``like``; everything else is as in pystac-client.

    Example:
        >>> from swath import SwathClient
        >>> catalog = SwathClient.open("http://127.0.0.1:8000/stac")                       # doctest: +SKIP
        >>> found = catalog.search(q="a harbour with ships", max_items=5)                   # doctest: +SKIP
        >>> [(item.id, item.properties["swath:score"]) for item in found.items()]           # doctest: +SKIP
    """

    def search(
        self, *, q: str | Sequence[str] | None = None, like: str | None = None, **parameters: Any
    ) -> SemanticSearch:
        """Return the items that pass the filters, those that fit best first.

        Ranking leaves nothing out: say with ``max_items`` how many are wanted.

        Args:
            q: What to look for, in words; several texts are read as one. Goes with neither ``like`` nor ``sortby``.
            like: An item id; the items that look like it, without itself.
            **parameters: As for ``pystac_client.Client.search``.

        Raises:
            QueryError: Both q and like are given, or one is empty.
        """
        ranked = {name: value for name, value in (("q", q), ("like", like)) if value is not None}
        if len(ranked) > 1:
            raise QueryError("give only one of q and like")
        if not all(ranked.values()):
            raise QueryError(f"{next(iter(ranked))} is empty; give what to look for, or leave it out")
        parameters.setdefault("method", "POST")
        search = SemanticSearch(self._search_href(), client=self, modifier=self.modifier, **parameters)
        search.ask(ranked)
        return search


class SemanticSearch(ItemSearch):
    """A search whose items may be ranked."""

    def ask(self, ranked: dict[str, Any]) -> None:
        """Add parameters that pystac-client does not know."""
        self._parameters |= {name: list(value) if isinstance(value, tuple) else value for name, value in ranked.items()}
