"""One table from our errors to HTTP status; a new error needs a row only if its parent's status is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from api._ask_busy import BusyError
from api._search_cursor import CursorGoneError
from core import InputError, StoreError, SwathError, TileNotFoundError, WeightsNotFoundError
from retriever.watches import WatchNotFoundError

STATUS: tuple[tuple[type[SwathError], int, str], ...] = (
    (TileNotFoundError, 404, "tile_not_found"),
    (WatchNotFoundError, 404, "watch_not_found"),
    (CursorGoneError, 410, "cursor_gone"),
    (BusyError, 503, "busy"),
    (InputError, 400, "bad_input"),
    (WeightsNotFoundError, 503, "weights_missing"),
    (StoreError, 503, "store_unavailable"),
    (SwathError, 500, "failure"),
)
"""First match wins: leaves before their parents."""

MAX_MESSAGE = 2_000
"""Characters of a message that are sent: a message quotes what it got, which may be long."""


class Problem(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(description="One word for programs, e.g. bad_input.")
    message: str = Field(description="One line for people: what was received, and what would work.")
    field: str | None = Field(description="The field of the request that is wrong, where one is.")


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"error": {"code": "bad_input", "message": "k must be ...", "field": None}}]},
    )

    error: Problem


_MEANINGS = {
    400: "The request cannot be used; the message says what would work.",
    401: "An API key is missing or wrong.",
    403: "The API key does not allow this.",
    404: "There is no such thing.",
    405: "The path does not take this method.",
    408: "The request's body did not arrive in time.",
    413: "The body, the picture or the area is too large.",
    415: "The body is of a kind that is not accepted.",
    422: "A field of the request is missing or wrong.",
    429: "Too many requests; Retry-After says when to come back.",
    431: "The headers or the address are too large.",
    500: "The server failed; the answer's X-Request-ID finds the reason in its log.",
    503: "The server is busy, or its index cannot be read; Retry-After says when to come back.",
    504: "The request took too long.",
}

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": meaning} for status, meaning in _MEANINGS.items()
}
"""Every error that any route may answer with, for the OpenAPI description."""


def install(app: FastAPI) -> None:
    """Answer every error with ``{"error": {"code", "message", "field"}}``."""

    @app.exception_handler(SwathError)
    async def ours(_: Request, error: SwathError) -> JSONResponse:
        status, body = error_answer(error)
        return JSONResponse(body, status_code=status, headers={"Retry-After": "5"} if status == 503 else None)

    @app.exception_handler(RequestValidationError)
    async def validation(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return error_response(422, "invalid_request", str(first["msg"]), field)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return error_response(error.status_code, "http_error", str(error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    async def other(_: Request, error: Exception) -> JSONResponse:
        """What nobody foresaw; the reason is for the log alone, where the exception goes on to."""
        status, body = error_answer(error)
        return JSONResponse(body, status_code=status)

    _describe(app)


def _describe(app: FastAPI) -> None:
    """Declare errors once in the description, and as JSON whatever a route answers with otherwise."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        body = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
        shared = {str(status): {"description": meaning, "content": body} for status, meaning in _MEANINGS.items()}
        schema.setdefault("components", {})["responses"] = shared
        for route in (route for routes in schema["paths"].values() for route in routes.values()):
            for status, answer in route["responses"].items():
                if status in shared and answer.get("description") == shared[status]["description"]:
                    route["responses"][status] = {"$ref": f"#/components/responses/{status}"}
                elif status >= "400" and "content" in answer:
                    answer["content"] = body
        return schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI documents this way of extending it


def error_answer(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return status and body of what went wrong; what nobody foresaw is not told."""
    if not isinstance(error, SwathError):
        return 500, _body("failure", "the server failed; its log says why under this answer's X-Request-ID", None)
    status, code = next((status, code) for kind, status, code in STATUS if isinstance(error, kind))
    return status, _body(code, str(error), None)


def error_response(
    status: int, code: str, message: str, field: str | None = None, *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return an error in the one shape all errors have."""
    body = _body(code, message, field)
    return JSONResponse(body, status_code=status, headers=None if headers is None else dict(headers))


def _body(code: str, message: str, field: str | None) -> dict[str, Any]:
    problem = {"code": code, "message": _sendable(message), "field": None if field is None else _sendable(field)}
    return {"error": problem}


def _sendable(text: str) -> str:
    """Lone surrogates of a request, quoted back, cannot be written as UTF-8."""
    return text[:MAX_MESSAGE].encode("utf-8", "replace").decode("utf-8")
