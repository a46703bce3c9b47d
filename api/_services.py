"""The opened indexes behind the server: each with its encoder, loaded at start-up so that a broken one is said then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from api._following import Following
from api._microbatch import shared
from api._warm_up import warm_up
from core import EncodesText, EncodesTiles, InputError
from embeddings import open_encoder_of
from indexer import CALIBRATION, IndexInfo, Place, Snapshot, file_stamp
from indexer.store import Store
from retriever import Searcher, load_calibration
from retriever.rag import Knowledge, open_knowledge


class Infos:
    """Counts of the version that was asked for last: counting reads some columns of every row."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: tuple[int, IndexInfo] | None = None

    def of(self, rows: Snapshot) -> IndexInfo:
        """Return what a version holds.

        Raises:
            StoreError: The index cannot be read.
        """
        with self._lock:
            if self._last is None or self._last[0] != rows.version:
                self._last = rows.version, rows.info()
            return self._last[1]


@dataclass(frozen=True, kw_only=True)
class Service:
    """One opened index."""

    name: str
    """What requests call it."""
    path: Place
    """Its directory."""
    store: Store
    """The tile table."""
    searcher: Searcher
    """Answers requests; safe to call from several threads."""
    infos: Infos = field(default_factory=Infos)
    """What the index holds, by version."""
    encoder: EncodesTiles | None = None
    """Finds passages of the knowledge table; None, or one without words, finds none."""

    def info(self) -> IndexInfo:
        """Return what the newest version holds; counted once a version.

        Raises:
            StoreError: The index cannot be read.
        """
        return self.infos.of(self.store.snapshot())

    def knowledge(self) -> Knowledge | None:
        """Return the passages beside the tiles, as they are now; None where there are none.

        Raises:
            SpaceMismatchError: Another encoder embedded them.
            StoreError: They cannot be read.
        """
        return open_knowledge(self.store.path, self.encoder) if isinstance(self.encoder, EncodesText) else None

    def calibration_stamp(self) -> object | None:
        """Return what changes when the index is calibrated anew; None where it is not calibrated."""
        return file_stamp(self.store.path / CALIBRATION)


def open_service(name: str, path: Place) -> Service:
    """Open an index and load its encoder.

    Raises:
        IndexNotFoundError: ``path`` is not an index.
        SpaceMismatchError: The installed encoder is not the one that filled it.
        WeightsNotFoundError: The encoder's weights are missing.
    """
    store = Store.open(path)
    own, infos = open_encoder_of(store.space), Infos()
    encoder = shared(own)
    searcher = Searcher(store, encoder, calibration=lambda: load_calibration(store.path))
    warm_up(encoder, searcher, lambda: infos.of(store.snapshot()))
    return Service(name=name, path=path, store=store, searcher=searcher, infos=infos, encoder=own)


class Services(Mapping[str, Service]):
    """The indexes of a server by name, each with the vectors that are in use.

    When an index is switched to the vectors of another encoder, that encoder and its generation of the index are opened
    together beside those that answer, and take their place as one when they are ready. A request keeps the service it
    was given, so none is ever answered from both.
    """

    def __init__(self, indexes: Mapping[str, Place], opened: Callable[[str, Any], Service] = open_service) -> None:
        """Open every index.

        Raises:
            InputError: There is none.
            StoreError: One cannot be opened.
        """
        if not indexes:
            raise InputError("no index to serve; give one, e.g. --index my-index")
        self._services = {name: opened(name, path) for name, path in indexes.items()}
        self._follow = Following(opened, self._services)

    def __getitem__(self, name: str) -> Service:
        return self._follow.newest(self._services[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)

    def named(self, name: str | None) -> Service:
        """Return the index of that name; None means the first.

        Raises:
            InputError: There is no such index; the message lists those there are.
        """
        if name is None:
            return self[next(iter(self._services))]
        if name not in self._services:
            raise InputError(f"no index {name!r} here; this server holds {', '.join(self._services)}")
        return self[name]


async def services_of(request: Request) -> Services:
    """Return the indexes of the application that got the request."""
    # Not a plain def, like the next: FastAPI would call it in a thread, and it has nothing to wait for.
    services: Services = request.app.state.services
    return services


async def service_of(
    services: Annotated[Services, Depends(services_of)],
    index: Annotated[
        str | None, Query(max_length=200, description="Which index; the server's first by default.")
    ] = None,
) -> Service:
    """Return the index that a request names in ``?index=``."""
    return services.named(index)


TheServices = Annotated[Services, Depends(services_of)]
"""Parameter type of a route that needs all indexes."""
TheService = Annotated[Service, Depends(service_of)]
"""Parameter type of a route that needs the index of the request."""
