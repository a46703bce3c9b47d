"""The body of ``POST /v1/search``: JSON, or multipart with pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api._limits_json import check_json
from api._schemas import MAX_TERMS, SearchBody
from api._search_params import checked_body

MAX_REQUEST_PART = 8 * 2**20
"""Bytes of the JSON part of a multipart body; a polygon of 100,000 vertices takes some 4 MB."""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What was sent."""

    body: SearchBody
    """The search."""
    pictures: tuple[bytes, ...] = ()
    """Uploaded pictures, in their order."""


async def posted(request: Request) -> Posted:
    """Read a search from JSON or from multipart parts.

    Raises:
        RequestValidationError: A field does not fit.
        HTTPException: Another content type, or parts that cannot be read.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _parts(request)
    if kind == "application/json" or kind.endswith("+json"):
        return Posted(body=checked_body(_parsed(await request.body()), where="body"))
    raise HTTPException(415, f"content type {kind!r} is not read; send application/json or multipart/form-data")


async def _parts(request: Request) -> Posted:
    limits = {"max_files": MAX_TERMS, "max_fields": 1, "max_part_size": MAX_REQUEST_PART}
    async with request.form(**limits) as form:
        pictures, text = [], b"{}"
        for name, part in form.multi_items():
            content = await part.read() if isinstance(part, UploadFile) else part.encode("utf-8", "surrogatepass")
            if name == "picture":
                pictures.append(content)
            elif name == "request":
                text = content
            else:
                raise _wrong(name, f"there is no part {name!r}; send request (JSON) and picture", "value_error")
    if not pictures and text == b"{}":
        raise _wrong("picture", "nothing was sent; send a part request (JSON), picture, or both", "missing")
    check_json(text, request.app.state.config.limits)
    return Posted(body=checked_body(_parsed(text), where="body"), pictures=tuple(pictures))


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("", f"the body is not JSON: {error}", "json_invalid") from None


def _wrong(name: str, message: str, kind: str) -> RequestValidationError:
    return RequestValidationError([{"type": kind, "loc": ("body", name), "msg": message, "input": None}])


def described() -> dict[str, Any]:
    """Return the ``requestBody`` of the OpenAPI description."""
    search = _inlined(SearchBody.model_json_schema())
    picture = {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": MAX_TERMS}
    parts = {
        "type": "object",
        "properties": {"request": search, "picture": picture | {"description": "JPEG, PNG, WebP or GeoTIFF."}},
        "additionalProperties": False,
    }
    content = {
        "application/json": {"schema": search, "examples": _examples()},
        "multipart/form-data": {"schema": parts, "encoding": {"request": {"contentType": "application/json"}}},
    }
    return {"requestBody": {"required": True, "content": content}}


def _examples() -> dict[str, Any]:
    extra: Any = SearchBody.model_config["json_schema_extra"]
    return {f"example-{number}": {"value": value} for number, value in enumerate(extra["examples"], start=1)}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Put every definition where it is named: a description has no place of its own for those of one route."""
    definitions = schema.pop("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, list):
            return [put(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return put(definitions[node["$ref"].rpartition("/")[2]])
        return {key: put(value) for key, value in node.items()}

    found: dict[str, Any] = put(schema)
    return found
