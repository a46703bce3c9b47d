"""A model behind the OpenAI-compatible protocol: vLLM, Ollama, llama.cpp, LM Studio, hosted ones."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import anyio
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from core import AnswerSettings
from retriever.rag._model import AnswerModel, Message, ModelError
from retriever.rag.writing._deadline import until
from retriever.rag.writing._foreign import plain
from retriever.rag.writing._openai_client import check_key, guarded_client, server_address
from retriever.rag.writing._openai_errors import RefusedError, declined, refused
from retriever.rag.writing._openai_messages import said
from retriever.rag.writing._openai_models import listed_by

if TYPE_CHECKING:
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk

_LIMITERS: RunVar[dict[str, anyio.CapacityLimiter]] = RunVar("swath answer models")
"""By address, one set in each event loop; a server has one loop."""

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 8.0
"""Seconds between tries where the server does not say; those of the openai client."""

_MOST_NAMES = 20
"""Models of a server that an error lists."""


def open_model(settings: AnswerSettings) -> AnswerModel:
    """Return the model that the settings name. Nothing is sent yet.

    Raises:
        ConfigError: The address is not one that could be asked, or the key cannot be sent.
    """
    return OpenAIModel(settings)


class OpenAIModel:
    """Asks one server, with the key, and no other host.

    Args:
        settings: Which server and model, and the limits of a request.

    Raises:
        ConfigError: The address is not one that could be asked, or the key cannot be sent.
    """

    def __init__(self, settings: AnswerSettings) -> None:
        self._settings = settings
        self._address = server_address(settings.url)
        check_key(settings)
        self._model = settings.model
        self._declined: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"OpenAIModel(name={self.name!r})"

    @property
    def name(self) -> str:
        """The model's own name, as set, or as the server lists it once it has been asked; of a folder its last part."""
        shown = PurePath(self._model).name if self._model.startswith(("/", "~", ".")) else self._model
        return plain(shown, 80) or "unnamed model"

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[str, None]:
        """Yield the reply in pieces. Closing the iterator closes the connection, which stops the server.

        Args:
            messages: What is said, oldest first.
            schema: JSON schema the reply should follow; left out where the server refuses to be given one.

        Raises:
            ModelError: No reply after all tries within ``timeout_s``, or it broke off.
        """
        deadline = anyio.current_time() + self._settings.timeout_s
        limiter, borrower = _limiter(self._address, self._settings.concurrent), object()
        try:
            with anyio.fail_after(self._settings.timeout_s):
                await limiter.acquire_on_behalf_of(borrower)
        except TimeoutError:
            raise ModelError(
                f"no turn came within {self._settings.timeout_s:g} s; see SWATH_ANSWER_CONCURRENT"
            ) from None
        try:
            async with aclosing(self._replied(messages, schema, deadline)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            limiter.release_on_behalf_of(borrower)

    async def _replied(
        self, messages: Sequence[Message], schema: Mapping[str, Any] | None, deadline: float
    ) -> AsyncGenerator[str, None]:
        """Yield the reply of one request.

        Raises:
            ModelError: See `stream`.
        """
        tries = _Tries(deadline)
        client = await run_sync(guarded_client, self._address, self._settings)
        written = await run_sync(said, messages)
        try:
            async with client:
                with anyio.fail_after(deadline - anyio.current_time()):
                    reply = await self._tried(client, written, schema, tries)
                async with aclosing(until(deadline, _texts(reply, self._settings))) as pieces:
                    async for piece in pieces:
                        yield piece
        except TimeoutError:
            late = f"no complete reply came within {self._settings.timeout_s:g} s (SWATH_ANSWER_TIMEOUT_S)"
            raise ModelError(f"{late}; before that, {tries.last}" if tries.last else late) from None

    async def _tried(
        self, client: AsyncOpenAI, written: list[Any], schema: Mapping[str, Any] | None, tries: _Tries
    ) -> AsyncStream[ChatCompletionChunk]:
        """Return the opened reply of the first try that succeeds.

        Raises:
            ModelError: None did.
        """
        import stamina

        # Its line at each wait says neither which server nor why; the answer says what came of all tries.
        logging.getLogger("stamina").setLevel(logging.ERROR)
        async for attempt in stamina.retry_context(
            on=tries.again,
            attempts=self._settings.retries + 1,
            timeout=None,  # the deadline is around it
            wait_initial=_FIRST_WAIT_S,
            wait_max=_LONGEST_WAIT_S,
        ):
            with attempt:
                return await self._opened(client, written, schema)
        raise RuntimeError("no try was made")

    async def _opened(
        self, client: AsyncOpenAI, written: list[Any], schema: Mapping[str, Any] | None
    ) -> AsyncStream[ChatCompletionChunk]:
        """Return the opened reply; parameters that the server declines are left out, now and from now on.

        Raises:
            ModelError: The server gives none.
        """
        self._model = self._model or await self._only_model(client)
        left_out = self._declined
        while True:
            wanted = self._parameters(schema, left_out)
            try:
                reply: AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(
                    model=self._model, messages=written, stream=True, **wanted
                )
            except Exception as error:
                failure = refused(error, self._settings)
                more = declined(failure, wanted)
                if not more:
                    raise await self._explained(client, failure) from None
                left_out |= more
            else:
                self._declined = left_out
                return reply

    def _parameters(self, schema: Mapping[str, Any] | None, left_out: frozenset[str]) -> dict[str, Any]:
        """Return the parameters that a server can do without."""
        wanted: dict[str, Any] = {
            "temperature": self._settings.temperature,
            "max_tokens": self._settings.max_tokens,
            "max_completion_tokens": self._settings.max_tokens,
        }
        # The newer name is sent only where the older one has been declined.
        wanted.pop("max_tokens" if "max_tokens" in left_out else "max_completion_tokens")
        if schema is not None:
            form = {"name": "reply", "schema": dict(schema), "strict": True}
            wanted["response_format"] = {"type": "json_schema", "json_schema": form}
        return {name: value for name, value in wanted.items() if name not in left_out}

    async def _explained(self, client: AsyncOpenAI, failure: ModelError) -> ModelError:
        """Return a failure; where nothing was found by that name, with what the server has.

        A name that the server once listed is forgotten: it may have come up with another model.
        """
        if not isinstance(failure, RefusedError) or failure.status != 404:
            return failure
        asked = f"the model server knows no model {plain(self._model, 80)!r} (404)"
        listed_once = not self._settings.model
        if listed_once:
            self._model = ""
        try:
            names = await listed_by(client, self._settings)
        except ModelError:
            return RefusedError(f"{asked}, or SWATH_ANSWER_URL lacks its /v1", status=404)
        message = f"{asked}; set SWATH_ANSWER_MODEL to one of: {_shown(names)}"
        return RefusedError(message, status=404, again=listed_once, wait_s=0.0)

    async def _only_model(self, client: AsyncOpenAI) -> str:
        names = await listed_by(client, self._settings)
        if len(names) != 1:
            raise RefusedError(f"SWATH_ANSWER_MODEL is not set; the model server lists {_shown(names)}")
        return names[0]


class _Tries:
    """Which failures are followed by another try, and after how long."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self.last: str | None = None

    def again(self, error: Exception) -> bool | float:
        """Return whether to try again, or the seconds after which the server allows it."""
        self.last = str(error)
        if not isinstance(error, RefusedError) or not error.again:
            return False
        if error.wait_s is None:
            return True
        return error.wait_s if anyio.current_time() + error.wait_s < self._deadline else False


def _limiter(address: str, concurrent: int) -> anyio.CapacityLimiter:
    """Return what all models at an address wait for in this event loop."""
    known = _LIMITERS.get(None)
    if known is None:
        _LIMITERS.set(known := {})
    return known.setdefault(address, anyio.CapacityLimiter(concurrent))


async def _texts(reply: AsyncStream[ChatCompletionChunk], settings: AnswerSettings) -> AsyncGenerator[str, None]:
    """Yield the text of a reply's events.

    Raises:
        ModelError: It broke off, or the server or the model declines.
    """
    try:
        async for chunk in reply:
            for choice in (chunk.choices or ())[:1]:
                if choice.delta is not None and choice.delta.refusal:
                    raise ModelError("the model declines to answer")
                if choice.delta is not None and isinstance(choice.delta.content, str) and choice.delta.content:
                    yield choice.delta.content
                if choice.finish_reason == "content_filter":
                    raise ModelError("a filter of the model server stopped the reply")
    except Exception as error:
        raise refused(error, settings) from None
    finally:
        await reply.close()


def _shown(names: Sequence[str]) -> str:
    """Return what a server lists in one line."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(plain(name, 80) for name in names[:_MOST_NAMES]) or 'none'}{more}"
