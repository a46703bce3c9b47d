"""Protocols of the field, each by its own name: how good an encoder is, and how sure that is."""

from ._corpus import Corpus, Item
from ._figures import Series
from ._harness import evaluate, protocol_names
from ._job import Findings, Job
from ._leakage import Leakage
from ._options import Options
from ._report import Example, Figure, Report
from ._write import write_report

__all__ = [
    "Corpus",
    "Example",
    "Figure",
    "Findings",
    "Item",
    "Job",
    "Leakage",
    "Options",
    "Report",
    "Series",
    "evaluate",
    "protocol_names",
    "write_report",
]
