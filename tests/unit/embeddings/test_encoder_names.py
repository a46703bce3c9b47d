import subprocess
import sys
from pathlib import Path

import pytest

from core import InputError, UnknownNameError, WeightsNotFoundError
from embeddings import caption_terms, class_words, encoder_names, list_encoders, open_encoder
from embeddings._presets import find_preset, load_presets


@pytest.mark.parametrize("use", ["", "embeddings.list_encoders()", "import embeddings.training"])
def test_import_and_listing_bring_no_engine(use: str) -> None:
    engines = ("torch", "onnxruntime", "open_clip", "tokenizers", "onnx")
    code = f"import sys, embeddings\n{use}\nprint([name for name in {engines} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["", "swath-mega", "remote-clip:ViT-B-32"])
def test_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"swath-mini.*remoteclip:ViT-L-14.*open_clip:MODEL@WEIGHTS"):
        open_encoder(name)


def test_rows_cover_every_name_once() -> None:
    names = [row.name for row in list_encoders()]
    assert names[0] == "swath-mini"
    assert len(names) == len(set(names))
    assert tuple(names) == encoder_names()


def test_shipped_row_needs_nothing() -> None:
    row = list_encoders()[0]
    assert (row.dim, row.inputs, row.weights, row.needs) == (384, ("optical", "sar", "text"), "present", None)


def test_onnx_without_folder_shows_the_working_form() -> None:
    with pytest.raises(InputError, match="onnx:runs/swath-mini/encoder"):
        open_encoder("onnx:")


def test_onnx_with_empty_folder_names_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=str(tmp_path)):
        open_encoder(f"onnx:{tmp_path}")


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Airport", "airport"),
        ("BareLand", "bare land"),
        ("storage_tanks", "storage tanks"),
        ("DenseResidential", "dense residential"),
        ("Area51North", "area51 north"),
    ],
)
def test_class_words(label: str, words: str) -> None:
    assert class_words(label) == words


def test_caption_terms_are_words_and_pairs_without_the_empty_ones() -> None:
    found = caption_terms("Many green trees are near a swimming pool .")
    assert found == {"green", "trees", "green trees", "swimming", "pool", "swimming pool"}
    assert caption_terms("it is on the side of it .") == frozenset()


def test_presets_hold_the_families_of_the_brief() -> None:
    names = {preset.name for preset in load_presets()}
    assert {"remoteclip:ViT-B-32", "remoteclip:ViT-L-14", "remoteclip:RN50", "skyclip:ViT-L-14"} <= names
    assert any(name.startswith("georsclip:") for name in names)


def test_unknown_variant_lists_the_family() -> None:
    with pytest.raises(UnknownNameError, match=r"known: remoteclip:ViT-B-32, remoteclip:ViT-L-14, remoteclip:RN50$"):
        find_preset("remoteclip:ViT-G-14")


def test_only_georsclip_may_lack_keys() -> None:
    assert {preset.family for preset in load_presets() if preset.partial} == {"georsclip"}


def test_weights_folder_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path))
    preset = find_preset("remoteclip:RN50")
    assert preset.place == tmp_path / "remoteclip" / "RemoteCLIP-RN50.pt"
    assert not preset.present()
    preset.place.parent.mkdir()
    preset.place.touch()
    assert preset.present()
