"""The connection to one model server: only its own address is asked, only the headers that are meant are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

from core import AnswerSettings, ConfigError, trace_headers
from retriever.rag._model import ModelError
from retriever.rag.writing._foreign import plain

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

_SENT_HEADERS = frozenset(
    ("host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length", "authorization")
)
"""The openai client adds others: organisation, project and free headers from ``OPENAI_*`` variables, which belong to
another server than this one, and a description of the machine."""

_CONNECT_S = 10.0
"""Longest wait for a connection, so that a dead host leaves time for another try."""

_BYTES_PER_TOKEN = 2_000
"""Of a reply on the wire: every token comes in an event of its own, of 200 to 400 bytes with most servers."""
_LEAST_BYTES = 4 * 2**20
"""Packed replies are refused, because a few hundred kilobytes of them can be gigabytes."""


def server_address(url: str) -> str:
    """Return a checked base address without a slash at its end.

    Raises:
        ConfigError: It is no http address, or holds a user, a query or a fragment.
    """
    import httpx2

    hint = "give SWATH_ANSWER_URL as http://HOST:PORT/v1 or https://HOST/v1, and the key as SWATH_ANSWER_KEY"
    try:
        address = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise ConfigError(f"the address of the answer model is no URL; {hint}") from None
    if address.scheme not in ("http", "https") or not address.host:
        raise ConfigError(f"the address of the answer model is not http or https; {hint}")
    if address.userinfo or address.query or address.fragment:
        raise ConfigError(f"the address of the answer model holds more than host, port and path; {hint}")
    return str(address).rstrip("/")


def check_key(settings: AnswerSettings) -> None:
    """Do nothing where the key can be sent.

    Raises:
        ConfigError: It holds what cannot stand in a header.
    """
    key = settings.key.get_secret_value()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("SWATH_ANSWER_KEY holds a control character or a letter beyond ASCII; no header can carry it")


def guarded_client(address: str, settings: AnswerSettings) -> AsyncOpenAI:
    """Return a client of that address for one request. Loads certificates, so in an event loop call it in a thread.

    Proxies of the environment are used for https alone, where they see the host's name and no more.
    """
    import httpx2
    from openai import AsyncOpenAI

    key, home = settings.key.get_secret_value(), httpx2.URL(address)
    most = max(_LEAST_BYTES, _BYTES_PER_TOKEN * settings.max_tokens)

    async def before(request: httpx2.Request) -> None:
        if (request.url.scheme, request.url.host, request.url.port) != (home.scheme, home.host, home.port):
            raise ModelError("the request would have gone to another host than SWATH_ANSWER_URL")
        for name in set(request.headers) - _SENT_HEADERS:
            del request.headers[name]
        request.headers.pop("authorization", None)
        request.headers.update(trace_headers())
        if key:
            request.headers["authorization"] = f"Bearer {key}"

    async def after(response: httpx2.Response) -> None:
        packing = response.headers.pop("content-encoding", None) or "identity"
        if packing != "identity" and response.is_success:
            raise ModelError(f"the model server packs its replies ({plain(packing, 20)}), though asked not to")
        response.stream = _capped(cast("httpx2.AsyncByteStream", response.stream), most)

    client = httpx2.AsyncClient(
        follow_redirects=False,
        trust_env=home.scheme == "https",
        timeout=httpx2.Timeout(settings.timeout_s, connect=min(_CONNECT_S, settings.timeout_s)),
        headers={"accept-encoding": "identity"},
        event_hooks={"request": [before], "response": [after]},
    )
    # What is passed here keeps the client from reading keys of its own from the environment; none of it is sent.
    return AsyncOpenAI(
        api_key="-",
        admin_api_key="",
        organization="",
        project="",
        webhook_secret="",
        base_url=address,
        max_retries=0,
        http_client=client,
    )


def _capped(stream: httpx2.AsyncByteStream, most: int) -> httpx2.AsyncByteStream:
    """Return a response's stream that ends in an error after ``most`` bytes."""
    import httpx2

    class Capped(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = most
            async for chunk in stream:
                left -= len(chunk)
                if left < 0:
                    raise ModelError(f"the model server sent more than {most:,} bytes")
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Capped()
