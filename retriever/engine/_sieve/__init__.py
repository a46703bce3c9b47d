"""Which rows a filter lets pass: column tests and zones first, the table's own columns where they leave a doubt."""

from retriever.engine._sieve._estimate import estimate, list_test, may_match
from retriever.engine._sieve._model import Estimate, ListTest, Passing, Sieve
from retriever.engine._sieve._passing import holds, passing
from retriever.engine._sieve._read import sieve_of

__all__ = [
    "Estimate",
    "ListTest",
    "Passing",
    "Sieve",
    "estimate",
    "holds",
    "list_test",
    "may_match",
    "passing",
    "sieve_of",
]
