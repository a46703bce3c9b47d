"""Who may call: a key in ``Authorization: Bearer``, in ``X-API-Key``, or in the cookie that the page asks for.

A browser sends no headers of ours for pictures and downloads. The page therefore shows its key once, to
``POST /v1/session``, and gets it back as a cookie that scripts cannot read, that no other site can make a browser send,
and that only reads.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api._asgi import header, is_open, notes, refuse
from api._limits_rate import Rates, too_many
from api._security_keys import ApiKey, KeyRing
from core import ConfigError

COOKIE = "swath_key"
"""Name of the cookie that holds a key."""

SESSION = "/v1/session"
"""Where the page exchanges its key for the cookie."""

_WRITES = frozenset({"PUT", "PATCH", "DELETE"})
_COOKIE_READS = frozenset({"GET", "HEAD"})

router = APIRouter(tags=["service"])


@router.post(SESSION, status_code=204)
def open_session(request: Request) -> Response:
    """Keep the key of this request in a cookie, for pictures and downloads of the page."""
    answer = Response(status_code=204)
    if token := _sent(request.scope):
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")
    return answer


@router.delete(SESSION, status_code=204)
def close_session() -> Response:
    """Forget the cookie."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/")
    return answer


class Authentication:
    """Lets requests with a key pass.

    Args:
        app: What comes next.
        keys: Keys that are accepted.
        rates: Wrong keys count against their sender's address.
    """

    def __init__(self, app: ASGIApp, *, keys: KeyRing, rates: Rates) -> None:
        self._app = app
        self._keys = keys
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401, 403, 429 or 503."""
        if scope["type"] != "http" or is_open(scope) or _is_preflight(scope) or _ends_session(scope):
            await self._app(scope, receive, send)
            return
        try:
            key = self._key(scope)
        except ConfigError:
            await refuse(scope, send, 503, "keys_unreadable", "the server's API keys cannot be read", headers=_LATER)
            return
        if key is None:
            await self._deny(scope, send)
        elif scope["method"] in _WRITES and key.scope != "write":
            message = f"the key {key.name!r} may only read; {scope['method']} needs one with the scope write"
            await refuse(scope, send, 403, "forbidden", message)
        else:
            notes(scope)["key"] = key.name
            await self._app(scope, receive, send)

    def _key(self, scope: Scope) -> ApiKey | None:
        token = _sent(scope) or (_cookie(scope) if scope["method"] in _COOKIE_READS else None)
        return self._keys.find(token) if token else None

    async def _deny(self, scope: Scope, send: Send) -> None:
        if wait := self._rates.take(scope, None):
            await too_many(scope, send, wait)
            return
        given = "this API key is not known" if _sent(scope) else "an API key is needed"
        message = f"{given}; send one as Authorization: Bearer KEY or X-API-Key: KEY"
        await refuse(scope, send, 401, "unauthorized", message, headers={"WWW-Authenticate": 'Bearer realm="swath"'})


_LATER = {"Retry-After": "5"}


def _is_preflight(scope: Scope) -> bool:
    """Browsers ask whether they may call before they send a key."""
    return scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None


def _ends_session(scope: Scope) -> bool:
    """Somebody whose key was removed must still be able to forget it."""
    return (scope["method"], scope["path"]) == ("DELETE", SESSION)


def _sent(scope: Scope) -> str | None:
    scheme, _, credentials = (header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return header(scope, b"x-api-key")


def _cookie(scope: Scope) -> str | None:
    try:
        found = SimpleCookie(header(scope, b"cookie") or "").get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None
