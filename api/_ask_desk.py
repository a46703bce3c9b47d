"""The answer model of a server, opened when it starts and closed when it ends, and what asks its indexes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request

from api._ask_busy import BusyError
from api._ask_metrics import counted
from api._services import Service
from api._tile_originals import Originals
from core import AnswerSettings
from retriever.rag import Answer, AnswerModel, Archive, Asker, AskRequest, Event, open_answer_model

AT_ONCE = 32
"""Questions at work at once; each reads originals in threads, of which the server has 40. More are sent away."""

OpenModel = Callable[[AnswerSettings], AnswerModel | None]


class Desk:
    """Where questions are taken.

    Args:
        settings: Which model answers, and how much it is given.
        opened: Opens it.

    Raises:
        ConfigError: The settings name no model that could be asked.
    """

    def __init__(self, settings: AnswerSettings, opened: OpenModel = open_answer_model) -> None:
        self.settings = settings
        self._model = opened(settings)
        self._working = 0

    @property
    def model(self) -> str | None:
        """Name of the model; None where answers are written from records."""
        return None if self._model is None else self._model.name

    async def events(self, service: Service, originals: Originals, request: AskRequest) -> AsyncGenerator[Event, None]:
        """Yield what happens while a question is answered; see `Asker.events`.

        Raises:
            BusyError: Too many questions are at work.
            SwathError: See `Asker.events`.
        """
        asker = Asker(partial(_archive, service, originals), self._model, self.settings)
        with self._place():
            async with aclosing(counted(asker.events(request))) as events:
                async for event in events:
                    yield event

    async def answer(self, service: Service, originals: Originals, request: AskRequest) -> Answer:
        """Return the answer to a question.

        Raises:
            SwathError: See ``events``.
        """
        async with aclosing(self.events(service, originals, request)) as events:
            return [event.value async for event in events if isinstance(event.value, Answer)][-1]

    async def close(self) -> None:
        """Close the model's connections."""
        if (close := getattr(self._model, "aclose", None)) is not None:
            await close()

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._working >= AT_ONCE:
            message = f"{self._working} questions are being answered, as many as this server takes; try again"
            raise BusyError(message)
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1


def _archive(service: Service, originals: Originals) -> Archive:
    """Return the newest version of an index as questions see it."""
    return Archive(
        searcher=service.searcher,
        rows=service.searcher.snapshot(),
        reach=originals.reach(service),
        knowledge=service.knowledge(),
    )


def mount(app: FastAPI, opened: OpenModel = open_answer_model) -> None:
    """Open the model that the server's configuration names, for as long as the application's lifespan lasts.

    Raises:
        ConfigError: The settings name no model that could be asked.
    """
    desk = Desk(app.state.config.answers, opened)
    app.state.desk = desk
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(of: FastAPI) -> AsyncIterator[Any]:
        try:
            async with inner(of) as state:
                yield state
        finally:
            await desk.close()

    app.router.lifespan_context = lifespan


async def desk_of(request: Request) -> Desk:
    """Return the desk of the application that got the request."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]
"""Parameter type of a route that answers questions."""
