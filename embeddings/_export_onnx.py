"""From any encoder with known networks to a folder that `onnx:FOLDER` opens without torch, verified before it is kept.

Weights stay float32, so that the vectors are the same; normalisation and scaling to unit length are inside the graphs.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, EncodesTiles, InputError, SwathError

from ._encoders import list_encoders, open_encoder
from ._export_samples import SENTENCES, sample_tiles
from ._onnx import OnnxEncoder
from ._weights import load_manifest

if TYPE_CHECKING:
    import torch

OPSET = 18
LEAST_COSINE = 0.999
"""Between the encoder and its export, on every sample."""
LARGEST = 2**31 - 2**24
"""Bytes of weights in one graph: an ONNX file is one protobuf message, which ends at 2 GiB (https://onnx.ai/onnx)."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and how near it is."""

    folder: Path
    """The encoder folder."""
    encoder: str
    """The encoder that was exported."""
    bytes: int
    """Size of all files."""
    tiles: int
    """Generated tiles it was compared on."""
    tile_cosine: float
    """Least cosine of their vectors."""
    texts: int
    """Sentences it was compared on; 0 without text."""
    text_cosine: float | None
    """Least cosine of their vectors; None without text."""


@dataclass(frozen=True, kw_only=True)
class _Graph:
    file: str
    forward: Callable[..., torch.Tensor]
    network: torch.nn.Module
    inputs: dict[str, torch.Tensor]


def export_encoder(name: str, out: Path, *, progress: Callable[[str], None] | None = None) -> Exported:
    """Write an encoder as an ONNX folder and compare the two on generated tiles and on sentences.

    Args:
        name: What `open_encoder` takes.
        out: Folder to make; it must not exist yet.
        progress: Called with a line before each step.

    Returns:
        Where it is and the least cosines.

    Raises:
        InputError: The folder exists, or the encoder cannot be exported.
        SwathError: The export gives other vectors; nothing is kept.
        UnknownNameError: As `open_encoder`, and likewise its other errors.
    """
    if out.exists():
        raise InputError(f"{out} exists already; name a folder that does not")
    say = progress or (lambda line: None)
    say(f"opening {name}")
    encoder = open_encoder(name)
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        _write(name, encoder, part, say)
        say("comparing")
        report = _compare(name, encoder, part, out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(out)
    return report


def _write(name: str, encoder: Any, part: Path, say: Callable[[str], None]) -> None:
    if isinstance(encoder, OnnxEncoder):
        source = load_manifest(encoder.folder)
        for file in ("manifest.toml", *source.sha256):
            shutil.copyfile(source.folder / file, part / file)
        return
    if not hasattr(encoder, "onnx_graphs"):
        raise InputError(
            f"{name} cannot be exported to ONNX yet; remoteclip, georsclip, skyclip, priorclip, sarclip, "
            "smarties, open_clip and onnx encoders can"
        )
    graphs = [_Graph(**graph) for graph in encoder.onnx_graphs()]
    for graph in graphs:
        _check_size(name, graph)
    for graph in graphs:
        say(f"writing {graph.file}")
        _trace(graph, part / graph.file)
    facts = encoder.onnx_facts()
    if "text" in facts["inputs"]:
        write_tokenizer(encoder.tokenizer, part / "tokenizer.json", facts["max_tokens"])
    licence = next((row.licence for row in list_encoders() if row.name == name), "that of the weights")
    (part / "manifest.toml").write_text(_manifest(name, facts, licence, part), encoding="utf-8")


def _check_size(name: str, graph: _Graph) -> None:
    used = sum(tensor.numel() * tensor.element_size() for tensor in graph.network.parameters())
    if used > LARGEST:
        raise InputError(f"{graph.file} of {name} would take {used / 2**30:.1f} GiB; an ONNX file ends at 2 GiB")


def _trace(graph: _Graph, path: Path) -> None:
    import onnx
    import torch

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = graph.network.cpu()

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.normalize(graph.forward(*inputs).float(), dim=-1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own internals
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program: Any = torch.onnx.export(
            Wrapped().eval(),
            tuple(graph.inputs.values()),
            input_names=list(graph.inputs),
            output_names=["vectors"],
            dynamic_shapes=(tuple({0: "n"} for _ in graph.inputs),),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    onnx.save_model(program.model_proto, path)


def _manifest(name: str, facts: dict[str, Any], licence: str, folder: Path) -> str:
    files = sorted(path.name for path in folder.iterdir())
    sums = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in files}
    lines = [
        "# Written by `swath export-encoder`; every number is read back and checked by embeddings._weights.",
        f"name = {json.dumps(name)}",
        f'revision = "{hashlib.sha256("".join(sums.values()).encode()).hexdigest()[:12]}"',
        *(f"{key} = {json.dumps(value)}" for key, value in facts.items()),
        f"licence = {json.dumps(licence)}",
        "",
        "[sha256]",
        *(f'"{file}" = "{total}"' for file, total in sums.items()),
    ]
    return "\n".join(lines) + "\n"


def write_tokenizer(simple: Any, path: Path, length: int) -> None:
    """Write open_clip's tokenizer for the tokenizers library: the same ids for the same text, 0 beyond the end.

    Args:
        simple: `open_clip.SimpleTokenizer`.
        path: The tokenizer.json.
        length: Tokens to cut and to fill to.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    start, end = "<start_of_text>", "<end_of_text>"
    merges = sorted(simple.bpe_ranks, key=simple.bpe_ranks.get)
    tokenizer = Tokenizer(models.BPE(vocab=simple.encoder, merges=merges, end_of_word_suffix="</w>", unk_token=end))
    spaces = normalizers.Replace(Regex(r"\s+"), " ")
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), spaces, normalizers.Lowercase()])
    words = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")  # SimpleTokenizer.pat of open_clip
    split = pre_tokenizers.Split(words, behavior="removed", invert=True)
    letters = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, letters])
    ends = [(start, simple.encoder[start]), (end, simple.encoder[end])]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{start} $A {end}", special_tokens=ends)
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=0, pad_token=simple.decoder[0])
    tokenizer.save(str(path))


def _compare(name: str, encoder: EncodesTiles, part: Path, out: Path) -> Exported:
    again = OnnxEncoder(part)
    prepared = [(encoder.prepare(tile), again.prepare(tile)) for tile in sample_tiles(encoder)]
    if not prepared:
        raise InputError(f"{name} takes none of the generated tiles, so that the export cannot be verified")
    tiles = [_cosine(encoder.encode(a[None]), again.encode(b[None])) for a, b in prepared]
    texts = _text_cosines(encoder, again) if isinstance(encoder, EncodesText) else []
    least = min(*tiles, *texts) if texts else min(tiles)
    if not least >= LEAST_COSINE:
        raise SwathError(f"the export of {name} gives other vectors: least cosine {least:.6f}, needed {LEAST_COSINE}")
    return Exported(
        folder=out,
        encoder=name,
        bytes=sum(path.stat().st_size for path in part.iterdir()),
        tiles=len(tiles),
        tile_cosine=min(tiles),
        texts=len(texts),
        text_cosine=min(texts) if texts else None,
    )


def _text_cosines(encoder: EncodesText, again: EncodesText) -> Sequence[float]:
    pairs = zip(encoder.encode_text(SENTENCES), again.encode_text(SENTENCES), strict=True)
    return [_cosine(a[None], b[None]) for a, b in pairs]


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float((a.astype(np.float64) * b).sum(axis=1).min())
