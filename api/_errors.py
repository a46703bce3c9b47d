"""One table from our errors to HTTP status; a new error needs a row only if its parent's status is wrong."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from core import InputError, StoreError, SwathError, TileNotFoundError, WeightsNotFoundError

STATUS: tuple[tuple[type[SwathError], int, str], ...] = (
    (TileNotFoundError, 404, "tile_not_found"),
    (InputError, 400, "bad_input"),
    (WeightsNotFoundError, 503, "weights_missing"),
    (StoreError, 503, "store_unavailable"),
    (SwathError, 500, "failure"),
)
"""First match wins: leaves before their parents."""


def install(app: FastAPI) -> None:
    """Answer every error with ``{"error": {"code", "message", "field"}}``."""

    @app.exception_handler(SwathError)
    async def ours(_: Request, error: SwathError) -> JSONResponse:
        status, code = next((status, code) for kind, status, code in STATUS if isinstance(error, kind))
        return _body(status, code, str(error), None)

    @app.exception_handler(RequestValidationError)
    async def validation(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return _body(422, "invalid_request", str(first["msg"]), field)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return _body(error.status_code, "http_error", str(error.detail), None)


def _body(status: int, code: str, message: str, field: str | None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message, "field": field}}, status_code=status)
