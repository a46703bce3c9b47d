"""How tools answer: structured content, the same as fenced text, and small pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mcp.types import CallToolResult, ContentBlock, TextContent
from pydantic import BaseModel

from api._mcp_facts import fenced
from api._mcp_pictures import image_content
from core import Record, SceneError
from indexer import stored_picture

MAX_REMARK = 500
"""Characters of a remark; remarks quote the query."""


def result(answer: BaseModel, pictures: Iterable[ContentBlock]) -> CallToolResult:
    """Return an answer and its pictures as what a tool gives back."""
    return CallToolResult(
        content=[TextContent(type="text", text=fenced(answer)), *pictures],
        structured_content=answer.model_dump(mode="json", exclude_none=True),
    )


def previewed(records: Sequence[Record]) -> Iterator[ContentBlock]:
    """Yield each stored preview after its tile id; one that cannot be read is said to be so."""
    for number, record in enumerate(records, start=1):
        name = f"[{number}] {record.tile_id}"
        try:
            picture = image_content(stored_picture(record.preview))
        except SceneError as error:
            yield TextContent(type="text", text=f"{name}: {error}")
            continue
        yield TextContent(type="text", text=name)
        yield picture
