"""Which models a server has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from core import AnswerSettings
from retriever.rag.writing._openai_client import check_key, guarded_client, server_address
from retriever.rag.writing._openai_errors import refused

if TYPE_CHECKING:
    from openai import AsyncOpenAI


async def listed_models(settings: AnswerSettings) -> list[str]:
    """Ask the server that settings name which models it has; one request, without another try.

    Raises:
        ConfigError: The address is not one that could be asked, or the key cannot be sent.
        ModelError: The server does not say.
    """
    address = server_address(settings.url)
    check_key(settings)
    client = await run_sync(guarded_client, address, settings)
    async with client:
        return await listed_by(client, settings)


async def listed_by(client: AsyncOpenAI, settings: AnswerSettings) -> list[str]:
    """Ask through a client that is there already.

    Raises:
        ModelError: The server does not say.
    """
    try:
        page = await client.models.list()
        return [str(model.id) for model in page.data]
    except Exception as error:
        raise refused(error, settings) from None
