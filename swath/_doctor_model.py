"""Whether models are what they should be: the encoders' files, and the server that writes answers."""

from __future__ import annotations

import hashlib
from pathlib import Path

from swath._doctor_check import Check

ANSWER_S = 5.0
"""Seconds for the model server to list its models; one that takes longer keeps people waiting, too."""

SHOWN_MODELS = 5
"""Models of a server that are listed."""


def first_encoding() -> Check:
    """Encode three sentences with the encoder that comes with Swath."""
    import numpy as np

    from core import EncodesText
    from embeddings import open_encoder

    encoder = open_encoder("swath-mini")
    assert isinstance(encoder, EncodesText)  # noqa: S101 - narrows the type; swath-mini has text
    vectors = encoder.encode_text(["a river", "a river", "an airport"])
    if not np.allclose(vectors[0], vectors[1], atol=1e-5) or np.allclose(vectors[0], vectors[2], atol=1e-2):
        raise RuntimeError("the text encoder does not tell sentences apart")
    return Check(name="encoder swath-mini", state="ok", found=f"{encoder.space}, text works")


def encoder_files(name: str) -> Check:
    """Compare the files of an encoder with the sums that were published, where there are any."""
    from embeddings import describe_encoders

    card = next(card for card in describe_encoders() if card.row.name == name)
    wrong = [file.place for file in card.files if file.sha256 and not _is(file.place, file.sha256)]
    title = f"files of {name}"
    if wrong:
        advice = f"fetch it again{f' from {card.url}' if card.url else ': reinstall swath'}"
        return Check(name=title, state="fail", found=f"{wrong[0]} is not the published file", advice=advice)
    known = sum(file.sha256 is not None for file in card.files)
    return Check(name=title, state="ok", found=f"{known} of {len(card.files)} compared with their sums, none differs")


def _is(place: Path, total: str) -> bool:
    with place.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == total


def answer_model() -> Check:
    """Ask the model server of the settings which models it has."""
    import anyio

    from core import AnswerSettings
    from retriever.rag import listed_models

    settings = AnswerSettings()
    if not settings.url:
        return _ok("none; answers are written from records")
    if settings.provider != "openai":
        return _ok(f"of the kind {settings.provider}, which only an answer can try")
    names = anyio.run(listed_models, settings.model_copy(update={"timeout_s": ANSWER_S}))
    shown = ", ".join(names[:SHOWN_MODELS]) or "none"
    if settings.model and settings.model not in names:
        return _fail(f"the server does not list {settings.model!r}; it lists {shown}")
    if not settings.model and len(names) != 1:
        return _fail(f"the server lists {len(names)} models, and none is chosen: {shown}")
    return _ok(f"{settings.model or names[0]} is there")


def _ok(found: str) -> Check:
    return Check(name="answer model", state="ok", found=found)


def _fail(found: str) -> Check:
    return Check(name="answer model", state="fail", found=found, advice="set SWATH_ANSWER_MODEL to one of these")
