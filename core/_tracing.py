"""Spans of OpenTelemetry round the coarse steps of an ingest, a search and an answer.

Nothing is imported and nothing measured until `use_tracer` is called: a span then costs a fraction of a microsecond. No
attribute holds words of a query, and of an error only its type is told, because its message may quote what was asked.
https://opentelemetry.io/docs/specs/otel/trace/api/
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer, TracerProvider

Attributes = Mapping[str, str | bool | int | float | Sequence[str]]
"""What a span tells about its step; names of the semantic conventions where there are some."""

Kind = Literal["internal", "server", "client"]
"""Who asks whom: nobody else, others us, we others."""


class Span:
    """One step, as it is where nobody traces: it does nothing."""

    __slots__ = ()

    def __enter__(self) -> Self:
        """Begin, and be the parent of what begins inside."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; an error is told by its type."""

    def begin(self) -> Self:
        """Begin without being the parent of what begins meanwhile; see the ``parent`` of `span`."""
        return self

    def end(self, error: str | None = None) -> None:
        """End what was begun; ``error`` is the type of what went wrong."""

    def set(self, attributes: Attributes) -> None:
        """Tell more about the step."""

    def rename(self, name: str) -> None:
        """Call the step something else."""


class _Recorded(Span):
    """A step that is traced."""

    __slots__ = ("_before", "_mine", "_options", "_own", "_tracer")

    def __init__(self, tracer: Tracer, options: dict[str, Any]) -> None:
        self._tracer = tracer
        self._options = options
        self._own: Any = None
        self._before: Any = None
        self._mine: Any = None

    def __enter__(self) -> Self:
        from opentelemetry import context, trace

        self.begin()
        self._before = context.get_current()
        self._mine = trace.set_span_in_context(self._own, self._before)
        context.attach(self._mine)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from opentelemetry import context

        # A generator may be closed by another task, where another step goes on: that one is left alone.
        if context.get_current() is self._mine:
            context.attach(self._before)
        self.end(None if error is None or not isinstance(error, Exception) else type(error).__name__)

    def begin(self) -> Self:
        self._own = self._tracer.start_span(**self._options)
        return self

    def end(self, error: str | None = None) -> None:
        from opentelemetry.trace import Status, StatusCode

        if error is not None:
            self._own.set_attribute("error.type", error)
            self._own.set_status(Status(StatusCode.ERROR))
        self._own.end()

    def set(self, attributes: Attributes) -> None:
        self._own.set_attributes(attributes)

    def rename(self, name: str) -> None:
        self._own.update_name(name)

    def as_parent(self) -> Any:
        """Return a context in which this span is the current one."""
        from opentelemetry import trace

        return trace.set_span_in_context(self._own)

    def as_link(self) -> Any:
        """Return what another span may point to."""
        from opentelemetry.trace import Link

        return Link(self._own.get_span_context())


_OFF = Span()
_tracer: Tracer | None = None


def use_tracer(provider: TracerProvider | None) -> None:
    """Trace with the tracers of a provider from now on; None ends it.

    Args:
        provider: Of the OpenTelemetry SDK, with whatever exporters it has.
    """
    global _tracer  # noqa: PLW0603  # one switch of the process, as the provider of OpenTelemetry is
    _tracer = None if provider is None else provider.get_tracer("swath")


def tracing() -> bool:
    """Return whether steps are traced."""
    return _tracer is not None


def span(
    name: str,
    attributes: Attributes | None = None,
    *,
    kind: Kind = "internal",
    parent: Span | None = None,
    caller: Mapping[str, str] | None = None,
    links: Sequence[Span] = (),
) -> Span:
    """Return a step to be entered, or begun and ended.

    Args:
        name: What the step is called; the same for all its kind.
        attributes: What is known of it.
        kind: Who asks whom.
        parent: The step it is a part of; None for the one that this thread or task is in.
        caller: Headers of the request that asks for it, lower case; a ``traceparent`` among them is its parent.
        links: Other steps that it belongs to.
    """
    if _tracer is None:
        return _OFF
    from opentelemetry.trace import SpanKind

    options: dict[str, Any] = {"name": name, "attributes": attributes, "kind": SpanKind[kind.upper()]}
    if isinstance(parent, _Recorded):
        options["context"] = parent.as_parent()
    elif caller is not None:
        options["context"] = _propagator().extract(caller)
    options["links"] = [each.as_link() for each in links if isinstance(each, _Recorded)]
    return _Recorded(_tracer, options)


def past_span(name: str, seconds: float, attributes: Attributes | None = None) -> None:
    """Trace a step that is over: it took so many seconds and ended now."""
    if _tracer is not None:
        now = time.time_ns()
        begun = _tracer.start_span(name, attributes=attributes, start_time=now - round(seconds * 1e9))
        begun.end(end_time=now)


def current_span() -> Span | None:
    """Return the step that this thread or task is in, as a parent for steps of other threads; None outside of one."""
    if _tracer is None:
        return None
    from opentelemetry import trace

    here = _Recorded(_tracer, {})
    here._own = trace.get_current_span()
    return here if here._own.get_span_context().is_valid else None


def trace_ids() -> dict[str, str]:
    """Return ``trace_id`` and ``span_id`` of the step that this thread or task is in; nothing outside of one."""
    if _tracer is None:
        return {}
    from opentelemetry import trace

    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(here.trace_id), "span_id": trace.format_span_id(here.span_id)}


def trace_headers() -> dict[str, str]:
    """Return the headers that let another service go on with this trace (W3C Trace Context); nothing outside of one."""
    carrier: dict[str, str] = {}
    if _tracer is not None:
        _propagator().inject(carrier)
    return carrier


def _propagator() -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator()
