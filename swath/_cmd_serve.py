"""``swath serve``: indexes over HTTP."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from swath._console import stderr, stdout

if TYPE_CHECKING:
    from core import AnswerSettings
    from indexer import Place

INDEX_HELP = "Index, a directory or s3://bucket/prefix, or NAME=INDEX; may be repeated, the first is the default."


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("serve")(serve)


def serve(
    index: Annotated[list[str], typer.Option("--index", metavar="[NAME=]DIR", help=INDEX_HELP)],
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")] = 8000,
    api_key_file: Annotated[
        Path | None, typer.Option(metavar="F", help="File of hashed keys, see: swath keys; none lets everyone in.")
    ] = None,
    cors: Annotated[
        list[str] | None, typer.Option(metavar="ORIGIN", help="Pages of it may call; * for all; may be repeated.")
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="Serve the map page at /.")] = True,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Name by which clients reach /mcp without a key.")
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="Its X-Forwarded headers are believed.")
    ] = None,
    rate: Annotated[int, typer.Option(min=0, metavar="N", help="Requests a minute of one key or address; 0: any.")] = 0,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="S", help="Seconds a request may take.")] = 30.0,
    log_queries: Annotated[bool, typer.Option("--log-queries", help="Log what people look for.")] = False,
) -> None:
    """Serve indexes over HTTP: /v1, STAC under /stac, the map page at /, agents at /mcp.

    Questions are answered by the model of SWATH_ANSWER_URL, or from records alone.
    """
    # Start-up makes half a million objects and no garbage; looking for some takes a quarter of its time.
    gc.disable()
    from api import Limits, ServeConfig, run_server
    from swath._logs import server_form

    config = ServeConfig(
        indexes=named_indexes(index),
        api_keys=api_key_file,
        cors=tuple(cors or ()),
        hosts=tuple(allow_host or ()),
        page=page,
        trusted_proxies=tuple(trusted_proxy or ()),
        log_queries=log_queries,
        limits=Limits(requests_per_minute=rate, seconds=timeout),
    )

    def ready(address: str) -> None:
        gc.freeze()
        gc.enable()
        if api_key_file is None and not _is_local(host):
            _warn(f"whoever reaches {host} may search: keys are made with swath keys add")
        print_open(address, config.indexes)
        stdout().print(answered_by(config.answers), markup=False, soft_wrap=True)

    run_server(config, host=host, port=port, ready=ready, log=server_form())


def named_indexes(given: Sequence[str]) -> dict[str, Place]:
    """Return where indexes are by name; one without a name is called as its directory is.

    Raises:
        InputError: Two have the same name, or one has an empty name.
    """
    from core import InputError
    from indexer import place_of

    found: dict[str, Place] = {}
    for text in given:
        name, equals, rest = text.partition("=")
        # A directory may have an equals sign in its own name, and so may an address.
        own = not equals or "://" in name or Path(text).is_dir()
        path = place_of(text if own else rest)
        name = (path.resolve() if isinstance(path, Path) else path).name if own else name.strip()
        if not name:
            raise InputError(f"--index {text!r} has no name; write NAME=DIR, e.g. alps={rest or '/data/index'}")
        if name in found:
            raise InputError(f"two indexes are called {name!r}; name them, e.g. --index first={found[name]}")
        found[name] = path
    return found


def answered_by(settings: AnswerSettings) -> str:
    """Return in one line who answers questions; address and name of a model, never its key."""
    from core import printable

    if not settings.url:
        return "questions are answered from records alone; SWATH_ANSWER_URL names a model that writes"
    asked = urlsplit(settings.url)
    # An address may hold a name and a password.
    where = f"{asked.scheme}://{asked.netloc.rpartition('@')[2]}"
    return f"questions are answered by {printable(settings.model or 'the only model')} at {printable(where)}"


def print_open(address: str, indexes: Iterable[str]) -> None:
    """Say where the page is."""
    out = stdout()
    out.print(f"serving {', '.join(indexes)}; open {address} (Ctrl-C ends it)", markup=False, soft_wrap=True)
    # A program that started this one may be reading.
    out.file.flush()


def _warn(text: str) -> None:
    from swath._logs import server_form

    # Where the log is for programs, it has no other lines.
    logging.getLogger("swath").warning(text) if server_form() == "json" else stderr().print(text, markup=False)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
