"""Short queries are worded as each family of encoders was trained or published with; sentences are left alone."""

import tomllib
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from core import InputError, VectorSpace
from embeddings import check_templates, encode_prompted, is_phrase, list_encoders, prompt_style
from embeddings._prompts import TABLE, worded


class Listed:
    """Encodes the texts it knows as the vectors it was given."""

    def __init__(self, encoder: str, vectors: dict[str, tuple[float, float]]) -> None:
        self.space = VectorSpace(encoder=encoder, revision="1", dim=2)
        self._vectors = vectors

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self._vectors[text] for text in texts], np.float32).reshape(-1, 2)


@pytest.mark.parametrize(
    "text", ["river", "storage tanks", "a harbour with ships", "Sparse Residential", "flooded road"]
)
def test_short_noun_phrases_are_phrases(text: str) -> None:
    assert is_phrase(text)


@pytest.mark.parametrize(
    "text",
    [
        "many green trees are near a river",
        "a satellite image of a river",
        "where is the harbour",
        "ships. harbour.",
        "a harbour with ships beside a town",
    ],
)
def test_sentences_are_not(text: str) -> None:
    assert not is_phrase(text)


def test_a_phrase_becomes_the_normalised_mean_of_its_templates() -> None:
    encoder = Listed(
        "skyclip:ViT-B-32", {"a satellite photo of river.": (1.0, 0.0), "a satellite image of river": (0.0, 1.0)}
    )
    found = encode_prompted(encoder, ["a river"])
    assert found.prompts == (("a satellite photo of river.", "a satellite image of river"),)
    np.testing.assert_allclose(found.vectors, [[0.5**0.5, 0.5**0.5]], rtol=1e-6)


def test_a_sentence_and_a_text_without_prompts_are_encoded_as_typed() -> None:
    sentence = "many ships are in the harbour"
    encoder = Listed("skyclip:ViT-B-32", {sentence: (0.6, 0.8), "river": (0.0, 1.0)})
    np.testing.assert_allclose(encode_prompted(encoder, [sentence]).vectors, [[0.6, 0.8]], rtol=1e-6)
    assert encode_prompted(encoder, ["river"], prompts="off").prompts == (("river",),)


def test_ones_own_templates_take_any_text() -> None:
    assert worded("the river", prompt_style("skyclip:X"), ("{}", "seen from above: {}")) == (
        "the river",
        "seen from above: river",
    )


def test_texts_of_several_prompts_do_not_mix() -> None:
    encoder = Listed("other", {"a": (1.0, 0.0), "b": (0.0, 1.0)})
    np.testing.assert_allclose(encode_prompted(encoder, ["a", "b"]).vectors, [[1, 0], [0, 1]], atol=1e-6)
    assert encode_prompted(encoder, []).vectors.shape == (0, 2)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Trees, Flooded Area", "trees. flooded area"),
        ("Water", "water"),
        ("Beaches; dunes", "beaches. dunes"),
        (
            "Land principally occupied by agriculture, with significant areas of natural vegetation",
            "land principally occupied by agriculture, with significant areas of natural vegetation",
        ),
    ],
)
def test_closp_gets_labels_as_in_its_training(text: str, wanted: str) -> None:
    assert worded(text, prompt_style("closp:rn")) == (wanted,)
    assert worded(text, prompt_style("geoclosp:rn")) == (wanted,)


def test_georsclip_publishes_105_sentences_of_which_a_search_takes_nine() -> None:
    style = prompt_style("georsclip:ViT-B-32")
    assert len(style.templates) == 9
    assert len(set(style.published)) == 105
    assert set(style.templates) <= set(style.published)
    assert {"a jpeg corrupted aerial image of the {}.", "a remote sensing image of a hard to see {}."} <= set(
        style.published
    )


def test_an_encoder_without_a_row_gets_the_words_as_typed() -> None:
    assert worded("River", prompt_style("onnx:/somewhere")) == ("River",)


def test_every_row_of_the_table_is_in_order_and_says_where_it_comes_from() -> None:
    for family, row in tomllib.loads(TABLE.read_text()).items():
        check_templates(row["templates"])
        assert row["source"], family


def test_every_published_preset_has_a_row() -> None:
    families = {row.name.partition(":")[0] for row in list_encoders()} & {
        "swath-mini",
        "remoteclip",
        "georsclip",
        "skyclip",
    }
    assert families
    assert {prompt_style(family).family for family in families} == families


@pytest.mark.parametrize("templates", [(), ("river",), ("{} and {}",), "a photo of {}", ("{}",) * 201])
def test_wrong_templates_say_what_would_work(templates: Sequence[str]) -> None:
    with pytest.raises(InputError, match="such as 'a satellite image of"):
        check_templates(templates)
