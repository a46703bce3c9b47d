"""Sentence vectors: the text tower before its trained map, for comparing texts with texts."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from core import EncodesSentences, InputError
from embeddings import OnnxEncoder, open_encoder
from embeddings._sentence_output import add_sentence_output
from embeddings._weights import SHIPPED

TEXTS = [
    "a shallow steppe lake on the border",
    "Which water body lies between two countries?",
    "an airport with a runway",
]


@pytest.fixture(scope="module")
def mini() -> EncodesSentences:
    encoder = open_encoder("swath-mini")
    assert isinstance(encoder, EncodesSentences)
    return encoder


def test_sentences_are_unit_vectors_in_a_space_of_their_own(mini: OnnxEncoder) -> None:
    vectors = mini.encode_sentences(TEXTS)
    assert mini.sentence_space is not None
    assert mini.sentence_space != mini.space
    assert vectors.shape == (3, mini.sentence_space.dim)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(vectors, mini.encode_text(TEXTS), atol=0.05)


def test_sentences_tell_a_paraphrase_from_another_matter(mini: EncodesSentences) -> None:
    lake, asked, airport = mini.encode_sentences(TEXTS)
    assert lake @ asked > airport @ asked + 0.2


def test_tokens_are_counted_beyond_the_limit_too(mini: EncodesSentences) -> None:
    short, long = mini.count_tokens(["a river", "river " * 500])
    assert short == 4  # two words and the two tokens that frame them
    assert long == 502 > mini.max_tokens


def test_folder_without_sentence_output_says_so(tmp_path: Path) -> None:
    for file in (SHIPPED / "swath-mini").iterdir():
        (tmp_path / file.name).symlink_to(file)
    manifest = (tmp_path / "manifest.toml").read_text().replace("sentences = true\n", "")
    (tmp_path / "manifest.toml").unlink()
    (tmp_path / "manifest.toml").write_text(manifest)
    encoder = OnnxEncoder(tmp_path)
    assert encoder.sentence_space is None
    with pytest.raises(InputError, match="gives no sentence vectors; use encode_text"):
        encoder.encode_sentences(["a river"])


def test_network_without_a_trained_map_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 2])
    out = onnx.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, ["n", 2])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["vectors"])], "g", [value], [out])
    onnx.save_model(onnx.helper.make_model(graph), path)
    with pytest.raises(ValueError, match="one trained map was expected"):
        add_sentence_output(path)
