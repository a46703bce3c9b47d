"""Which index and which scenes are meant, and what to say where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from core import InputError
from indexer._ledger import LedgerRow
from indexer._objects import names_in
from indexer._place import BucketPath, Place
from indexer._snapshot import Snapshot


def not_an_index(path: Place) -> str:
    """Return what a directory is, in place of an index, and how to make one."""
    if isinstance(path, BucketPath):
        found = "holds no Swath index" if names_in(path) else "holds nothing"
    elif not path.exists():
        found = "does not exist"
    elif not path.is_dir():
        found = "is a file"
    elif not any(path.iterdir()):
        found = "is empty"
    else:
        found = "is a directory without a Swath index"
    return f"{path} {found}; make an index with: swath index SOURCE --into {path}"


def known_scenes(ledger: Mapping[str, LedgerRow], tiles: Snapshot) -> dict[str, tuple[str, str]]:
    """Return scene id and collection by key of every scene in either table."""
    known = {key: (row.scene_id, row.collection) for key, row in ledger.items()}
    for batch in tiles.scan(["scene_key", "scene_id", "collection"]):
        distinct = pa.table(batch).group_by(["scene_key", "scene_id", "collection"]).aggregate([])
        known |= {row["scene_key"]: (row["scene_id"], row["collection"]) for row in distinct.to_pylist()}
    return known


def chosen(known: Mapping[str, tuple[str, str]], scene_id: str | None, collection: str | None) -> list[str]:
    """Return the keys of the scenes that are meant.

    Args:
        known: Key to scene id and collection of every scene.
        scene_id: Of the scene; None for all of a collection.
        collection: Of the scenes; None where the scene id alone names one.

    Raises:
        InputError: Nothing has that name, or a scene id without its collection means several.
    """
    keys = [key for key, (scene, owner) in known.items() if scene_id in (None, scene) and collection in (None, owner)]
    if not keys:
        raise InputError(_unknown(scene_id, collection, known.values()))
    if collection is None and len(keys) > 1:
        owners = ", ".join(sorted(known[key][1] for key in keys))
        raise InputError(f"scene {scene_id!r} is in several collections ({owners}); name the collection as well")
    return keys


def _unknown(scene_id: str | None, collection: str | None, known: Iterable[tuple[str, str]]) -> str:
    if collection is not None and collection not in {owner for _, owner in known}:
        return f"no collection {collection!r} in the index; it holds {_some({owner for _, owner in known})}"
    scenes = {scene for scene, owner in known if collection in (None, owner)}
    return f"no scene {scene_id!r} in the index; it holds {_some(scenes)}"


def _some(names: set[str], limit: int = 5) -> str:
    shown = ", ".join(sorted(names)[:limit]) or "nothing"
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
