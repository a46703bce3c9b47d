"""Pixels or text in, unit vectors out."""

from ._batches import encode_arrays, encode_tiles
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
from ._prompts import PromptedTexts, Prompts, PromptStyle, check_templates, encode_prompted, is_phrase, prompt_style
from ._words import caption_terms, class_words

__all__ = [
    "DEFAULT_ENCODER",
    "EncoderRow",
    "EncodesBoth",
    "OnnxEncoder",
    "PromptStyle",
    "PromptedTexts",
    "Prompts",
    "caption_terms",
    "check_templates",
    "class_words",
    "encode_arrays",
    "encode_tiles",
    "encode_prompted",
    "encoder_names",
    "is_phrase",
    "list_encoders",
    "open_encoder",
    "open_encoder_of",
    "prompt_style",
]
