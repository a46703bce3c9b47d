"""Pixels or text in, unit vectors out."""

from ._encoders import (
    DEFAULT_ENCODER,
    EncoderRow,
    EncodesBoth,
    encoder_names,
    list_encoders,
    open_encoder,
    open_encoder_of,
)
from ._onnx import OnnxEncoder
from ._words import caption_terms, class_words

__all__ = [
    "DEFAULT_ENCODER",
    "EncoderRow",
    "EncodesBoth",
    "OnnxEncoder",
    "caption_terms",
    "class_words",
    "encoder_names",
    "list_encoders",
    "open_encoder",
    "open_encoder_of",
]
