"""A body over HTTP as a request to the retriever, and back as what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api._limits_picture import unpacking
from api._schemas import SearchBody, Term
from api._search_metrics import stage
from api._search_pictures import PREFIX, checked_sensor, read_data_uri, read_token, write_token
from api._services import Service
from core import QueryError
from retriever import MAX_K, SearchRequest

_OF_THE_PAGE = frozenset({"index", "cursor", "fields", "k"})
"""Fields that say how an answer is handed out; facets and exports have more of their own."""

_SUBJECTS = ("text", "like", "vector", "query")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A search as it came over HTTP, with its pictures encoded."""

    body: SearchBody
    """What was sent; every picture is a token."""
    pictures: Mapping[str, NDArray[np.float32]]
    """(dim,) vector of each token."""

    def request(self, k: int) -> SearchRequest:
        """Return it for the retriever.

        Raises:
            QueryError: It contradicts itself.
        """
        own = {name: getattr(self.body, name) for name in SearchBody.model_fields if name not in _OF_THE_PAGE}
        terms = None if self.body.query is None else [self._term(term) for term in self.body.query]
        return SearchRequest.build(**(own | {"query": terms, "image_sensor": None, "k": min(k, MAX_K)}))

    def echo(self) -> dict[str, Any]:
        """Return what was asked as JSON values that can be sent again."""
        said = self.body.model_dump(mode="json", exclude_defaults=True, exclude={"cursor"})
        return said | {"k": self.body.k}

    def _term(self, term: Term) -> dict[str, Any]:
        if isinstance(term.picture, str):
            return {"vector": self.pictures[term.picture], "weight": term.weight}
        return term.model_dump(exclude_none=True)


def asking_of(service: Service, body: SearchBody, uploads: Sequence[bytes] = ()) -> Asking:
    """Encode the pictures of a search.

    Args:
        service: The index that is asked.
        body: What was sent.
        uploads: The pictures that came with it.

    Raises:
        QueryError: A picture cannot be read, is named and not there, or there and not named.
        SensorError: The encoder has no use for a picture's bands.
    """
    body = _with_uploads(body, len(uploads))
    vectors: dict[str, NDArray[np.float32]] = {}
    terms = [_encoded(service, body, term, uploads, vectors) for term in body.query or ()]
    # What is in the token needs no sensor any more.
    done = {"query": terms or None, "image_sensor": None}
    return Asking(body=body.model_copy(update=done), pictures=vectors)


def _with_uploads(body: SearchBody, count: int) -> SearchBody:
    """A picture that comes without any other query is the query."""
    if count and all(getattr(body, name) is None for name in _SUBJECTS):
        return body.model_copy(update={"query": [Term(picture=number) for number in range(count)]})
    named = {term.picture for term in body.query or () if isinstance(term.picture, int)}
    if wrong := sorted(named - set(range(count))):
        raise QueryError(f"the query names picture {wrong[0]}, but {count} were uploaded; they are counted from 0")
    if unused := sorted(set(range(count)) - named):
        raise QueryError(f'picture {unused[0]} was uploaded, but no term of the query is {{"picture": {unused[0]}}}')
    return body


def _encoded(
    service: Service,
    body: SearchBody,
    term: Term,
    uploads: Sequence[bytes],
    vectors: dict[str, NDArray[np.float32]],
) -> Term:
    """Return the term with a token for its picture."""
    if term.picture is None:
        return term
    space = service.store.space
    if isinstance(term.picture, str) and term.picture.startswith(PREFIX):
        vector = read_token(term.picture, space)
    else:
        content = uploads[term.picture] if isinstance(term.picture, int) else read_data_uri(term.picture)
        with unpacking(content), stage("pictures"):
            vector = service.searcher.picture_vector(content, sensor=checked_sensor(body.image_sensor))
    token = write_token(vector, space)
    vectors[token] = vector
    return term.model_copy(update={"picture": token})
