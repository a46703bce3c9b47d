"""Do prompts, synonyms and calibration help? Measured for whatever encoder is named; docs/design cites the figures.

Run ``python -m benchmarks.text prompts|synonyms|calibration [--encoder NAME] [--data DIR] [--work DIR]``. ``--data`` is
the folder of real imagery (``SWATH_DATA``); ``--work`` keeps the indexes, so that a second run does not encode again.
Calibration also draws the demo archive, which is synthetic; its figures stand apart.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import swath
from embeddings import PromptStyle, encode_prompted, open_encoder, prompt_style
from indexer import Store
from retriever import Calibration, LabelledTiles, background_calibration, expand, fit_calibration
from retriever._calibration_fit import FOLDS, sensor_centres
from retriever._calibration_truth import tiles_of_file, tiles_of_index

Floats = NDArray[np.float64]

OF_OUR_OWN = {
    "bare": ("{}",),
    "bare, a, aerial view, many": ("{}", "a {}", "an aerial view of a {}", "many {}"),
    "bare, this is": ("{}", "this is a {}", "there is a {}"),
    "bare, SkyScript's": ("{}", "a satellite photo of {}.", "a satellite image of {}"),
}
"""Ensembles tried beside the published ones."""

AID_CLASSES: Mapping[str, tuple[str, ...]] = {
    "continuous urban fabric": ("dense residential",),
    "discontinuous urban fabric": ("medium residential", "sparse residential"),
    "industrial or commercial units": ("industrial", "commercial", "storage tanks"),
    "road and rail networks and associated land": ("railway station", "viaduct", "bridge"),
    "port areas": ("port",),
    "airports": ("airport",),
    "green urban areas": ("park",),
    "sport and leisure facilities": ("playground", "stadium", "baseball field"),
    "non-irrigated arable land": ("farmland",),
    "arable land": ("farmland",),
    "complex cultivation patterns": ("farmland",),
    "pastures": ("meadow",),
    "broad-leaved forest": ("forest",),
    "coniferous forest": ("forest",),
    "mixed forest": ("forest",),
    "natural grassland": ("meadow",),
    "beaches, dunes, sands": ("beach", "desert"),
    "bare rock": ("mountain",),
    "water courses": ("river",),
    "water bodies": ("pond",),
    "inland waters": ("pond", "river"),
    "cropland": ("farmland",),
    "built-up": ("dense residential", "medium residential", "commercial", "center"),
    "tree cover": ("forest",),
    "trees": ("forest",),
    "grass": ("meadow",),
    "crops": ("farmland",),
    "bare": ("bare land", "desert"),
    "oil depot": ("storage tanks",),
    "motorway junction": ("viaduct",),
    "suburb": ("medium residential", "sparse residential"),
    "slum": ("dense residential",),
    "CLC 111": ("dense residential",),
    "CLC 142": ("playground", "stadium", "baseball field"),
    "CLC 311": ("forest",),
}
"""Names and codes of schemes, and the classes of AID that truly answer them: our judgement."""

LULC = {1: "water", 2: "forest", 4: "farmland", 5: "buildings", 7: "snow", 9: "grassland"}
"""Values of TerraMind's land-cover maps that are queries; a tile shows one that fills ``SHARE`` of it."""

SHARE, TILE = 0.3, 56


def average_precision(scores: Floats, right: NDArray[np.bool_]) -> float:
    """Mean precision at each right tile; equal scores in the order given."""
    ranked = right[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def precision(scores: Floats, right: NDArray[np.bool_], k: int = 10) -> float:
    """Share of right tiles among the first k."""
    return float(right[np.argsort(-scores, kind="stable")[:k]].mean())


def gain(after: Sequence[float], before: Sequence[float]) -> str:
    """Mean difference over queries with its 95 % bootstrap interval."""
    differences = np.array(after) - np.array(before)
    random = np.random.default_rng(0)
    means = [differences[random.integers(0, len(differences), len(differences))].mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{differences.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def aid(work: Path, data: Path, encoder: str) -> Path:
    """Return an index of the AID validation pictures."""
    return _index(work / "aid", [data / "aid_rsicd"], encoder, split="val", collection="aid")


def terramind(work: Path, data: Path, encoder: str) -> tuple[Path, Path]:
    """Return an index of both sensors at five sites, and the truth of its tiles from the land-cover maps."""
    import rasterio

    for folder, sensor in (("S1RTC", "sentinel-1-rtc/db"), ("S2L2A", "sentinel-2-l2a/dn")):
        source = [data / "terramind" / folder]
        _index(work / "terramind", source, encoder, sensor=sensor, collection=folder, tile_size=TILE)
    truth = work / "terramind.jsonl"
    with truth.open("w", encoding="utf-8") as lines:
        for batch in Store.open(work / "terramind").snapshot().scan(["tile_id", "scene_id", "row_off", "col_off"]):
            for row in batch.to_pylist():
                with rasterio.open(data / "terramind" / "LULC" / f"{row['scene_id']}.tif") as file:
                    cover = file.read(1)[row["row_off"] :, row["col_off"] :][:TILE, :TILE]
                labels = [name for value, name in LULC.items() if (cover == value).mean() >= SHARE]
                lines.write(json.dumps({"tile_id": row["tile_id"], "labels": labels}) + "\n")
    return work / "terramind", truth


def demo(work: Path, encoder: str) -> tuple[Path, Path]:
    """Return an index of the synthetic archive, and the truth of its tiles; clouded ones are left out."""
    from demo import generate

    if not (work / "demo" / "catalog.json").is_file():
        generate(work / "demo")
    index = _index(work / "demo-index", [work / "demo" / "catalog.json"], encoder)
    kept = [json.loads(line) for line in (work / "demo" / "captions.jsonl").read_text().splitlines()]
    truth = work / "demo.jsonl"
    rows = ({"tile_id": row["tile_id"], "labels": row["objects"]} for row in kept if row["cloud"] < 0.4)
    truth.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return index, truth


def _index(into: Path, sources: Sequence[Path], encoder: str, **options: Any) -> Path:
    report = swath.index(*map(str, sources), into=into, encoder=encoder, **options)
    if report.failures:
        raise SystemExit(f"{len(report.failures)} scenes of {sources[0]} failed: {report.failures[0].reason}")
    return into


def prompts(work: Path, data: Path, encoder: str) -> None:
    """Print how each ensemble finds the 30 classes of AID by their names."""
    opened: Any = open_encoder(encoder)
    tiles = tiles_of_index(Store.open(aid(work, data, encoder)).snapshot(), opened)
    families = ("skyclip", "georsclip", "open_clip")
    published: dict[str, PromptStyle] = {name: prompt_style(name) for name in families}
    tried = OF_OUR_OWN | {f"{name}, published": style.templates for name, style in published.items()}
    truth = tiles.truth
    first: list[float] = []
    print("| templates | accuracy | precision@10 | AP | gain in AP |\n|---|---|---|---|---|")  # noqa: T201 - a table
    for name, templates in tried.items():
        vectors = encode_prompted(opened, tiles.queries, prompts=templates).vectors
        scores = (vectors @ tiles.vectors.T).astype(np.float64)
        found = [average_precision(each, right) for each, right in zip(scores, list(truth), strict=True)]
        first = first or found
        accuracy = truth[scores.argmax(axis=0), np.arange(scores.shape[1])].mean()
        hits = np.mean([precision(each, right) for each, right in zip(scores, list(truth), strict=True)])
        print(f"| {name} | {accuracy:.3f} | {hits:.3f} | {np.mean(found):.3f} | {gain(found, first)} |")  # noqa: T201


def synonyms(work: Path, data: Path, encoder: str) -> None:
    """Print how AID's classes are found by the names other schemes have for them."""
    opened: Any = open_encoder(encoder)
    tiles = tiles_of_index(Store.open(aid(work, data, encoder)).snapshot(), opened)
    vocabulary = prompt_style(encoder).vocabulary
    found: dict[str, list[tuple[float, float]]] = {"as typed": [], "with synonyms": [], "synonyms alone": []}
    for query, classes in AID_CLASSES.items():
        right = tiles.truth[[tiles.queries.index(name) for name in classes]].any(axis=0)
        terms = expand(query, vocabulary=vocabulary).terms
        typed, words = (encode_prompted(opened, texts).vectors for texts in ([query], terms))
        directions = typed[0], words.mean(axis=0), words[1:].mean(axis=0) if len(words) > 1 else words[0]
        for row, direction in zip(found.values(), directions, strict=True):
            scores = (direction @ tiles.vectors.T).astype(np.float64)
            row.append((average_precision(scores, right), precision(scores, right)))
    print(f"{len(AID_CLASSES)} queries\n\n| searched | precision@10 | AP | gain in AP |\n|---|---|---|---|")  # noqa: T201
    before = [each for each, _ in found["as typed"]]
    for name, row in found.items():
        figures = np.mean(row, axis=0)
        print(f"| {name} | {figures[1]:.3f} | {figures[0]:.3f} | {gain([each for each, _ in row], before)} |")  # noqa: T201


Fit = Callable[[LabelledTiles], Calibration | None]


def calibration(work: Path, data: Path, encoder: str) -> None:
    """Print mixed ranking before and after, how far probabilities can be believed, and whether absence is noticed."""
    opened: Any = open_encoder(encoder)
    for name, (index, truth) in {
        "TerraMind": terramind(work, data, encoder),
        "demo (synthetic)": demo(work, encoder),
    }.items():
        rows = Store.open(index).snapshot()
        tiles = tiles_of_file(rows, truth, opened)
        _print_mixed(f"{name}: {len(tiles.sensors)} tiles, {len(tiles.queries)} queries", tiles)
    tiles = tiles_of_index(Store.open(aid(work, data, encoder)).snapshot(), opened)
    _print_reliability(f"AID val: {len(tiles.sensors)} tiles, {len(tiles.queries)} queries", tiles)
    _print_absence(tiles)


def _print_mixed(title: str, tiles: LabelledTiles) -> None:
    centres, space = sensor_centres([(tiles.sensors, tiles.vectors)]), _space(tiles)
    fits: dict[str, Fit] = {
        "score": lambda part: None,
        "background (no labels)": lambda part: background_calibration(centres, space=space, source=""),
        "platt": lambda part: fit_calibration(part, space=space, centres=centres, method="platt").calibration,
        "centred": lambda part: fit_calibration(part, space=space, centres=centres, method="centred").calibration,
        "auto": lambda part: fit_calibration(part, space=space, centres=centres).calibration,
    }
    print(f"\n{title}\n\n| ranked by | precision@10 | AP | gain in AP |\n|---|---|---|---|")  # noqa: T201 - a table
    before: list[float] = []
    for name, fit in fits.items():
        odds = held_out(tiles, fit)
        found = [average_precision(*pair) for pair in zip(odds, tiles.truth, strict=True)]
        before = before or found
        hits = np.mean([precision(*pair) for pair in zip(odds, tiles.truth, strict=True)])
        print(f"| {name} | {hits:.3f} | {np.mean(found):.3f} | {gain(found, before)} |")  # noqa: T201 - a table
    _print_reliability(title, tiles)


def _print_reliability(title: str, tiles: LabelledTiles) -> None:
    centres = sensor_centres([(tiles.sensors, tiles.vectors)])
    print(f"\n{title}\n\n| method | pairs | ECE | ECE of first 10 hits | Brier | guess |\n|---|---|---|---|---|---|")  # noqa: T201
    for method in ("platt", "centred"):
        report = fit_calibration(tiles, space=_space(tiles), centres=centres, method=method)
        whole, first = report.reliability[0], report.reliability[-1]
        guess = whole.base_rate * (1 - whole.base_rate)
        cells = (f"{whole.ece:.4f}", f"{first.ece:.3f}", f"{whole.brier:.4f}", f"{guess:.4f}")
        print(f"| {method} | {whole.pairs:,} | {' | '.join(cells)} |")  # noqa: T201 - a table


def _print_absence(tiles: LabelledTiles) -> None:
    """For each class: is it noticed when its pictures are there, and when they are taken out?"""
    centres = sensor_centres([(tiles.sensors, tiles.vectors)])
    right = {"there": 0, "taken out": 0}
    for place in range(len(tiles.queries)):
        others = np.arange(len(tiles.queries)) % FOLDS != place % FOLDS
        found = fit_calibration(_only(tiles, others), space=_space(tiles), centres=centres).calibration
        odds = _log_odds(tiles, found, place)
        level = np.log(found.threshold / (1 - found.threshold)) if found.threshold else 0.0
        right["there"] += int(odds.max() >= level)
        right["taken out"] += int(odds[~tiles.truth[place]].max() < level)
    share = {name: count / len(tiles.queries) for name, count in right.items()}
    print(f"\nabove the threshold when there: {share['there']:.0%}; below it when taken out: {share['taken out']:.0%}")  # noqa: T201


def held_out(tiles: LabelledTiles, fit: Fit) -> Floats:
    """(queries, tiles) log odds, each query's from a fit on others; scores where there is no calibration."""
    found = np.empty(tiles.truth.shape)
    for fold in range(FOLDS):
        inside = np.arange(len(tiles.queries)) % FOLDS == fold
        line = fit(_only(tiles, ~inside)) if inside.any() else None
        for place in np.flatnonzero(inside):
            found[place] = _log_odds(tiles, line, int(place))
    return found


def _log_odds(tiles: LabelledTiles, found: Calibration | None, place: int) -> Floats:
    query = tiles.query_vectors[place]
    scores: Floats = tiles.vectors.astype(np.float64) @ query.astype(np.float64)
    if found is None:
        return scores
    sensors = np.array(tiles.sensors)
    for name in sorted(set(tiles.sensors)):
        line = found.line(name)
        if line is not None:
            scores[sensors == name] = line.log_odds(scores[sensors == name], query)
    return scores


def _only(tiles: LabelledTiles, chosen: NDArray[np.bool_]) -> LabelledTiles:
    places = np.flatnonzero(chosen)
    return LabelledTiles(
        vectors=tiles.vectors,
        sensors=tiles.sensors,
        queries=tuple(tiles.queries[place] for place in places),
        query_vectors=tiles.query_vectors[places],
        truth=tiles.truth[places],
    )


def _space(tiles: LabelledTiles) -> Any:
    from core import VectorSpace

    return VectorSpace(encoder="measured", revision="1", dim=tiles.vectors.shape[1])


def main() -> None:
    """Run one measurement."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("what", choices=("prompts", "synonyms", "calibration"))
    asked.add_argument("--encoder", default="swath-mini")
    asked.add_argument("--data", type=Path, default=Path(os.environ.get("SWATH_DATA", "../shared/data")))
    asked.add_argument("--work", type=Path)
    given = asked.parse_args()
    measure = {"prompts": prompts, "synonyms": synonyms, "calibration": calibration}[given.what]
    with tempfile.TemporaryDirectory() as scratch:
        work = given.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        measure(work, given.data.resolve(), given.encoder)


if __name__ == "__main__":
    main()
