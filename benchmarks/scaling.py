"""What an archive costs, from measured runs to the whole of Sentinel-2: writes ``docs/scaling.md``.

The figures lie in ``docs/benchmarks/scaling.json``. Each is what one command printed:

- ``ingest``: ``OMP_NUM_THREADS=1 python -m benchmarks.scaling_ingest FOLDER --into INDEX``, of archives that
  ``scaling_archive.make_archive`` wrote;
- ``requests``: ``python -m benchmarks.scaling_requests SCENE.tif``;
- ``serving``: ``python -m benchmarks.scaling_serving INDEX``, of indexes that ``python -m benchmarks.scale`` wrote;
- ``build``: copied from ``docs/benchmarks/scale.md``.

Run: ``python -m benchmarks.scaling --out docs/scaling.md``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pages import table
from benchmarks.scaling_archive import BANDS
from benchmarks.scaling_model import MILLION, Archive, Check, Model, Run, serving, serving_checked
from benchmarks.scaling_model import Build as BuildModel
from benchmarks.scaling_model import Ingest as IngestModel

FIGURES = Path(__file__).parent.parent / "docs" / "benchmarks" / "scaling.json"
"""What was measured."""

TILES_OF_PRODUCT = 2_401
"""49 x 49 tiles of 224 pixels in the 10,980 x 10,980 of a product; the last four rows and columns of pixels fill less
than a tenth of a tile, and such tiles are dropped."""

LAND_TILES = 19_000
"""Assumed: tiles of 100 km that the mission takes regularly. Land without Antarctica, 135 million km2, fills 13,500;
half as many again lie across coasts, on islands and on inland seas."""

_README = "https://roda.sentinel-hub.com/sentinel-s2-l2a/readme.html"

VISITS_A_YEAR = 73
"""365 / 5: ``_README``, read in November 2026, has the land covered every five days."""

YEARS = 9.9
"""2017-01, since when Level-2A is there for the whole Earth (the same page), to 2026-11."""

OVERLAP = 1.5
"""Assumed: products of a tile and visit, for neighbouring orbits overlap, the more the nearer to the poles."""

FULL = 0.7
"""Assumed: share of a product's tiles that have pixels; products at the edge of an orbit are partly empty."""

GPU_TFLOPS = 100.0
"""Assumed: what a data-centre GPU sustains on encoders in half precision, about a third of what its data sheet says."""

_PROFILE = "https://github.com/mlfoundations/open_clip/blob/main/docs/model_profile.csv"

ENCODERS = (
    ("swath-mini, EfficientNet-Lite0 at 128 px", 0.272, "136 million multiply-adds counted in `optical.onnx`"),
    ("ViT-B/32 at 224 px", 8.82, f"image_gflops of [open_clip]({_PROFILE})"),
    ("ViT-L/14 at 224 px", 162.03, f"image_gflops of [open_clip]({_PROFILE})"),
)
"""Encoder, GFLOP a picture, and where that is from."""


def archives() -> list[Archive]:
    """Return what is extrapolated to: all of Sentinel-2, and two selections that answer most questions."""
    all_products = LAND_TILES * VISITS_A_YEAR * YEARS * OVERLAP
    kept = TILES_OF_PRODUCT * FULL
    return [
        Archive(name="every product", products=all_products, tiles=all_products * kept),
        Archive(name="the clearest of each month", products=LAND_TILES * 12 * YEARS,
                tiles=LAND_TILES * 12 * YEARS * TILES_OF_PRODUCT),
        Archive(name="the clearest of each year", products=LAND_TILES * YEARS,
                tiles=LAND_TILES * YEARS * TILES_OF_PRODUCT),
    ]  # fmt: skip


def checks(figures: Run) -> list[Check]:
    """Return what the models made from the smaller runs said of the larger ones."""
    small, large = sorted(figures["ingest"], key=lambda run: float(run["tiles"]))[-2:]
    less, more = sorted(figures["build"], key=lambda run: float(run["rows"]))[-2:]
    return [
        *IngestModel.fitted(small).checked(large),
        *BuildModel.fitted(less).checked(more),
        *serving_checked(figures["serving"]),
    ]


def report(figures: Run) -> str:
    """Return the page."""
    lines = [
        "# What an archive costs",
        "",
        "Written by `python -m benchmarks.scaling` from [what was measured](benchmarks/scaling.json); a test holds this"
        " page to the model. Processor time is told by the clocks of threads and processes, so other work on the"
        " machine lengthens it only as far as it shares caches and cores.",
        "",
        f"Machine: {figures['machine']}. Measured {figures['measured']}.",
        "",
        *_ingest(figures),
        "",
        *_checked(figures),
        "",
        *_million(figures),
        "",
        *_serving(figures),
        "",
        *_sentinel(figures),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _ingest(figures: Run) -> list[str]:
    runs = sorted(figures["ingest"], key=lambda run: float(run["tiles"]))
    head = ("processor milliseconds a tile", *(f"{run['tiles']:,} tiles" for run in runs))
    names, texts = list(runs[0]["stages"]), figures["knowledge"]
    rows = [(name, *(f"{run['stages'][name] / run['tiles'] * 1000:.2f}" for run in runs)) for name in names]
    rows.append(("**all**", *(f"**{run['processor'] / run['tiles'] * 1000:.2f}**" for run in runs)))
    return [
        "## Ingest",
        "",
        f"Mosaics of five real Sentinel-2 Level-2A patches (TerraMind examples), {len(BANDS)} bands, all at 10 m,"
        " deflate, read from pages in memory; swath-mini, one reader thread. Products hold two of their bands at 60 m"
        " and six at 20 m, so reading costs less there: this is an upper bound.",
        "",
        *table(head, rows),
        "",
        "*read*: decode and lay on the grid. *prepare*: resize, normalise. *record*: row and H3 cells. *staging*:"
        " pieces of large scenes. *digest*: check sums. *rest*: Lance's threads and the interpreter.",
        "",
        f"Knowledge: {texts['seconds'] / texts['passages'] * 1000:.1f} processor milliseconds a passage"
        f" ({texts['passages']:,} passages of {texts['words']} words).",
    ]


def _checked(figures: Run) -> list[str]:
    rows = [
        (each.name, each.unit, f"{each.predicted:,.4g}", f"{each.measured:,.4g}", f"{each.error:+.0%}")
        for each in checks(figures)
    ]
    return [
        "## How well the model predicts",
        "",
        "Made from the smaller of two measured sizes, it was asked for the larger: "
        + "; ".join(_sizes(figures))
        + ". *rest* is mostly the same however many tiles there are, so a larger ingest costs less a tile. Laws"
        " through two sizes miss what answers cost at a third by up to half, so none is used to extrapolate.",
        "",
        *table(("", "unit", "predicted", "measured", "error"), rows),
    ]


def _sizes(figures: Run) -> list[str]:
    small, large = sorted(run["tiles"] for run in figures["ingest"])[-2:]
    less, more = sorted(run["rows"] for run in figures["build"])[-2:]
    served = sorted(run["rows"] for run in figures["serving"])
    found = [f"ingest {small:,} and {large:,} tiles", f"snapshot {less:,} and {more:,} rows"]
    return found + ([f"answers {served[0]:,} and {served[1]:,}, then {served[2]:,} rows"] if len(served) > 2 else [])


def _million(figures: Run) -> list[str]:
    model = Model.of(figures)
    ingest = model.ingest
    hours = sum(ingest.stages(MILLION, MILLION / (TILES_OF_PRODUCT * FULL)).values()) / 3600
    rows = [
        ("Ingest, processor hours", f"{hours:.2f}"),
        ("... of it the encoder, as swath-mini on processors", f"{ingest.tile['encode'] * MILLION / 3600:.2f}"),
        ("Search snapshot, processor hours", f"{model.build.build * MILLION / 3600:.3f}"),
        ("Bytes from the archive's bucket", f"{model.got * MILLION / 1e9:,.0f} GB"),
        ("Requests to it (GET)", f"{model.gets * MILLION:,.0f}"),
        ("Files left by ingest (PUT on an object store), at most", f"{model.files * MILLION:,.0f}"),
        ("Bytes written by ingest", f"{ingest.written * MILLION / 1e9:,.1f} GB"),
        ("Table on disk, real previews", f"{ingest.kept * MILLION / 1e9:,.1f} GB"),
        ("Search snapshot on disk", f"{model.build.snapshot * MILLION / 1e9:,.1f} GB"),
    ]
    gpu = [
        (name, f"{flop:g}", f"{flop * MILLION / (GPU_TFLOPS * 1000) / 3600:.3f}", source)
        for name, flop, source in ENCODERS
    ]
    return [
        "## A million tiles",
        "",
        *table(("", ""), rows),
        "",
        f"GPU hours are not measured: no GPU was at hand. Assumed is {GPU_TFLOPS:g} TFLOP/s sustained. The shipped"
        " encoder runs on processors alone; with another, the processors go on reading and preparing as above.",
        "",
        *table(("encoder", "GFLOP a tile", "GPU hours, assumed", "FLOP from"), gpu),
    ]


def _serving(figures: Run) -> list[str]:
    sizes = sorted(figures["serving"], key=lambda run: float(run["rows"]))
    laws = serving(sizes)
    head = ("processor milliseconds an answer", *(f"{run['rows']:,} rows" for run in sizes), "power")
    rows = [
        (route, *(f"{run['milliseconds'][route]:.1f}" for run in sizes), f"{law.power:.2f}")
        for route, law in laws.items()
    ]
    rows += [
        ("the server's own memory, MB", *(f"{run['own_memory'] / 1e6:,.0f}" for run in sizes), ""),
        ("resident with pages of the snapshot, MB", *(f"{run['resident'] / 1e6:,.0f}" for run in sizes), ""),
        ("table and snapshot on disk, bytes a row",
         *(f"{(run['table_bytes'] + run['snapshot_bytes']) / run['rows']:,.0f}" for run in sizes), ""),
    ]  # fmt: skip
    return [
        "## Answers",
        "",
        "HTTP, one client, made-up tiles ([how](benchmarks/scale.md)); a million answers of 10 processor ms are"
        " 2.8 processor hours. Memory is after all of them; an index of any size is mapped, not read. Milliseconds at 1"
        " and 10 million rows, and recall, are [measured elsewhere](benchmarks/scale.md).",
        "",
        *table(head, rows),
    ]


def _sentinel(figures: Run) -> list[str]:
    model = Model.of(figures)
    head = ("", *(archive.name for archive in archives()))
    rows = [
        ("products", *(f"{each.products / 1e6:,.1f} M" for each in archives())),
        ("tiles", *(f"{each.tiles / 1e9:,.2f} G" for each in archives())),
        ("processor hours, ingest and snapshot", *(f"{model.hours(each):,.0f}" for each in archives())),
        ("... days on 1,000 cores", *(f"{model.hours(each) / 24_000:,.1f}" for each in archives())),
        *(
            (f"GPU hours, {name.partition(',')[0]}, assumed",
             *(f"{flop * each.tiles / (GPU_TFLOPS * 1000) / 3600:,.1f}" for each in archives()))
            for name, flop, _ in ENCODERS
        ),
        ("bytes from the bucket", *(f"{model.got * each.tiles / 1e15:,.2f} PB" for each in archives())),
        ("GET requests", *(f"{model.gets * each.tiles / 1e9:,.2f} G" for each in archives())),
        ("table on disk", *(f"{model.ingest.kept * each.tiles / 1e12:,.1f} TB" for each in archives())),
        ("search snapshot on disk", *(f"{model.build.snapshot * each.tiles / 1e12:,.1f} TB" for each in archives())),
    ]  # fmt: skip
    assumed: Sequence[tuple[str, str, str]] = (
        ("tiles of 100 km", f"{LAND_TILES:,}", "assumed: 135 million km2 of land without Antarctica, and coasts"),
        ("visits a year", f"{VISITS_A_YEAR}", f"every five days ([readme of the public bucket]({_README}))"),
        ("years", f"{YEARS}", "2017-01 to 2026-11; the same page has Level-2A for the whole Earth from 2017-01"),
        ("products a tile and visit", f"{OVERLAP}", "assumed: orbits overlap towards the poles"),
        ("tiles of 224 px in a product", f"{TILES_OF_PRODUCT:,}",
         "10,980 px a side (https://sentiwiki.copernicus.eu/web/s2-products)"),
        ("share of them that has pixels", f"{FULL}", "assumed: products at the edge of an orbit are partly empty"),
    )  # fmt: skip
    return [
        "## All of Sentinel-2, extrapolated and not measured",
        "",
        *table(("assumption", "value", "from"), assumed),
        "",
        *table(head, rows),
        "",
        "All of it is proportional to the assumptions, of which the products are the least certain: change them at the"
        " top of `benchmarks/scaling.py`. What was never run: more than 10 million rows in one index, a network between"
        " bucket and workers, an encoder on a GPU. Answers from many more rows would have to come from many machines,"
        " each with a part; Swath answers from one.",
    ]


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--out", type=Path, help="where to write the page, in Markdown")
    options = parser.parse_args()
    text = report(json.loads(options.figures.read_text(encoding="utf-8")))
    sys.stdout.write(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
