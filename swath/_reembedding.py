"""What ``swath reembed`` runs: the encoder by its name, and the search snapshot of the new vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING

from core import InputError
from embeddings import open_encoder
from indexer import IngestOptions, Progress
from indexer.reembedding import GenerationState, ReembedReport, SwitchReport, reembed, reembed_status, roll_back, switch
from indexer.store import Store

if TYPE_CHECKING:
    from retriever import ShadowReport

Count = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


@dataclass(frozen=True, kw_only=True)
class Resting:
    """A watch that was made with other vectors than those that answer."""

    name: str
    """What it is called."""
    encoder: str
    """The encoder it was made with."""


def reembed_index(
    index: str | PathLike[str],
    *,
    encoder: str,
    workers: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    optimizing: Count | None = None,
) -> ReembedReport:
    """Make vectors of another encoder for every tile of an index, from the original pixels, while it is searched.

    Running it again resumes, and brings along what was indexed or removed meanwhile. When nothing is missing and the
    index has a search snapshot, the new vectors get one, too. ``switch_index`` lets them answer.

    Args:
        index: The index directory.
        encoder: Registry name.
        workers: Reader threads; default: as many as cores.
        progress: Called after every batch.
        optimizing: Called with rows done and rows in all while the search snapshot is made.

    Raises:
        InputError: The index holds vectors of this encoder already, or those of a third are being made.
        IndexNotFoundError: The directory is not an index.
        StoreError: The index cannot be read or written.
    """
    root = fspath(index)
    Store.open(root)  # before an encoder is loaded that may not be needed
    options = IngestOptions() if workers is None else IngestOptions(workers=workers)
    report = reembed(root, encoder=open_encoder(encoder), options=options, progress=progress)
    if report.complete and Store.open(root).has_search_snapshot:
        from retriever.engine import optimize

        optimize(Store.at(report.folder), progress=optimizing)
    return report


def switch_index(index: str | PathLike[str], *, back: bool = False, without_missing: bool = False) -> SwitchReport:
    """Let the new vectors answer, or with ``back`` those that answered before, in one atomic step.

    Args:
        index: The index directory.
        back: Return to the vectors before the last switch.
        without_missing: Do it though scenes are missing.

    Raises:
        InputError: There are no such vectors, or scenes are missing; the message names them.
        StoreError: The index cannot be written, or another process is writing to it.
    """
    return (roll_back if back else switch)(fspath(index), without_missing=without_missing)


def resting_watches(index: str | PathLike[str]) -> tuple[Resting, ...]:
    """Return the watches that were made with other vectors, and so find nothing until they are added again.

    Raises:
        StoreError: They cannot be read.
    """
    from swath._index import open_index

    space = Store.open(index).space
    kept = [found.watch for _, found in open_index(index).watches.listed() if not isinstance(found, str)]
    return tuple(Resting(name=watch.name, encoder=str(watch.space)) for watch in kept if watch.space != space)


def shadow_report(
    index: str | PathLike[str], *, sample: int = 100, k: int = 10, texts: tuple[str, ...] = (), exact: bool = False
) -> ShadowReport:
    """Ask both encoders the same: how far do their answers agree, and how long do they take?

    Args:
        index: The index directory.
        sample: Number of tiles that are looked for, taken evenly from those that both hold.
        k: Hits compared of each.
        texts: Sentences to look for as well; both encoders must read text then.
        exact: Compare every tile; else as searches do.

    Raises:
        InputError: There are no other vectors to compare with.
        StoreError: The index cannot be read.
    """
    from retriever import shadow

    status = reembed_status(fspath(index))
    other = status.next or status.previous
    if other is None:
        raise InputError(f"no other vectors were made for {index}; make some: swath reembed {index} --encoder NAME")
    pair = Store.open(index), Store.at(other.folder)
    return shadow(pair, share=_share(other, status.current), sample=sample, k=k, texts=texts, exact=exact)


def _share(state: GenerationState, current: GenerationState) -> float:
    return 1.0 if not current.tiles else max(0.0, 1 - state.tiles_missing / current.tiles)
