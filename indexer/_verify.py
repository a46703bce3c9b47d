"""Whether the tables of an index are whole: files, rows, vectors, and the tile table against the ledger."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core import StoreError
from indexer._digest import DIGEST
from indexer._findings import Finding
from indexer._lance import SCENES, TILES
from indexer._ledger import LedgerRow
from indexer._manifest import wrong_files
from indexer._place import Place
from indexer._records import scene_key
from indexer._tally import Progress, SceneTally, Tally, tally_of
from indexer.store import Moment, Store

RESTORE = "restore a backup (swath restore), or remove the scenes that are named and index them again"
"""Advice where files are damaged."""


@dataclass(frozen=True, kw_only=True)
class TableCheck:
    """What the check of an index's tables found."""

    version: int
    """Of the tile table."""
    tiles: int
    """Rows of the tile table."""
    scenes: int
    """Rows of the ledger."""
    summed: int
    """Tiles of scenes that were compared with their check sum."""
    findings: tuple[Finding, ...]
    """Empty where everything is as it should be."""


def verify_tables(store: Store, progress: Progress | None = None) -> TableCheck:
    """Read every row of an index and compare it with the ledger, as of one instant; others may be writing.

    Args:
        store: The index.
        progress: Called with rows done and rows in all.

    Raises:
        StoreError: So much is missing that nothing can be checked.
    """
    moment = store.moment()
    tally = tally_of(moment.tiles, progress)
    comparison = _Comparison(store.path, moment, tally)
    findings = (*_file_findings(store.path, moment), *_row_findings(moment, tally), *comparison.findings())
    return TableCheck(
        version=moment.tiles.version,
        tiles=moment.tiles.count(),
        scenes=len(moment.ledger),
        summed=comparison.summed,
        findings=findings,
    )


def verify_files(store: Store) -> tuple[Finding, ...]:
    """Return what a glance shows, without reading a row: files that are missing or cut off, tiles that are not counted.

    Raises:
        StoreError: So much is missing that nothing can be checked.
    """
    moment = store.moment()
    listed, there = sum(row.tiles for row in moment.ledger), moment.tiles.count()
    findings = _file_findings(store.path, moment)
    if listed <= there:
        return findings
    message = f"the table holds {there:,} tiles, the ledger says {listed:,}"
    advice = f"see which scenes: swath verify {_quoted(store.path)}"
    return (*findings, Finding(name="tiles-missing", damage=True, message=message, advice=advice))


def _file_findings(path: Place, moment: Moment) -> tuple[Finding, ...]:
    tables = ((TILES, moment.tiles.version), (SCENES, moment.scenes_version))
    return tuple(
        Finding(name="file-damaged", damage=True, message=f"a data file is damaged: {line}", advice=RESTORE)
        for name, version in tables
        for line in _wrong_files(path / f"{name}.lance", version)
    )


def _wrong_files(table: Place, version: int) -> list[str]:
    try:
        return wrong_files(table, version)
    except StoreError as error:
        return [str(error)]


def _row_findings(moment: Moment, tally: Tally) -> Iterator[Finding]:
    for line in tally.lost:
        yield Finding(name="rows-unreadable", damage=True, message=f"cannot read {line}", advice=RESTORE)
    counted = moment.tiles.count()
    if not tally.lost and tally.rows != counted:
        message = f"the table says it holds {counted:,} rows, {tally.rows:,} could be read"
        yield Finding(name="rows-unreadable", damage=True, message=message, advice=RESTORE)


class _Comparison:
    """The tile table beside the ledger.

    Args:
        path: The index, for advice.
        moment: Both tables.
        tally: Of the tile table.
    """

    def __init__(self, path: Place, moment: Moment, tally: Tally) -> None:
        self._path = path
        self._ledger = moment.ledger
        self._seen = tally.scenes
        self._partly = bool(tally.lost)
        self.summed = 0

    def findings(self) -> Iterator[Finding]:
        """Yield what does not agree; ``summed`` is known afterwards."""
        yield from self._listed_twice()
        unsummed: list[LedgerRow] = []
        for row in self._ledger:
            seen = self._seen.get(row.scene_key) or SceneTally()
            yield from self._of_scene(row, seen, unsummed)
        for key in self._seen.keys() - {row.scene_key for row in self._ledger}:
            yield from self._not_listed(self._seen[key])
        yield from _not_summed(unsummed)

    def _listed_twice(self) -> Iterator[Finding]:
        times = Counter(row.scene_key for row in self._ledger)
        for row in {row.scene_key: row for row in self._ledger if times[row.scene_key] > 1}.values():
            yield self._damage("ledger-doubled", _named(row), f"is in the ledger {times[row.scene_key]} times")

    def _of_scene(self, row: LedgerRow, seen: SceneTally, unsummed: list[LedgerRow]) -> Iterator[Finding]:
        named = _named(row)
        yield from self._of_rows(named, seen)
        if row.scene_key != scene_key(row.collection, row.scene_id) or seen.names - {(row.scene_id, row.collection)}:
            yield self._damage("scene-mixed-up", named, "has tiles or a ledger row under another scene's key")
        if seen.digest.rows != row.tiles:
            what = "can be read" if self._partly else "are in the table"
            said = f"{seen.digest.rows:,} of its tiles {what}, its ledger row says {row.tiles:,}"
            yield self._damage("tiles-missing" if seen.digest.rows < row.tiles else "tiles-added", named, said)
        elif row.digest is None or not row.digest.startswith(f"{DIGEST}:"):
            unsummed.append(row)
        else:
            self.summed += row.tiles
            if str(seen.digest) != row.digest:
                yield self._damage("tiles-changed", named, "its tiles are not as they were written")

    def _of_rows(self, named: _Named, seen: SceneTally) -> Iterator[Finding]:
        if seen.doubled:
            said = f"{len(seen.doubled):,} of its tiles are in the table more than once, the first is {seen.doubled[0]}"
            yield self._damage("tiles-doubled", named, said)
        if seen.unfit:
            said = f"{len(seen.unfit):,} of its vectors are not finite or not of unit length, the first is of"
            yield self._damage("vectors-unfit", named, f"{said} {seen.unfit[0]}")

    def _not_listed(self, seen: SceneTally) -> Iterator[Finding]:
        """Tiles that the ledger does not speak of: a commit or a removal that was cut off leaves them so."""
        scene, collection = min(seen.names)
        named = _Named(scene_id=scene, collection=collection)
        yield from self._of_rows(named, seen)
        message = f"{named}: the ledger lacks it, {seen.digest.rows:,} of its tiles are in the table"
        advice = f"index its source again, which finishes what was cut off, or: {self._removal(named)}"
        yield Finding(name="scene-unfinished", damage=False, message=message, advice=advice)

    def _damage(self, name: str, named: _Named, said: str) -> Finding:
        advice = f"{self._removal(named)}; then index its source again{f' ({named.href})' if named.href else ''}"
        return Finding(name=name, damage=True, message=f"{named}: {said}", advice=advice)

    def _removal(self, named: _Named) -> str:
        scene, collection = shlex.quote(named.scene_id), shlex.quote(named.collection)
        return f"swath remove --index {_quoted(self._path)} --scene {scene} --collection {collection}"


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A scene, for messages."""

    scene_id: str
    collection: str
    href: str = ""

    def __str__(self) -> str:
        return f"scene {self.scene_id!r} of {self.collection!r}"


def _named(row: LedgerRow) -> _Named:
    return _Named(scene_id=row.scene_id, collection=row.collection, href=row.href)


def _not_summed(rows: Iterable[LedgerRow]) -> Iterator[Finding]:
    rows = list(rows)
    if rows:
        message = (
            f"{len(rows):,} scenes with {sum(row.tiles for row in rows):,} tiles have no check sum that can be read"
        )
        message += ": another version of Swath indexed them. Their rows were counted and looked at, not compared"
        advice = "give them one: swath migrate; or remove them and index them again"
        yield Finding(name="scenes-not-summed", damage=False, message=message, advice=advice)


def _quoted(path: Place) -> str:
    return shlex.quote(str(path))
