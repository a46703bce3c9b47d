"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

IndexDir = Annotated[str, typer.Option("--index", metavar="DIR", help="Index directory, or s3://bucket/prefix.")]
IndexArgument = Annotated[str, typer.Argument(metavar="INDEX", help="Index directory, or s3://bucket/prefix.")]
MetricsFile = Annotated[
    Path | None, typer.Option("--metrics-file", metavar="FILE.prom", help="Write what came of it for Prometheus.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

# Filters: what a tile must pass, whatever is looked for or asked.
BBox = Annotated[str | None, typer.Option("--bbox", metavar="W,S,E,N", help="Degrees; W > E crosses 180.")]
Within = Annotated[Path | None, typer.Option("--within", metavar="FILE.geojson", help="Polygon area.")]
Near = Annotated[str | None, typer.Option("--near", metavar="LAT,LON", help="Point; with --radius.")]
Radius = Annotated[float | None, typer.Option("--radius", metavar="KM", help="Distance from --near.")]
H3 = Annotated[list[str] | None, typer.Option("--h3", metavar="CELL", help="H3 cell; may be repeated.")]
Datetime = Annotated[str | None, typer.Option("--datetime", metavar="A/B", help="RFC 3339 interval; .. is open.")]
SensorNames = Annotated[list[str] | None, typer.Option("--sensor", metavar="S", help="Sensor; may be repeated.")]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", metavar="C", help="Collection; may be repeated.")
]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="L", help="Picture label; may be repeated.")]
MaxCloud = Annotated[float | None, typer.Option("--max-cloud", metavar="PCT", help="Most cloud, 0 to 100.")]
MinValid = Annotated[float | None, typer.Option("--min-valid", metavar="FRACTION", help="Least valid pixels, 0 to 1.")]
Cql2 = Annotated[str | None, typer.Option("--filter", metavar="CQL2", help="CQL2 text or JSON.")]
