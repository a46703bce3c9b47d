"""What can go wrong between us and a model server, each as one line that says what would help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from core import AnswerSettings
from retriever.rag._model import ModelError
from retriever.rag.writing._foreign import plain

if TYPE_CHECKING:
    import openai

_LONGEST_QUOTE = 200
"""Characters of what a server says about its error."""

_AGAIN = frozenset((408, 409, 425, 429, *range(500, 600)))
"""Statuses after which another try may succeed."""

_DISLIKED = (400, 422)
"""Statuses of servers that do not know a parameter, or not this value of it."""

_HELP = {
    401: "it refuses the key; set SWATH_ANSWER_KEY",
    403: "it refuses the key; set SWATH_ANSWER_KEY",
    413: "the request is too large for it; lower SWATH_ANSWER_IMAGES or SWATH_ANSWER_IMAGE_PX",
    429: "it is busy",
}


class RefusedError(ModelError):
    """A try that failed.

    Attributes:
        status: HTTP status; None where there was no answer.
        again: Whether another try may succeed.
        wait_s: Seconds the server asks to wait; None where it does not say.
        said: What the server says; foreign text, to be looked at and not to be shown.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        again: bool = False,
        wait_s: float | None = None,
        said: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.again = again
        self.wait_s = wait_s
        self.said = said


def refused(error: Exception, settings: AnswerSettings) -> ModelError:
    """Return an error of the client, or of what it uses, as one of ours that holds no key."""
    import openai

    # The client wraps what is raised on the way through it.
    if own := next((each for each in (error, error.__cause__) if isinstance(each, ModelError)), None):
        return own
    if isinstance(error, openai.APIStatusError):
        return _by_status(error, settings)
    if isinstance(error, openai.APITimeoutError):
        return RefusedError(f"the model server did not answer within {settings.timeout_s:g} s", again=True)
    if isinstance(error, openai.APIConnectionError):
        return RefusedError(
            "the model server cannot be reached, or closed the connection; see SWATH_ANSWER_URL", again=True
        )
    if isinstance(error, openai.APIError):
        return RefusedError(f"the model server broke off with an error{_quoted(error, settings)}")
    return RefusedError("the model server sent what is no reply in the OpenAI protocol; see SWATH_ANSWER_URL")


def declined(failure: ModelError, sent: Mapping[str, Any]) -> frozenset[str]:
    """Return which parameters a request may be repeated without; none where its parameters are not what is wrong.

    Where the server names none, the form of the reply is the likeliest: whether that is so, the next request shows.
    """
    if not isinstance(failure, RefusedError) or failure.status not in _DISLIKED:
        return frozenset()
    named = frozenset(name for name in sent if name in failure.said and name != "max_completion_tokens")
    return named or frozenset({"response_format"} & set(sent))


def _by_status(error: openai.APIStatusError, settings: AnswerSettings) -> RefusedError:
    status = error.status_code
    if 300 <= status < 400:
        return RefusedError(
            f"the model server redirects ({status}), which is not followed, so that key and pictures go nowhere else; "
            "set SWATH_ANSWER_URL to the final address",
            status=status,
        )
    what = _HELP.get(status, "it failed" if status >= 500 else "it refuses the request")
    wait_s = retry_after(error.response.headers.get("retry-after"))
    asked = "" if wait_s is None else f" and asks to wait {wait_s:g} s"
    return RefusedError(
        f"the model server answers {status}: {what}{asked}{_quoted(error, settings)}",
        status=status,
        again=status in _AGAIN,
        wait_s=wait_s,
        said=f"{error.param} {error.message}",
    )


def retry_after(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None where it says nothing usable."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _quoted(error: openai.APIError, settings: AnswerSettings) -> str:
    """Return what a server says, short, and without the key where it repeats it."""
    body = error.body if isinstance(error.body, dict) else {"message": error.body}
    said = next((text for name in ("message", "detail") if isinstance(text := body.get(name), str)), "")
    key = settings.key.get_secret_value()
    shown = plain(said.replace(key, "(key)") if key else said, _LONGEST_QUOTE)
    return f" ({shown})" if shown else ""
