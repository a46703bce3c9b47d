"""What a protocol works with, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import Dataset, EncodesText, EncodesTiles, InputError, Sample
from embeddings import EncodesBoth, class_words

from ._baseline import WordColours
from ._corpus import Change, Corpus, Item, read_corpus
from ._data import known_classes, spaced
from ._figures import Series
from ._leakage import Leakage, find_leakage, not_compared
from ._options import Options
from ._report import COLOUR, Example, Figure

TRAINING = "train"
RolesOf = Callable[[Sample], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a protocol found."""

    corpus: Corpus
    """Everything that was searched."""
    results: tuple[Series | Figure, ...]
    """In the order they are to be read; a series becomes the figure of its mean."""
    examples: tuple[Example, ...] = ()
    """See Report."""
    notes: tuple[str, ...] = ()
    """See Report."""
    variant: str | None = None
    """See Report."""
    model: str | None = None
    """See Report."""
    latency: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)
    """See Report."""
    baseline: str = COLOUR
    """See Report."""


class Job:
    """An encoder, samples and options; reads pixels on request.

    Args:
        encoder: What is measured.
        dataset: Where the samples come from.
        split: Split they are of; None for everything.
        samples: What is measured on.
        options: Settings.
    """

    def __init__(
        self,
        encoder: EncodesTiles,
        dataset: Dataset,
        split: str | None,
        samples: tuple[Sample, ...],
        options: Options,
    ) -> None:
        self.encoder = encoder
        self.samples = samples
        self.options = options
        self._dataset = dataset
        self._split = split
        self._roles_of: RolesOf = self.one_role
        self._training: tuple[Corpus, int] | None = None

    @property
    def dataset_name(self) -> str:
        """Registry name of the dataset."""
        return self._dataset.name

    @property
    def held_out(self) -> frozenset[str]:
        """Classes whose queries are reported apart, in words."""
        return known_classes(self.samples, self.options.classes_out) if self.options.classes_out else frozenset()

    def require_text(self, protocol: str) -> EncodesBoth:
        """Return the encoder where it takes text.

        Raises:
            InputError: It takes none.
        """
        if not isinstance(self.encoder, EncodesText):
            name = self.encoder.space.encoder
            raise InputError(f"{name} takes no text; {protocol} needs an encoder that does")
        return self.encoder

    def one_role(self, sample: Sample) -> Sequence[str]:
        """Return the role that was asked for, or the only one there is.

        Raises:
            InputError: There is no such role, or there are several and none was asked for.
        """
        roles = [view.role for view in sample.views]
        if self.options.role in roles:
            return [str(self.options.role)]
        if self.options.role is not None or len(roles) > 1:
            got = "none was named" if self.options.role is None else f"{self.options.role!r} is not among them"
            raise InputError(f"{sample.sample_id} has the views {', '.join(roles)} and {got}; choose one with --role")
        return roles

    def read(
        self,
        roles_of: RolesOf | None = None,
        *,
        samples: Sequence[Sample] | None = None,
        versions: Mapping[str, Change] | None = None,
        inspect: Callable[[Item, Any], object] | None = None,
        whole: bool = False,
    ) -> Corpus:
        """Read and encode the views of the samples; the check for leakage will look at views of the same roles.

        Args:
            roles_of: Which views of a sample; None takes the one that was asked for, or the only one.
            samples: Which samples; None takes those that are measured.
            versions: See `read_corpus`.
            inspect: See `read_corpus`.
            whole: Leave views whole, whatever the options say.

        Raises:
            InputError: No sample has such a view.
        """
        self._roles_of = roles_of or self.one_role
        return read_corpus(
            self._views(self.samples if samples is None else samples),
            self.encoder,
            batch=self.options.batch,
            tile_px=None if whole else self.options.tile_px,
            versions=versions,
            inspect=inspect,
            progress=self.options.progress,
        )

    @property
    def roles_of(self) -> RolesOf:
        """Which views of a sample were read last."""
        return self._roles_of

    def samples_of(self, split: str) -> tuple[Sample, ...]:
        """Return the samples of another split."""
        return tuple(self._dataset.samples(split))

    def every_sample(self) -> tuple[Sample, ...]:
        """Return the samples of all splits."""
        return tuple(self._dataset.samples(None))

    def word_colours(self) -> WordColours | None:
        """Return what training pictures say about the colours of words; None without a training split."""
        training, _ = self._read_training()
        if training is None:
            return None
        texts = [[*map(class_words, item.sample.labels), *item.sample.captions] for item in training.items]
        return WordColours(training.colours, texts) or None

    def leakage(self, corpus: Corpus) -> Leakage:
        """Compare what was measured with what an encoder may have been trained on."""
        training, present = self._read_training()
        if training is None:
            return not_compared(len(corpus.items), self._why_not())
        return find_leakage(corpus, training, against=self._against(), present=present)

    def _read_training(self) -> tuple[Corpus | None, int]:
        if self._why_not():
            return None, 0
        if self._training is None:
            views = self._views(self._training_samples())
            seen = spaced(views, self.options.leakage_limit)
            corpus = read_corpus(seen, None, tile_px=self.options.tile_px, progress=self.options.progress)
            self._training = corpus, len(views) * len(corpus.items) // len(seen)
        return self._training

    def _training_samples(self) -> list[Sample]:
        if self._has_split():
            return list(self._dataset.samples(TRAINING))
        kept = set(self.options.only_groups)
        return [sample for sample in self._dataset.samples(self._split) if sample.group not in kept]

    def _against(self) -> str:
        return f"split {TRAINING}" if self._has_split() else "the other groups"

    def _has_split(self) -> bool:
        return TRAINING in self._dataset.splits and self._split not in {None, TRAINING}

    def _why_not(self) -> str:
        if self.options.leakage_limit == 0:
            return "not compared with the training split, as asked"
        if self._has_split() or self.options.only_groups:
            return ""
        if TRAINING in self._dataset.splits:
            return "not compared: the training split itself is measured"
        return "not compared: the dataset defines no training split (--only-groups compares with the other groups)"

    def _views(self, samples: Sequence[Sample]) -> list[tuple[Sample, str]]:
        return [(sample, role) for sample in samples for role in self._roles_of(sample)]
