"""Who answers in an evaluation: the configured model, or one of two that need no language model.

- `configured`: what `SWATH_ANSWER_URL` and the other settings name.
- `nearest`: a vote of what is known of the retrieved pictures, weighted by likeness; reads passages, sees no picture.
- `matching`: the choice whose words lie nearest to a picture it is sent, in the space of the measured encoder.

The two read nothing but the messages a model is sent, and reply in the same JSON, so that the path that is measured is
the path of a model. Both are deterministic.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import AnswerSettings, InputError, Registry, picture_tile
from embeddings import EncodesBoth
from retriever.rag import AnswerModel, ImagePart, Message, TextPart, open_answer_model

from ._job import Job
from ._rag_pictures import encode_tiles

BUILT_IN = {
    "nearest": "evaluation._rag_models:open_nearest",
    "matching": "evaluation._rag_models:open_matching",
    "configured": "evaluation._rag_models:open_configured",
}
MODELS = Registry("model of an evaluation", BUILT_IN, group="swath.evaluation_models")
"""Each a function of the job and the settings that returns an AnswerModel."""

KNOWN = "Known of picture {number}, {alike:.3f} alike: {question} Answer: {answer}"
"""How a passage tells what is known of another picture; `nearest` reads it back."""
CHOICES = "Choices:"
"""What stands before the choices in a question, each as `(A) words`."""

SHARPNESS = 20.0
"""Weight of a picture is exp(SHARPNESS x cosine): 0.1 nearer counts seven times as much. Set before anything was
measured, and not tuned."""

_KNOWN = re.compile(r"Known of picture (\d+), (-?[\d.]+) alike: (.+?) Answer: (.+)")
_QUESTION = re.compile(r"Question: (.+?)(?: Choices: (.+))?$")
_CHOICE = re.compile(r"\(([A-J])\) (.+?)(?= \([A-J]\) |$)")
_LABEL = re.compile(r"\[(\d+)\]")


def open_model_of(job: Job, usual: str, settings: AnswerSettings) -> AnswerModel:
    """Return the model that the options name; without one the configured one, and where there is none the usual one.

    Raises:
        UnknownNameError: There is no model of that name.
        InputError: The model needs what is not there.
    """
    named = job.options.model
    if named is not None and not isinstance(named, str):
        return named
    name = named or ("configured" if settings.url else usual)
    model: AnswerModel = MODELS.resolve(name)(job, settings)
    return model


def open_configured(job: Job, settings: AnswerSettings) -> AnswerModel:
    """Return the model that the environment names.

    Raises:
        InputError: It names none.
    """
    model = open_answer_model(settings)
    if model is None:
        raise InputError("no answer model is configured; set SWATH_ANSWER_URL, or choose --model nearest")
    return model


def open_nearest(job: Job, settings: AnswerSettings) -> AnswerModel:
    """Return the vote of what is known."""
    return NearestModel()


def open_matching(job: Job, settings: AnswerSettings) -> AnswerModel:
    """Return the choice nearest to a picture.

    Raises:
        InputError: The encoder takes no text.
    """
    return MatchingModel(job.require_text("the model matching"))


@dataclass(frozen=True, kw_only=True)
class Exemplar:
    """A question with its answer, known of another picture."""

    picture: int
    """Number of that picture in the evidence."""
    passage: int
    """Number of the passage that tells it."""
    alike: float
    """Cosine to the picture asked about."""
    question: str
    """As it was asked there."""
    answer: str
    """As it was answered there."""


class NearestModel:
    """Votes with the answers that are known of the retrieved pictures, weighted by how alike picture and question are.

    Numbers and areas take the weighted median, everything else the answer with the most weight. Without exemplars it
    says that it cannot answer.
    """

    @property
    def name(self) -> str:
        """Always the same."""
        return "nearest"

    @property
    def pictures(self) -> int:
        """It looks at none."""
        return 0

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield the reply at once."""
        rows = list(read_rows(messages))
        exemplars = [found for row in rows if (found := _exemplar(row))]
        question = next((match[1] for row in rows if (match := _QUESTION.search(str(row.get("question", ""))))), "")
        yield _reply(*vote(question, exemplars)) if exemplars else _reply(None, (), 0.0)


def vote(question: str, exemplars: Sequence[Exemplar]) -> tuple[str, tuple[int, ...], float]:
    """Return the answer, its three weightiest pictures with what is known of them, and its share of the weight."""
    weights = [_weight(question, one) for one in exemplars]
    numbers = [_number(one.answer) for one in exemplars]
    if all(number is not None for number in numbers):
        chosen = exemplars[_median([number or 0.0 for number in numbers], weights)].answer
    else:
        sums: defaultdict[str, float] = defaultdict(float)
        for one, weight in zip(exemplars, weights, strict=True):
            sums[one.answer] += weight
        chosen = max(sums, key=lambda answer: sums[answer])
    agreeing = [(weight, one) for one, weight in zip(exemplars, weights, strict=True) if one.answer == chosen]
    best = [one for _, one in sorted(agreeing, key=lambda each: (-each[0], each[1].picture))[:3]]
    cites = tuple(dict.fromkeys(number for one in best for number in (one.picture, one.passage)))
    return chosen, cites, sum(weight for weight, _ in agreeing) / sum(weights)


class MatchingModel:
    """Chooses the words that lie nearest to any picture it is sent, and cites that picture.

    Args:
        encoder: Of pictures and words.
    """

    def __init__(self, encoder: EncodesBoth) -> None:
        self._encoder = encoder

    @property
    def name(self) -> str:
        """With the encoder."""
        return f"matching ({self._encoder.space.encoder})"

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield the reply at once."""
        questions = (_QUESTION.search(str(row.get("question", ""))) for row in read_rows(messages))
        choices = next((_CHOICE.findall(match[2]) for match in questions if match and match[2]), [])
        pictures = list(_pictures(messages))
        yield self._chosen(choices, pictures) if choices and pictures else _reply(None, (), 0.0)

    def _chosen(self, choices: Sequence[tuple[str, str]], pictures: Sequence[tuple[int, bytes]]) -> str:
        words = self._encoder.encode_text([text for _, text in choices])
        vectors = encode_tiles(self._encoder, [_tile(data) for _, data in pictures])
        scores = words @ vectors.T
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        letter, text = choices[int(row)]
        return _reply(f"({letter}) {text}", (pictures[int(column)][0],), float(np.clip(scores.max(), 0, 1)))


def read_rows(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """Yield the rows of data that stand in messages, one JSON object a line."""
    texts = (part.text for message in messages for part in message.parts if isinstance(part, TextPart))
    for line in (line for text in texts for line in text.splitlines() if line.startswith("{")):
        row = json.loads(line)
        if isinstance(row, dict):
            yield row


def similar(one: str, other: str) -> float:
    """Return the share of words that two questions have in common, 0..1."""
    first, second = _words(one), _words(other)
    return len(first & second) / max(len(first | second), 1)


def _words(question: str) -> frozenset[str]:
    words = re.findall(r"[a-z0-9]+", question.lower())
    return frozenset(word.removesuffix("s") for word in words if word not in _EMPTY)


_EMPTY = frozenset(
    [
        "is",
        "are",
        "there",
        "a",
        "an",
        "any",
        "the",
        "in",
        "of",
        "what",
        "image",
        "picture",
        "present",
        "how",
        "many",
        "amount",
        "number",
        "do",
        "does",
    ]
)
"""Words that questions of one meaning differ by, in RSVQA and elsewhere."""


def _exemplar(row: Mapping[str, Any]) -> Exemplar | None:
    match = _KNOWN.fullmatch(str(row.get("text", "")))
    if match is None:
        return None
    return Exemplar(
        picture=int(match[1]), passage=int(row["number"]), alike=float(match[2]), question=match[3], answer=match[4]
    )


def _weight(question: str, one: Exemplar) -> float:
    # The square puts a question about the same thing well before one that only asks alike.
    return math.exp(SHARPNESS * one.alike) * (similar(question, one.question) ** 2 + 1e-6)


def _number(answer: str) -> float | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:m2)?", answer.strip())
    return float(match[1]) if match else None


def _median(values: Sequence[float], weights: Sequence[float]) -> int:
    order = sorted(range(len(values)), key=lambda row: values[row])
    passed = np.cumsum([weights[row] for row in order])
    return order[int(np.searchsorted(passed, passed[-1] / 2))]


def _pictures(messages: Sequence[Message]) -> Iterator[tuple[int, bytes]]:
    """Yield the number before each picture, and the picture."""
    number = 0
    for part in (part for message in messages for part in message.parts):
        if isinstance(part, ImagePart):
            yield number, part.data
        elif match := _LABEL.match(part.text):
            number = int(match[1])


def _tile(data: bytes) -> Any:
    colours: NDArray[np.uint8] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return picture_tile(colours, np.ones(colours.shape[:2], dtype=np.bool_), name="sent", collection="", href="")


def _reply(text: str | None, cites: Sequence[int], confidence: float) -> str:
    claims = [] if text is None else [{"text": text, "cites": list(cites), "confidence": round(confidence, 3)}]
    return json.dumps({"answerable": text is not None, "claims": claims, "caveats": []})
