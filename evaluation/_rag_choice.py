"""Protocol `rag-choice`: the right letter about large pictures, and whether the right part of the picture was found.

In the manner of MME-RealWorld-RS (Zhang et al. 2024, https://arxiv.org/abs/2408.13257), and of its use by ImageRAG.

**What the model gets.** The whole picture, or both of a pair, made small; with retrieval also the k parts of it that
the words of the question find, by the cosine of the measured encoder. Parts are squares of at least `--tile-px` pixels
(448) that divide the shorter side; what is left over at the right or lower edge is not cut. The choices follow the
question with their letters (`ASK`). It goes through `brief` and `write_with_model`, as every question does.

**The controls.** Without retrieval there are the whole pictures alone. Shuffled evidence are the parts that another
question with as many choices, about another group, found in its own picture. Blank images: every picture is grey;
nothing tells parts apart then, so the parts of the first control stand for them, in grey.

**What counts as right.** The letters that `read_letters` reads in what was said, against the right ones; where several
are right, all must be named and no other. Chance is a guess among the letters (among their combinations where several
are right), the baseline the most frequent letters of other groups' questions with as many choices.

**Region hit rate**, where the set tells the region of an answer: is it shown by one of the k parts (half of the region
in the part, or half of the part in the region)? Chance are k parts drawn at random, the baseline what the words of the
partner question find in the same picture. The cited hit rate asks the same of the parts that the answer cites, against
as many drawn at random.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from core import CHOICE_LETTERS, AnswerSettings
from retriever.rag import EvidenceSet, QueryPlan

from ._figures import Series
from ._job import Findings, Job
from ._rag_answering import Case, Make, Said, answer_all
from ._rag_controls import BLANK, CONTROLS, FULL, SHUFFLED, WITHOUT, Control
from ._rag_figures import Scored, latency_of, remarks, results_of
from ._rag_models import CHOICES, open_model_of
from ._rag_reading import read_letters
from ._rag_scenes import Query, Scenes, shows

PROTOCOL = "rag-choice"
ASK = (
    "Tile 1 is the whole picture{pair}; the other tiles are parts of it in detail. Answer in one claim with the letter "
    "of the right choice, or with all letters where several are right, and cite the tile that shows it. "
    "Question: {question} {choices}"
)
"""How a question is put."""

MEANING = (
    "share of questions whose right letters, and no others, are named; chance is a guess among them, the baseline the "
    "most frequent letters of other groups"
)
HIT = (
    "share of questions for which one of the parts found by their words shows the region of the answer (half of one "
    "lies in the other); chance are as many parts drawn at random, the baseline what another question's words find"
)
CITED = (
    "the same for the parts that the answer cites; an answer that cites none misses; chance are as many parts drawn at "
    "random as it cites"
)


def rag_choice(job: Job) -> Findings:
    """Put every question under every control.

    Raises:
        InputError: No sample has a question with choices, the encoder takes no text, or there are not two groups.
    """
    settings = AnswerSettings()
    model = open_model_of(job, "matching", settings)
    settings = settings.model_copy(update={"images": min(settings.images, getattr(model, "pictures", settings.images))})
    scenes = Scenes(job, job.require_text(PROTOCOL), settings.image_px)
    numbers = range(len(scenes.queries))
    makes: list[Make] = [partial(_case, scenes, control, number) for control in CONTROLS for number in numbers]
    told = answer_all(makes, model, settings, job.options.progress)
    said = {control: [each for asked, each in told if asked == control] for control in CONTROLS}
    scored = _scored(scenes.queries, said)
    return Findings(
        corpus=scenes.corpus,
        results=(*results_of(scored, MEANING), *_regions(scenes, said[FULL], job.options.k)),
        notes=remarks(said, model.name, settings.concurrent),
        model=model.name,
        latency=latency_of(said),
        baseline="most frequent answer",
    )


def _case(scenes: Scenes, control: Control, number: int) -> Case:
    started = time.perf_counter()
    query = scenes.queries[number]
    grey = control == BLANK
    lender = query.partner if control == SHUFFLED else number
    parts = () if control == WITHOUT else scenes.found(lender).parts
    wholes = scenes.wholes(number, grey=grey)
    pictures = [*((whole, None) for whole in wholes), *((one.grey if grey else one.shown, one.score) for one in parts)]
    tiles = tuple(shown.numbered(place, score) for place, (shown, score) in enumerate(pictures, start=1))
    listed = " ".join(
        f"({letter}) {text}" for letter, text in zip(CHOICE_LETTERS, query.question.choices, strict=False)
    )
    pair = ", tile 2 that of the later date" if len(wholes) > 1 else ""
    asked = ASK.format(pair=pair, question=query.question.text, choices=f"{CHOICES} {listed}")
    return Case(
        control=control,
        plan=QueryPlan(question=asked, knowledge=False, made_by="user"),
        evidence=EvidenceSet(tiles=tiles, matched=len(tiles)),
        seconds={"retrieve": time.perf_counter() - started},
    )


def _scored(queries: Sequence[Query], said: dict[Control, list[Said]]) -> Scored:
    right = {
        control: np.array([_right(query, one) for query, one in zip(queries, rows, strict=True)], dtype=np.float64)
        for control, rows in said.items()
    }
    return Scored(
        source="",
        right=right,
        chance=np.array([_chance(query) for query in queries]),
        baseline=np.array([_most_frequent(query, queries) for query in queries], dtype=np.float64),
        groups=tuple(query.sample.group for query in queries),
        kinds=tuple(query.question.kind for query in queries),
    )


def _right(query: Query, said: Said) -> bool:
    question = query.question
    return said.text is not None and read_letters(said.text, question.choices) == question.answer


def _chance(query: Query) -> float:
    choices = len(query.question.choices)
    return 1 / (2**choices - 1 if len(query.question.answer) > 1 else choices)


def _most_frequent(query: Query, queries: Sequence[Query]) -> bool:
    counts = Counter(
        other.question.answer
        for other in queries
        if other.sample.group != query.sample.group and len(other.question.choices) == len(query.question.choices)
    )
    return bool(counts) and counts.most_common(1)[0][0] == query.question.answer


def _regions(scenes: Scenes, said: Sequence[Said], k: int) -> Iterator[Series]:
    """Yield how often the region was found, and cited, where the set tells it."""
    told = [number for number, query in enumerate(scenes.queries) if query.question.region is not None]
    if not told:
        return
    found = [scenes.found(number) for number in told]
    cited = [_cited(scenes, number, said[number]) for number in told]
    groups = tuple(scenes.queries[number].sample.group for number in told)
    yield Series(
        name="region hit rate",
        meaning=HIT,
        values=np.array([one.hit for one in found], dtype=np.float64),
        chance=np.array([one.hit_by_chance(k) for one in found]),
        groups=groups,
        baseline=np.array([one.hit_by_others for one in found], dtype=np.float64),
    )
    yield Series(
        name="region hit rate of cited parts",
        meaning=CITED,
        values=np.array([any(row) for row in cited], dtype=np.float64),
        chance=np.array([one.hit_by_chance(len(row)) for one, row in zip(found, cited, strict=True)]),
        groups=groups,
    )


def _cited(scenes: Scenes, number: int, said: Said) -> list[bool]:
    """Return for each part that an answer cites whether it shows the region."""
    region, wholes = scenes.queries[number].question.region, len(scenes.wholes(number, grey=False))
    cited = {cite - wholes - 1 for claim in said.claims for cite in claim.cites}
    parts = (part for place, part in enumerate(scenes.found(number).parts) if place in cited)
    return [region is not None and part.view == 0 and shows(part.box, region) for part in parts]
