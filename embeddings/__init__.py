"""Pixels or text in, unit vectors out."""

from ._batches import encode_arrays, encode_tiles
from ._cards import EncoderCard, WeightsFile, describe_encoders
from ._devices import GPU_BATCH, gpu_names
from ._encoders import (
    DEFAULT_ENCODER,
    EncoderRow,
    EncodesBoth,
    encoder_names,
    list_encoders,
    open_encoder,
    open_encoder_of,
)
from ._export_onnx import Exported, export_encoder
from ._onnx import OnnxEncoder
from ._prompts import PromptedTexts, Prompts, PromptStyle, check_templates, encode_prompted, is_phrase, prompt_style
from ._words import caption_terms, class_words

__all__ = [
    "DEFAULT_ENCODER",
    "GPU_BATCH",
    "EncoderCard",
    "EncoderRow",
    "EncodesBoth",
    "Exported",
    "OnnxEncoder",
    "PromptStyle",
    "PromptedTexts",
    "Prompts",
    "WeightsFile",
    "caption_terms",
    "check_templates",
    "class_words",
    "describe_encoders",
    "encode_arrays",
    "encode_prompted",
    "encode_tiles",
    "encoder_names",
    "export_encoder",
    "gpu_names",
    "is_phrase",
    "list_encoders",
    "open_encoder",
    "open_encoder_of",
    "prompt_style",
]
