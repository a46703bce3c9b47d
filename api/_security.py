"""What stands between the network and the routes, from outside to inside.

proxy headers > log and metrics > security headers > CORS > keys > rate > concurrency and time > body > routes
"""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import _ask_routes, _mcp_http, _metrics, _security_auth
from api._access_log import RequestLog
from api._config import ServeConfig
from api._limits_body import BodyLimit
from api._limits_rate import RateLimit, Rates
from api._limits_time import TimeLimit
from api._metrics import Metrics
from api._security_auth import Authentication
from api._security_headers import SecurityHeaders
from api._security_keys import KeyRing

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SENT = (
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "Last-Event-ID",
    "MCP-Protocol-Version",
    "Mcp-Session-Id",
    "X-API-Key",
    "X-Request-ID",
)
_READ = (
    "Content-Disposition",
    "ETag",
    "Link",
    "Mcp-Session-Id",
    "Retry-After",
    "X-Request-ID",
    "X-Swath-Pixels",
    "X-Swath-Reason",
    "X-Swath-Rendering",
)


def secure(app: FastAPI) -> None:
    """Put the application behind keys, limits and logs, and add ``/metrics`` and ``/v1/session``.

    Raises:
        ConfigError: The file of API keys cannot be read.
    """
    config: ServeConfig = app.state.config
    app.state.metrics = Metrics(app.state.services)
    app.include_router(_metrics.router)
    if config.api_keys is not None:
        app.include_router(_security_auth.router)
        _describe_keys(app)
    # The first of the list is the outermost.
    app.user_middleware[:0] = _layers(config, app.state.metrics)


def _layers(config: ServeConfig, metrics: Metrics) -> list[Middleware]:
    rates = Rates(config.limits.requests_per_minute)
    layers = [
        Middleware(RequestLog, metrics=metrics, queries=config.log_queries),
        Middleware(SecurityHeaders, shared=bool(config.cors), keyed=config.api_keys is not None),
    ]
    if config.trusted_proxies:
        layers.insert(0, Middleware(_believing, trusted=list(config.trusted_proxies)))
    if config.cors:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=config.cors,
                allow_methods=_METHODS,
                allow_headers=_SENT,
                expose_headers=_READ,
            )
        )
    if config.api_keys is not None:
        layers.append(Middleware(Authentication, keys=KeyRing(config.api_keys), rates=rates))
    layers.append(Middleware(RateLimit, rates=rates))
    # A model writes for a while after the tiles were found, and where it plans, for as long before.
    answering = config.limits.seconds + config.answers.timeout_s * (2 if config.answers.plan else 1)
    longer = {_ask_routes.PATH: answering, _mcp_http.PATH: answering}
    layers.append(Middleware(TimeLimit, limits=config.limits, longer=longer))
    layers.append(Middleware(BodyLimit, limits=config.limits))
    return layers


def _believing(app: ASGIApp, *, trusted: list[str]) -> ASGIApp:
    """Take the sender's address from a proxy that is trusted; uvicorn's types differ from Starlette's in name only."""
    return cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app), trusted))


def _describe_keys(app: FastAPI) -> None:
    """Say in the description that a key is needed, and where it is sent."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        schemes = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        schema.setdefault("components", {})["securitySchemes"] = schemes
        schema["security"] = [{name: []} for name in schemes]
        return schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI documents this way of extending it
