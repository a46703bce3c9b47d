"""Protocol `rag-cite`: do claims rest on what they cite, and is there no answer where there is nothing to be found?

**What is asked.** For every class of a labelled dataset, `Which tiles show CLASS?`, once of an archive of all its
pictures, and once of the same archive without the pictures of that class, where the right answer is none. The archive
is in memory; labels and captions are left out of it. Search, judgement by scores, facts and evidence are those of every
question (`gather`), with the class as what is sought, so that planning is not measured here. Scores are calibrated on
the classes of the other of two folds. A model, where one is configured or named, gets what is found by
`write_with_model`; without one claims are written from records (`records`).

**The controls.** Without retrieval there is no evidence, and whoever answers then answers wrongly. Shuffled evidence is
what was found for another class. Blank images: every picture of the archive is grey before it is encoded, and where it
is sent.

**Citations** follow ALCE (Gao et al. 2023, https://arxiv.org/abs/2305.14627), with the labels in place of a model that
judges entailment: a claim about a class is supported where one of the tiles it cites has that class (recall, over
claims), and a citation is right where its tile has it (precision, over citations). Claims that are a computed fact,
word for word, are exact and cite tiles as examples of what was counted; they do not count here, and neither do answers
from the archive without the class, which should not have been given. Chance are tiles drawn at random from the archive,
the baseline all evidence cited.

**Abstention**: no claim, be it that scores are too low or that the model finds no answer. Precision over abstentions,
recall over questions without an answer: those whose evidence shows no tile of the class, which is certain where its
pictures were taken out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from core import AnswerSettings, InputError
from embeddings import class_words
from retriever import Calibration
from retriever.rag import AnswerModel, EvidenceSet, QueryPlan, gather, write_from_records

from ._data import spaced
from ._job import Findings, Job
from ._rag_answering import Case, Make, Said, answer_all
from ._rag_archive import FOLDS, Pictures
from ._rag_cite_figures import Outcome, Query, figures_of
from ._rag_controls import BLANK, CONTROLS, SHUFFLED, WITHOUT, Asked, Control, partners, require_partners
from ._rag_figures import answered_by, failures, latency_of
from ._rag_models import open_model_of

PROTOCOL = "rag-cite"
ASK = "Which tiles show {name}? Cite only those."
"""How a class is asked for."""
LEAST = 2
"""Pictures of a class that make it worth asking for."""
RECORDS = "records"
"""Name of the answer that no model writes."""


def rag_cite(job: Job) -> Findings:
    """Ask for every class under every control.

    Raises:
        InputError: The encoder takes no text, or fewer than two classes have enough pictures.
    """
    settings = AnswerSettings()
    model = _model(job, settings)
    pictures = Pictures(job, job.require_text(PROTOCOL), settings.image_px)
    library = _Library(job, pictures, most=0 if model is None else settings.images)
    made = [partial(library.case, control, number) for control in CONTROLS for number in range(len(library.queries))]
    told = _told(made, model, settings, job)
    size = len(library.queries)
    by_control = {control: told[at * size : (at + 1) * size] for at, control in enumerate(CONTROLS)}
    outcomes = {
        control: [library.outcome(number, case, said) for number, (case, said) in enumerate(rows)]
        for control, rows in by_control.items()
    }
    said = {control: [said for _, said in rows] for control, rows in by_control.items()}
    name = RECORDS if model is None else model.name
    return Findings(
        corpus=pictures.corpus,
        results=tuple(figure for control in CONTROLS for figure in figures_of(control, outcomes[control])),
        notes=(
            *_notes(library, outcomes),
            *failures(said),
            answered_by(name, 1 if model is None else settings.concurrent),
        ),
        model=name,
        latency=latency_of(said),
        baseline="all evidence cited",
    )


def _model(job: Job, settings: AnswerSettings) -> AnswerModel | None:
    """Return the model that answers; None where records do."""
    if job.options.model == RECORDS or (job.options.model is None and not settings.url):
        return None
    return open_model_of(job, RECORDS, settings)


def _told(
    made: Sequence[Make], model: AnswerModel | None, settings: AnswerSettings, job: Job
) -> list[tuple[Case, Said]]:
    """Return what comes of each case: nothing where the evidence is judged too weak, as before every answer."""
    cases = [make() for make in made]
    asked = [case for case in cases if case.evidence.insufficient is None]
    if model is None:
        answered = [_from_records(case) for case in asked]
    else:
        answered = [
            said
            for _, said in answer_all([partial(_as_is, case) for case in asked], model, settings, job.options.progress)
        ]
    written = iter(answered)
    silent = (Said(claims=(), seconds=case.seconds) for case in cases)
    return [
        (case, next(written) if case.evidence.insufficient is None else none)
        for case, none in zip(cases, silent, strict=True)
    ]


def _as_is(case: Case) -> Case:
    return case


def _from_records(case: Case) -> Said:
    started = time.perf_counter()
    claims = write_from_records(case.plan, case.evidence).claims
    return Said(claims=claims, seconds=case.seconds | {"answer": time.perf_counter() - started})


class _Library:
    """The questions, and the evidence that each control finds for them."""

    def __init__(self, job: Job, pictures: Pictures, *, most: int) -> None:
        self._k, self._most, self._pictures = job.options.k, most, pictures
        counted = {
            name: sum(name in labels for labels in pictures.labels) for name in sorted(set().union(*pictures.labels))
        }
        self.classes = spaced([name for name, count in counted.items() if count >= LEAST], job.options.questions)
        if len(self.classes) < 2:
            raise InputError(
                f"{PROTOCOL} needs two classes with at least {LEAST} pictures each; --split all takes more"
            )
        self.queries = [Query(name=name, without=without) for without in (False, True) for name in self.classes]
        self._partners = require_partners(
            partners([Asked(kind=query.without, group=query.name) for query in self.queries])
        )
        self._fold = {name: at % FOLDS for at, name in enumerate(self.classes)}
        self._fitted = [
            pictures.calibration([name for name in self.classes if self._fold[name] != fold]) for fold in range(FOLDS)
        ]

    @property
    def calibrated(self) -> bool:
        """Whether scores could be fitted in every fold."""
        return all(fitted is not None for fitted in self._fitted)

    def case(self, control: Control, number: int) -> Case:
        """Return one question as a control puts it."""
        query = self.queries[number]
        started = time.perf_counter()
        lender = self.queries[self._partners[number]] if control == SHUFFLED else query
        found = EvidenceSet(insufficient="Nothing was looked for.")
        if control != WITHOUT:
            found = self._found(lender, grey=control == BLANK)
        seconds = {"retrieve": time.perf_counter() - started}
        evidence = self._pictures.with_pictures(found, self._most, grey=control == BLANK)
        if control == SHUFFLED:  # whoever gets the evidence of another question has not judged it
            evidence = replace(evidence, insufficient=None if evidence.tiles else evidence.insufficient)
        return Case(control=control, plan=_plan(query.name), evidence=evidence, seconds=seconds)

    def _found(self, query: Query, *, grey: bool) -> EvidenceSet:
        calibration: Calibration | None = self._fitted[self._fold[query.name]]
        without = query.name if query.without else None
        archive = self._pictures.archive(without=without, grey=grey, calibration=calibration)
        return gather(_plan(query.name), archive, tiles=self._k, pictures=0, note=lambda step: None)

    def outcome(self, number: int, case: Case, said: Said) -> Outcome:
        """Return what came of a case."""
        query = self.queries[number]
        computed = {fact.text for fact in case.evidence.facts}
        return Outcome(
            query=query,
            abstained=not said.claims,
            claims=tuple(claim for claim in said.claims if claim.text not in computed),
            evidence=tuple(self._pictures.shows(tile, query.name) for tile in case.evidence.tiles),
            share=self._pictures.share(query.name, without=query.without),
        )


def _plan(name: str) -> QueryPlan:
    words = class_words(name)
    return QueryPlan(question=ASK.format(name=words), sought=(words,), knowledge=False, made_by="user")


def _notes(library: _Library, outcomes: dict[Control, list[Outcome]]) -> Iterator[str]:
    """Say what was asked, and how often there was no answer."""
    counted = "; ".join(
        f"{control}: {sum(one.abstained for one in rows)} of {len(rows)} abstained from, "
        f"{sum(one.unanswerable for one in rows)} without the class in the evidence"
        for control, rows in outcomes.items()
    )
    yield f"{len(library.classes)} classes, each asked for with and without its pictures. {counted}."
    answered = sum(not one.abstained for one in outcomes[WITHOUT])
    yield f"Answers without any evidence: {answered} of {len(outcomes[WITHOUT])}."
    if not library.calibrated:
        yield "Scores could not be calibrated on other classes, so there was no threshold to abstain by."
