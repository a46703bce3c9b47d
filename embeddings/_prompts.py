"""Short queries as sentences: each family of encoders has the wording it was trained or published with.

A noun phrase ("storage tanks") is put into every template of the family, and the normalised mean of their vectors is
the query; a sentence ("a harbour with ships beside a town") says what a caption would say and stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core import ConfigError, EncodesText, InputError

TABLE = Path(__file__).parent / "_prompts.toml"

Prompts = Literal["auto", "off"] | tuple[str, ...]
"""``auto`` for the family's own templates, ``off`` for the text as typed, or templates of one's own."""

MAX_PHRASE = 5
"""Most words of a noun phrase; the longest class names of AID, RESISC45 and EuroSAT have three."""

MAX_LABEL = 4
"""Most words of each part of a list of labels; longer parts are clauses of one label."""

MAX_TEMPLATES = 200
"""Most templates of one query: each is encoded."""

_ARTICLE = re.compile(r"^(?:an?|the)\s+", re.IGNORECASE)
_SAYS_ITSELF = re.compile(
    r"\b(?:is|are|was|were|has|have|shows?|there|which|that|where|photo|photograph|image|imagery|picture|view)\b|[.!?:]",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class PromptStyle:
    """How queries are worded for one family of encoders."""

    family: str
    """The encoder's name up to its colon; ``default`` where nothing is known."""
    templates: tuple[str, ...]
    """Sentences with ``{}`` for the phrase; at least one."""
    published: tuple[str, ...]
    """The authors' full ensemble, for zero-shot classification; the templates where there is no longer one."""
    lower: bool
    """Whether text is lower-cased first."""
    joint: str | None
    """What joins the labels of a list; None where lists are left as typed."""
    vocabulary: Literal["plain", "labels"]
    """Whether synonyms should be everyday words or the class names of CrisisLandMark."""
    source: str
    """Where the wording was read or measured."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PromptedTexts:
    """Texts as they were given to the encoder, and their vectors."""

    prompts: tuple[tuple[str, ...], ...]
    """What was encoded for each text."""
    vectors: NDArray[np.float32]
    """(n, dim) unit vectors: the normalised mean over each text's prompts."""


def prompt_style(encoder: str) -> PromptStyle:
    """Return how queries are worded for an encoder.

    Args:
        encoder: Its name, e.g. ``remoteclip:ViT-B-32``; one without a row of its own gets ``default``.
    """
    table, family = _table(), encoder.partition(":")[0]
    known = family if family in table else "default"
    row = table[known]
    templates = tuple(row["templates"])
    return PromptStyle(
        family=known,
        templates=templates,
        published=_published(row["published"]) if "published" in row else templates,
        lower=row.get("lower", False),
        joint=row.get("joint"),
        vocabulary=row.get("vocabulary", "plain"),
        source=row["source"],
    )


def is_phrase(text: str) -> bool:
    """Return whether a text is a short noun phrase, to be put into a sentence, rather than a sentence already."""
    return len(text.split()) <= MAX_PHRASE and not _SAYS_ITSELF.search(text.strip())


def check_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """Return templates of the user's own.

    Raises:
        InputError: None or too many were given, or one does not hold ``{}`` exactly once.
    """
    if isinstance(templates, str) or not 1 <= len(templates) <= MAX_TEMPLATES:
        found = repr(templates) if isinstance(templates, str) else len(templates)
        raise InputError(
            f"prompts must be 1 to {MAX_TEMPLATES} templates such as 'a satellite image of {{}}', got {found}"
        )
    for template in templates:
        if not isinstance(template, str) or template.count("{}") != 1:
            raise InputError(f"each prompt must hold {{}} once, such as 'a satellite image of {{}}', got {template!r}")
    return tuple(templates)


def worded(text: str, style: PromptStyle, prompts: Prompts = "auto") -> tuple[str, ...]:
    """Return what is encoded for a text: one sentence a template, or the text alone.

    Templates given by the user take any text; the family's own take phrases only. An article before the phrase is
    dropped, since templates bring theirs.
    """
    if prompts == "off":
        return (text,)
    plain = _in_training_words(text, style)
    templates = style.templates if prompts == "auto" else prompts
    if prompts == "auto" and not is_phrase(text):
        return (plain,)
    bare = _ARTICLE.sub("", plain)
    return tuple(plain if template == "{}" else template.replace("{}", bare) for template in templates)


def encode_prompted(encoder: EncodesText, texts: Sequence[str], *, prompts: Prompts = "auto") -> PromptedTexts:
    """Encode texts, each through its prompts.

    Args:
        encoder: Any text encoder; its name chooses the family.
        texts: n texts.
        prompts: See ``Prompts``.
    """
    style = prompt_style(encoder.space.encoder)
    wordings = tuple(worded(text, style, prompts) for text in texts)
    encoded = encoder.encode_text([prompt for wording in wordings for prompt in wording])
    ends = np.cumsum([len(wording) for wording in wordings])[:-1]
    parts = np.split(encoded.astype(np.float64), ends) if wordings else []
    means = [part.mean(axis=0) for part in parts]
    vectors = np.array([mean / max(float(np.linalg.norm(mean)), 1e-12) for mean in means], dtype=np.float32)
    return PromptedTexts(prompts=wordings, vectors=vectors.reshape(len(texts), encoder.space.dim))


def _in_training_words(text: str, style: PromptStyle) -> str:
    words = text.lower() if style.lower else text
    if style.joint is None:
        return words
    parts = [part.strip() for part in re.split(r"[,;]", words) if part.strip()]
    listed = len(parts) > 1 and all(len(part.split()) <= MAX_LABEL for part in parts)
    return style.joint.join(parts) if listed else words


def _published(row: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every form with every noun; a look stands between the noun's article and the noun."""
    sentences = [form.replace("{image}", noun) for noun in row["nouns"] for form in row["forms"]]
    for noun in row["nouns"]:
        bare = _ARTICLE.sub("", noun)
        sentences += [f"a {look} {bare} of {article} {{}}." for look in row["looks"] for article in ("the", "a")]
    return tuple(sentences)


@cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    for family, row in table.items():
        if not {"templates", "source"} <= row.keys():
            raise ConfigError(f"{TABLE} [{family}] must set templates and source")
    return table
