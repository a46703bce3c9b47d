"""Swath: search satellite imagery archives in words or with a picture.

Example:
    >>> import swath
    >>> index = swath.open("my-index")                                     # doctest: +SKIP
    >>> hits = index.search(text="a harbour with ships", datetime="2020-01-01/..", k=5)  # doctest: +SKIP
    >>> hits[0].tile_id, hits[0].bbox, hits[0].datetime                    # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer import restore
    from swath._client import SwathClient
    from swath._index import Index
    from swath._index import open_index as open  # noqa: A004 - swath.open is how an index is opened
    from swath._ingest import index_archive as index
    from swath._reembedding import reembed_index as reembed
    from swath._reembedding import switch_index as switch
    from swath._verifying import verify_index as verify

__all__ = ["Index", "SwathClient", "index", "open", "reembed", "restore", "switch", "verify"]

_LAZY = {
    "Index": ("swath._index", "Index"),
    "SwathClient": ("swath._client", "SwathClient"),
    "index": ("swath._ingest", "index_archive"),
    "open": ("swath._index", "open_index"),
    "reembed": ("swath._reembedding", "reembed_index"),
    "restore": ("indexer", "restore"),
    "switch": ("swath._reembedding", "switch_index"),
    "verify": ("swath._verifying", "verify_index"),
}


def __getattr__(name: str) -> Any:
    """Import the engine on first use, so that the command line answers at once."""
    if name not in _LAZY:
        raise AttributeError(f"module 'swath' has no attribute {name!r}; it has {', '.join(__all__)}")
    from importlib import import_module

    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)
