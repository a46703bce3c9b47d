"""Traces of this command, where the standard variables of OpenTelemetry ask for them.

https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTERS = "OTEL_TRACES_EXPORTER"

Exporter = Literal["otlp", "console"]


def wanted_exporter(environment: Mapping[str, str]) -> Exporter | None:
    """Return where an environment wants spans to go; None where it wants none.

    A name of an exporter that is not here is taken for none, and said.
    """
    named = environment.get(_EXPORTERS, "").strip().lower()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or named == "none":
        return None
    if named == "console":
        return "console"
    if named not in ("", "otlp"):
        _log().warning("%s=%s is not known here; known: otlp, console, none", _EXPORTERS, named)
        return None
    return "otlp" if named or any(environment.get(name) for name in _ENDPOINTS) else None


def start_tracing() -> None:
    """Send spans of this process to where the environment says; without such a wish nothing is even imported.

    Where the packages are missing, it is said and the command goes on: the variables are often set for a whole cluster.
    """
    wanted = wanted_exporter(os.environ)
    if wanted is None:
        return
    try:
        exporter = _exporter(wanted)
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        _log().warning("no traces, though the environment asks for them: %s; run: pip install 'swath[tracing]'", error)
        return
    from core import use_tracer

    about = {"service.version": version("swath")}
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    # What is given here would win over the environment.
    provider = TracerProvider(resource=Resource.create(about if named else about | {"service.name": "swath"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    use_tracer(provider)


def _exporter(wanted: Exporter) -> SpanExporter:
    if wanted == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _log() -> logging.Logger:
    return logging.getLogger("swath.tracing")
