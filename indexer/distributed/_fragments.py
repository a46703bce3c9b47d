"""What a worker writes: files next to the table's own, which no reader sees before the driver has committed them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from indexer._intake import Intake
from indexer._lance import lance_errors
from indexer._ledger import SceneRows
from indexer.distributed._lance_files import tiles_dataset
from indexer.distributed._messages import Finished, Group
from indexer.store import Store


class FragmentWriter:
    """Writes whole scenes as fragments.

    Args:
        store: The index; only files are added, so no lock is needed.
        ship: Takes what was written.
    """

    def __init__(self, store: Store, ship: Callable[[Group], None]) -> None:
        self._store = store
        self._ship = ship
        self._table = tiles_dataset(store)

    def write(self, scenes: Sequence[SceneRows]) -> None:
        """Write scenes, after the same checks as those of a commit.

        Raises:
            InputError: Rows that do not fit the index.
            StoreError: The files cannot be written.
        """
        from lance.fragment import write_fragments

        intake = Intake(scenes, self._store.schema)
        with lance_errors("write to", self._store.path), intake.first_error():
            made = write_fragments(
                intake.reader(), self._table, mode="append", data_storage_version=self._table.data_storage_version
            )
        ledgers = [replace(scene.ledger, digest=intake.digests[scene.ledger.scene_key]) for scene in scenes]
        finished = tuple(
            Finished(ledger=ledger, undated=scene.undated) for ledger, scene in zip(ledgers, scenes, strict=True)
        )
        self._ship(Group(scenes=finished, fragments=tuple(json.dumps(each.to_json()) for each in made)))
