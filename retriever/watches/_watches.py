"""The watches of an opened index: what ``Index.watches`` is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

from core import ConfigError, InputError, QueryError, Settings, StoreError
from indexer import Scenes, Store, marks_from_bytes, next_row_id
from retriever._question import Asked
from retriever._ranking import usable
from retriever._request import SearchRequest
from retriever._search import Searcher
from retriever._where import left_out
from retriever.watches._document import ASKED, check_name
from retriever.watches._file import check_file
from retriever.watches._folder import WatchFolder
from retriever.watches._journal import read_match
from retriever.watches._run import run_watches
from retriever.watches._types import Progress, Watch, WatchRun, WatchStatus
from retriever.watches._webhook import check_allowed, check_webhook

_SUBJECTS = ("text", "image", "like", "vector", "query", "plus", "minus")


class Watches:
    """Searches that are kept with an index and asked of every tile that is added.

    Args:
        store: The index.
        searcher: Encodes what is looked for when a watch is added, and knows the calibration; a run encodes nothing.
        settings: Reads which hosts webhooks may be on.
    """

    def __init__(self, store: Store, searcher: Searcher, *, settings: Callable[[], Settings] = Settings) -> None:
        self._store = store
        self._searcher = searcher
        self._settings = settings
        self._folder = WatchFolder(store.root)

    def __iter__(self) -> Iterator[WatchStatus]:
        """Yield the watches as they stand, by name.

        Raises:
            ConfigError: One is damaged.
            StoreError: The index cannot be read.
        """
        for name in self._folder.names():
            yield self[name]

    def __len__(self) -> int:
        return len(self._folder.names())

    def __contains__(self, name: object) -> bool:
        return name in self._folder.names()

    def __getitem__(self, name: str) -> WatchStatus:
        """Return a watch as it stands.

        Raises:
            WatchNotFoundError: There is none of that name.
            ConfigError: It is damaged.
        """
        return self._folder.entry(name).status()

    def listed(self) -> Iterator[tuple[str, WatchStatus | str]]:
        """Yield the name of each watch, and how it stands, or in one line why that cannot be told.

        Raises:
            StoreError: The index cannot be read.
        """
        for name in self._folder.names():
            try:
                yield name, self[name]
            except (ConfigError, StoreError) as error:
                yield name, str(error)

    def add(
        self,
        name: str,
        *,
        file: str | PathLike[str] | None = None,
        webhook: str | None = None,
        past: bool = False,
        **asked: Any,
    ) -> WatchStatus:
        """Keep a search; tiles that are committed from now on are compared with it, each once.

        The query is encoded now and its vector kept, so a run needs no encoder.

        Args:
            name: Letters, digits, dots, dashes and underscores.
            file: Append matches there: GeoJSON Features in .geojsonl, .geojsons and .ndjson, plain JSON in .jsonl.
            webhook: Post matches there; its host must be in ``SWATH_ALLOWED_HOSTS``.
            past: Whether the tiles that the index holds already count as new.
            **asked: As for ``Index.search``, with ``min_score`` or ``min_probability``.

        Raises:
            InputError: The name is wrong or taken, or matches cannot go there.
            QueryError: The search cannot be answered, or says no threshold.
            StoreError: The index cannot be written.
        """
        if file is not None and webhook is not None:
            raise InputError("give a file or a webhook, not both; add a second watch for the other")
        where = {"file": _file(file), "webhook": self._webhook(webhook)}
        watch = self._made(check_name(name), SearchRequest.build(**asked), where)
        with self._folder.locked():
            marks = marks_from_bytes(b"") if past else Scenes.of(self._store).marks
            first = 0 if past else next_row_id(self._store.snapshot())
            self._folder.create(watch, Progress(seen=self._folder.keep_seen(marks), first=first))
        return self[name]

    def _made(self, name: str, request: SearchRequest, where: dict[str, Any]) -> Watch:
        if request.min_score is None and request.min_probability is None:
            raise QueryError("a watch needs a threshold: give min_score or min_probability")
        rows = self._searcher.version().rows
        question = self._searcher.asked(request, rows)
        usable(request, self._searcher.calibration, rows.space)
        told = request.describe()
        return Watch(
            name=name,
            identity=secrets.token_hex(8),
            space=rows.space,
            vector=question.vector,
            asked=_kept(request, told),
            about={name: _shown(name, told[name]) for name in _SUBJECTS if name in told},
            left_out=tuple(dict.fromkeys((*left_out(request), *_points(question)))),
            created=datetime.now(UTC),
            **where,
        )

    def _webhook(self, url: str | None) -> str | None:
        if url is not None:
            check_allowed(check_webhook(url), self._settings())
        return url

    def remove(self, name: str) -> None:
        """Forget a watch and what it has found; its file stays.

        Raises:
            WatchNotFoundError: There is none of that name.
            StoreError: The index cannot be written.
        """
        self._folder.known([name])
        with self._folder.locked():
            self._folder.remove(name)

    def run(self, name: str | None = None) -> tuple[WatchRun, ...]:
        """Look at what came since the last run and deliver what matches; ``swath index`` does it by itself.

        Args:
            name: The watch; None for all.

        Raises:
            WatchNotFoundError: There is none of that name.
            StoreError: The index cannot be read, or another process is running its watches.
        """
        names = None if name is None else [name]
        return run_watches(self._store, calibration=self._searcher.calibration, names=names, settings=self._settings)

    def matches(self, name: str, *, since: int = 0, limit: int = 100) -> tuple[dict[str, Any], ...]:
        """Return what a watch has found as GeoJSON Features, in the order it was found.

        Args:
            name: The watch.
            since: Number of the last match that is known already (``properties["number"]``); 0 for all.
            limit: Most matches.

        Raises:
            WatchNotFoundError: There is none of that name.
            InputError: ``since`` or ``limit`` is negative.
            ConfigError: They are damaged.
        """
        if since < 0 or limit < 0:
            raise InputError(f"since and limit are at least 0, got {since} and {limit}")
        lines = self._folder.entry(name).journal.lines(since)
        return tuple(read_match(line) for _, line in islice(lines, limit))


def _file(path: str | PathLike[str] | None) -> Path | None:
    if path is None:
        return None
    found = check_file(Path(path).expanduser().absolute())
    if not found.parent.is_dir():
        raise InputError(f"cannot write {found}: the folder {found.parent} does not exist")
    return found


def _kept(request: SearchRequest, told: dict[str, Any]) -> dict[str, Any]:
    """Filters and thresholds as JSON values; the text where its scores can be calibrated."""
    kept = {name: told[name] for name in ASKED if name in told}
    if not request.in_words:
        kept.pop("text", None)
    if request.near is not None:
        kept |= {"near": [request.near.lat, request.near.lon], "radius_km": request.near.radius_km}
    return kept


def _shown(name: str, value: Any) -> Any:
    """Part of a query in a few words that anyone may read: a picture by its name alone."""
    if name == "vector":
        return f"{len(value)} numbers"
    if name == "image":
        return Path(value).name
    return [_term(term) for term in value] if name == "query" else value


def _term(term: dict[str, Any]) -> dict[str, Any]:
    return term | ({"image": Path(term["image"]).name} if "image" in term else {})


def _points(question: Asked) -> list[str]:
    """Ids of the tiles that stood for points."""
    return [tile_id for term in question.why.get("query", ()) for tile_id in term.get("tiles", ())]
