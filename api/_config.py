"""What a server is started with. Fixed for its lifetime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core import AnswerSettings
from indexer import Place


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one request, and one client, may ask of a server."""

    body_bytes: int = 32 * 2**20
    """Largest request body; a GeoTIFF or picture to search with must fit."""
    vertices: int = 10_000
    """Most vertices of an area."""
    k: int = 10_000
    """Most hits of one search."""
    page: int = 500
    """Most items of one page."""
    seconds: float = 30.0
    """Time after which a request is given up."""
    requests_per_minute: int = 0
    """Requests that one key or address may make; 0 for any number."""
    concurrent: int = 256
    """Requests worked on at once; more are sent away with 503."""
    upload_bytes: int = 256 * 2**20
    """Body bytes of all requests held at once; more are sent away with 503."""


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """One server."""

    indexes: Mapping[str, Place]
    """Where the index of each name is; the first is the one meant where a request names none."""
    api_keys: Path | None = None
    """File of hashed API keys; None lets everyone in."""
    cors: tuple[str, ...] = ()
    """Origins that browsers may call from; ``*`` for all."""
    hosts: tuple[str, ...] = ()
    """Names by which clients reach ``/mcp``, besides this machine's own; needed only where there are no API keys."""
    page: bool = True
    """Whether the map page is served at ``/``."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed; ``*`` for all."""
    log_queries: bool = False
    """Whether the access log holds paths and query strings as sent, and so what people look for."""
    limits: Limits = field(default_factory=Limits)
    answers: AnswerSettings = field(default_factory=AnswerSettings)
    """Which model answers questions; read from the environment unless it is given."""
