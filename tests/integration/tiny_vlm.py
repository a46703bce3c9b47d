"""A real vision-language model behind a real OpenAI-compatible server, small enough for a test.

A random LLaVA of 146,000 parameters: a tokenizer with one token a byte, pictures of 32 x 32 pixels in 16 patches. What
it says is nonsense, but it is computed from every word and picture that arrives. Run as a script this module builds the
model and becomes the server, in one process, because importing transformers is most of the work.
"""

import importlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.integration.real import ROOT

TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% if m['content'] is string %}{{ m['content'] }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}{% endfor %}"
    "{% endif %}\n{% endfor %}assistant: "
)
"""Words and pictures in the order in which they were sent."""


@dataclass(frozen=True)
class TinyVlm:
    """A running server."""

    url: str
    model: str
    log: Path


@contextmanager
def served_vlm(folder: Path) -> Iterator[TinyVlm]:
    """Build the model in a folder and serve it until the block ends."""
    from tests.integration.served import free_port

    port, log = free_port(), folder / "serve.log"
    # Without this folder the server's list of models is an error 500.
    (folder / "hub-home" / "hub").mkdir(parents=True)
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(folder / "hub-home"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(Path(__file__)), str(folder / "tiny-vlm"), str(port)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/health", process, log)
            yield TinyVlm(url=f"http://127.0.0.1:{port}/v1", model=str(folder / "tiny-vlm"), log=log)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1_200):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"no server after two minutes:\n{log.read_text()}")


def build(folder: Path) -> None:
    """Write the model, its tokenizer and its processor into a folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    hf: Any = importlib.import_module("transformers")  # its own types are not strict
    words = ["<s>", "</s>", "<pad>", "<image>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {word: place for place, word in enumerate(words)}
    by_byte = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    by_byte.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    by_byte.decoder = decoders.ByteLevel()
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=by_byte,
        bos_token="<s>",  # noqa: S106  # a token of text
        eos_token="</s>",  # noqa: S106  # likewise
        pad_token="<pad>",  # noqa: S106  # likewise
        additional_special_tokens=["<image>"],
    )
    # With the usual small weights attention is nearly even, and a few pictures drown in a long request.
    layers: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2, "initializer_range": 0.5}
    vision = hf.CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, image_size=32, patch_size=8, projection_dim=32, **layers
    )
    text = hf.LlamaConfig(
        vocab_size=len(words), hidden_size=64, intermediate_size=128, max_position_embeddings=32_768, **layers
    )
    config = hf.LlavaConfig(
        vision_config=vision.to_dict(),
        text_config=text.to_dict(),
        image_token_id=vocabulary["<image>"],
        image_token_index=vocabulary["<image>"],
        image_seq_length=16,
        vision_feature_layer=-1,
    )
    torch.manual_seed(0)
    model = hf.LlavaForConditionalGeneration(config)
    # It would end at its first </s>, which a random model says at any time: its replies are as long as they may be.
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = vocabulary["<pad>"]
    model.save_pretrained(folder)
    pictures = hf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    hf.LlavaProcessor(
        image_processor=pictures,
        tokenizer=tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)


def without_torchvision() -> None:
    """Make transformers decode pictures with Pillow: the torchvision wheel beside a CPU torch cannot."""
    found = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name.partition(".")[0] == "torchvision" else found(name, package)

    importlib.util.find_spec = find


if __name__ == "__main__":
    without_torchvision()
    build(Path(sys.argv[1]))
    sys.argv = ["transformers", "serve", sys.argv[1], "--device", "cpu", "--host", "127.0.0.1", "--port", sys.argv[2]]
    importlib.import_module("transformers.cli.transformers").main()
