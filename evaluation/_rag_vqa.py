"""Protocol `rag-vqa`: free answers about pictures, right by type of question, with retrieved examples and without.

**What the model gets.** Tile 1 is the picture asked about. With retrieval come the k pictures of its source most like
it (cosine of the measured encoder) from other groups (scenes, sites), of any split, and for each of them the question
of the same type most like this one, with its known answer, as a passage. A picture's own answers, and those of its
group, are never given. The question is asked in a sentence that says what tile 1 and the passages are (`ASK`). It goes
through `brief` and `write_with_model`, as every question to an archive does; planning and the judgement of scores are
left out, because there is one picture to be asked about.

**The controls.** Without retrieval there is tile 1 alone. Shuffled evidence is what was retrieved for another question
of the same type about another group, less what belongs to the question's own group. Blank images: the picture is grey
before it is encoded, so that what is retrieved is nearest to grey, and all pictures are grey that the model is sent.

**What counts as right.** What the model said is read as one text by `read_answer`, whether an archive's answer would
have let it through or not: counts that no record gives are dropped there, and are what is asked for here. The first yes
or no counts; the first number, in RSVQA-LR by its bucket (0, 1-10, 11-100, 101-1000, more), elsewhere exactly; areas by
their bucket in m2; else a word that is an answer to a question of that type. An abstention, a failure and an unread
answer are wrong, and are counted.

Beside every score stand the accuracy of a guess among the classes, and of the most frequent answer to questions of
that type in other groups. Sources (RSVQA-LR and -HR) are told apart. The average over types is that of Lobry et al.
2020 (https://arxiv.org/abs/2003.07333), who report it as AA beside the overall accuracy, OA.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from core import AnswerSettings, InputError, Question
from retriever.rag import EvidencePassage, EvidenceSet, Passage, QueryPlan

from ._data import spaced
from ._job import Findings, Job
from ._rag_album import Album
from ._rag_answering import Case, Make, Said, answer_all
from ._rag_controls import BLANK, CONTROLS, SHUFFLED, WITHOUT, Asked, Control, partners, require_partners
from ._rag_figures import Scored, latency_of, remarks, results_of
from ._rag_models import KNOWN, open_model_of, similar
from ._rag_reading import Form, chance_of_class, form_of, read_answer

PROTOCOL = "rag-vqa"
ASK = (
    "Look at tile 1 and answer in one claim that begins with the answer itself: yes, no, a number, an area in m2, or "
    "a word. The other tiles are other pictures, and the passages tell what is known of those; cite what the answer "
    "rests on. Question: {question}"
)
"""How a question is put."""
COUNTED_IN_BUCKETS = "RSVQA-LR"
"""Source whose counts are right in their bucket."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """One question about one picture."""

    picture: int
    """Number of the picture."""
    question: Question
    """With its answer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbour:
    """A retrieved picture and what is known of it."""

    picture: int
    """Number of the picture."""
    alike: float
    """Cosine."""
    known: Question | None
    """Its question most like the one asked; None where it has none of that type."""


def rag_vqa(job: Job) -> Findings:
    """Put every question under every control.

    Raises:
        InputError: No sample has a question to be answered freely, or there are not two groups.
    """
    settings = AnswerSettings()
    model = open_model_of(job, "nearest", settings)
    settings = settings.model_copy(update={"images": min(settings.images, getattr(model, "pictures", settings.images))})
    album = Album(job, settings.image_px)
    queries = list(_queries(job, album))
    walk = _Walk(job.options.k, album, queries)
    makes: list[Make] = [partial(walk.case, control, number) for control in CONTROLS for number in range(len(queries))]
    told = answer_all(makes, model, settings, job.options.progress)
    said = {control: [each for asked, each in told if asked == control] for control in CONTROLS}
    scored = [_scored(album, queries, said, source) for source in sorted({one.source for one in album.pictures})]
    kept = [one for one in scored if len(one.groups)]
    return Findings(
        corpus=album.asked,
        results=tuple(result for one in kept for result in results_of(one, _meaning(job, one))),
        notes=remarks(said, model.name, settings.concurrent),
        model=model.name,
        latency=latency_of(said),
        baseline="most frequent answer",
    )


def _queries(job: Job, album: Album) -> Iterator[Query]:
    for number in range(len(album.asked.items)):
        free = [one for one in album.pictures[number].sample.questions if not one.choices]
        for question in spaced(free, job.options.questions):
            yield Query(picture=number, question=question)


def _lent(album: Album) -> Iterator[Query]:
    """Yield a question of each type about every picture that is not asked about, to lend its evidence."""
    for number in range(len(album.asked.items), len(album.pictures)):
        free = [one for one in album.pictures[number].sample.questions if not one.choices]
        for question in {one.kind: one for one in reversed(free)}.values():
            yield Query(picture=number, question=question)


class _Walk:
    """Makes the evidence of each question under each control."""

    def __init__(self, k: int, album: Album, queries: Sequence[Query]) -> None:
        self._k = k
        self._album = album
        self._queries = [*queries, *_lent(album)]
        asked = [
            Asked(kind=(picture.source, query.question.kind), group=picture.sample.group)
            for query in self._queries
            for picture in (album.pictures[query.picture],)
        ]
        self._partners = require_partners(partners(asked)[: len(queries)])

    def case(self, control: Control, number: int) -> Case:
        """Return one question as a control puts it."""
        query = self._queries[number]
        started = time.perf_counter()
        found = [] if control == WITHOUT else self._found(control, number)
        retrieved = time.perf_counter()
        evidence = self._evidence(query, found, grey=control == BLANK)
        seconds = {"retrieve": retrieved - started, "evidence": time.perf_counter() - retrieved}
        plan = QueryPlan(question=ASK.format(question=query.question.text), knowledge=False, made_by="user")
        return Case(control=control, plan=plan, evidence=evidence, seconds=seconds)

    def _found(self, control: Control, number: int) -> list[Neighbour]:
        own = self._queries[number]
        asked = self._queries[self._partners[number]] if control == SHUFFLED else own
        picture = self._album.pictures[asked.picture]
        without = frozenset(self._album.pictures[each.picture].sample.group for each in (own, asked))
        vector = picture.grey_vector if control == BLANK else picture.vector
        nearest = self._album.nearest(vector, without)
        same = ((one, alike) for one, alike in nearest if self._album.pictures[one].source == picture.source)
        return [
            Neighbour(picture=one, alike=alike, known=self._known(one, asked.question))
            for one, alike in (pair for pair, _ in zip(same, range(self._k), strict=False))
        ]

    def _known(self, picture: int, asked: Question) -> Question | None:
        same = [one for one in self._album.pictures[picture].sample.questions if one.kind == asked.kind]
        return max(same, key=lambda one: similar(one.text, asked.text), default=None)

    def _evidence(self, query: Query, found: Sequence[Neighbour], *, grey: bool) -> EvidenceSet:
        pictures = [self._album.pictures[number] for number in (query.picture, *(one.picture for one in found))]
        scores = [None, *(one.alike for one in found)]
        tiles = tuple(
            (picture.grey if grey else picture.shown).numbered(number, score)
            for number, (picture, score) in enumerate(zip(pictures, scores, strict=True), start=1)
        )
        told = [(number, one.alike, one.known) for number, one in enumerate(found, start=2) if one.known is not None]
        passages = tuple(
            EvidencePassage(number=number, passage=_passage(of, alike, known))
            for number, (of, alike, known) in enumerate(told, start=len(tiles) + 1)
        )
        return EvidenceSet(tiles=tiles, passages=passages, matched=len(tiles))


def _passage(number: int, alike: float, known: Question) -> Passage:
    text = KNOWN.format(number=number, alike=alike, question=known.text, answer=known.answer)
    return Passage(passage_id=f"known-{number}", title=f"Picture {number}", text=text, source="dataset", score=alike)


def _scored(album: Album, queries: Sequence[Query], said: dict[Control, list[Said]], source: str) -> Scored:
    """Return what was right of one source, query by query."""
    own = [number for number, query in enumerate(queries) if album.pictures[query.picture].source == source]
    truths = _Truths(album, source)
    rows = {
        control: [truths.right(queries[number].question, said[control][number].text) for number in own]
        for control in CONTROLS
    }
    asked = [queries[number] for number in own]
    return Scored(
        source=source,
        right={control: np.array(row, dtype=np.float64) for control, row in rows.items()},
        chance=np.array([truths.chance(query.question) for query in asked], dtype=np.float64),
        baseline=np.array([truths.majority(query, album) for query in asked], dtype=np.float64),
        groups=tuple(album.pictures[query.picture].sample.group for query in asked),
        kinds=tuple(query.question.kind for query in asked),
    )


class _Truths:
    """The answers of one source: which classes there are, and which is the most frequent in other groups."""

    def __init__(self, album: Album, source: str) -> None:
        self._exact = source != COUNTED_IN_BUCKETS
        self._by_group: defaultdict[str, defaultdict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._words: defaultdict[str, set[str]] = defaultdict(set)
        for picture in (one for one in album.pictures if one.source == source):
            for question in (one for one in picture.sample.questions if not one.choices):
                if form_of(question.answer) == "word":
                    self._words[question.kind].add(question.answer.lower())
        for picture in (one for one in album.pictures if one.source == source):
            for question in (one for one in picture.sample.questions if not one.choices):
                self._by_group[question.kind][picture.sample.group][self._class(question)] += 1

    def right(self, question: Question, text: str | None) -> bool:
        """Return whether an answer is read as the class of the truth."""
        return text is not None and self._read(question, text) == self._class(question)

    def chance(self, question: Question) -> float:
        """Return how often a guess is right."""
        known = {name for counts in self._by_group[question.kind].values() for name in counts}
        return chance_of_class(form_of(question.answer), known, exact=self._exact)

    def majority(self, query: Query, album: Album) -> bool:
        """Return whether the most frequent answer of other groups is right."""
        question, group = query.question, album.pictures[query.picture].sample.group
        others = Counter[str]()
        for name, counts in self._by_group[question.kind].items():
            others.update(counts if name != group else {})
        return bool(others) and others.most_common(1)[0][0] == self._class(question)

    def _class(self, question: Question) -> str:
        found = self._read(question, question.answer)
        if found is None:
            raise InputError(f"the answer {question.answer!r} to {question.text!r} cannot be read")
        return found

    def _read(self, question: Question, text: str) -> str | None:
        form: Form = form_of(question.answer)
        return read_answer(text, form, self._words[question.kind], exact=self._exact)


def _meaning(job: Job, scored: Scored) -> str:
    counted = "in buckets (0, 1-10, 11-100, 101-1000, more)" if scored.source == COUNTED_IN_BUCKETS else "exactly"
    return (
        f"share of right answers; yes and no as the first that is said, counts {counted}, areas in the same buckets of "
        f"m2; evidence are up to {job.options.k} pictures of other groups with a known answer each; chance is a guess "
        "among the classes"
    )
