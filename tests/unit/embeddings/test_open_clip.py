"""open_clip encoders on a small model with random weights under open_clip's own key names."""

import importlib.util
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "open_clip", "safetensors")):
    pytest.skip("open_clip encoders need the extra 'torch'", allow_module_level=True)

import torch  # after the skip
from safetensors.torch import load_file, save_file

from core import ConfigError, InputError, WeightsNotFoundError
from embeddings import _torch_weights, open_encoder
from embeddings._open_clip import import_open_clip
from embeddings._presets import Preset, load_presets

TINY = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def open_clip(tmp_path_factory: pytest.TempPathFactory) -> Any:
    module = import_open_clip()
    folder = tmp_path_factory.mktemp("configs")
    (folder / "swath-tiny.json").write_text(json.dumps(TINY))
    module.add_model_config(folder)
    return module


@pytest.fixture(scope="module")
def state(open_clip: Any) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    network = open_clip.create_model("swath-tiny", pretrained=None, load_weights=False)
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.fixture(autouse=True)
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path / "weights"))

    def unreachable(repo: str, path: str, place: Path) -> Path:
        raise OSError(f"no network for {repo}")

    monkeypatch.setattr(_torch_weights, "_from_hub", unreachable)
    return tmp_path / "weights"


def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3)).astype(np.uint8)


def test_local_safetensors(state: dict[str, torch.Tensor], open_clip: Any, tmp_path: Path) -> None:
    save_file(state, tmp_path / "tiny.safetensors")
    encoder = open_encoder(f"open_clip:swath-tiny@{tmp_path}/tiny.safetensors")
    assert encoder.space.dim == 24
    network = open_clip.create_model("swath-tiny", pretrained=None, load_weights=False).eval()
    network.load_state_dict(state)
    statistics = open_clip.get_model_preprocess_cfg(network)
    mean, std = (torch.tensor(statistics[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.inference_mode():
        x = (torch.from_numpy(pictures()).permute(0, 3, 1, 2).float() / 255 - mean) / std
        by_picture = network.encode_image(x, normalize=True).numpy()
        by_text = network.encode_text(open_clip.get_tokenizer("swath-tiny")(["a river"]), normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode(pictures()), by_picture, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_text(["a river"]), by_text, atol=1e-5)  # type: ignore[attr-defined]


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin"])
def test_wrapped_pickle_is_converted_once(state: dict[str, torch.Tensor], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tiny{suffix}"
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}, path)
    first = open_encoder(f"open_clip:swath-tiny@{path}")
    converted = tmp_path / "tiny.safetensors"
    assert set(load_file(converted)) == set(state)
    written = converted.stat().st_mtime_ns
    again = open_encoder(f"open_clip:swath-tiny@{path}")
    assert converted.stat().st_mtime_ns == written
    assert first.space == again.space
    np.testing.assert_array_equal(first.encode(pictures()), again.encode(pictures()))


class Rigged:
    def __reduce__(self) -> Any:
        return print, ("this must never run",)


def test_a_pickle_with_code_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"state_dict": Rigged()}, tmp_path / "rigged.pt")
    with pytest.raises(ConfigError, match="holds more than tensors and is not loaded"):
        open_encoder(f"open_clip:swath-tiny@{tmp_path}/rigged.pt")
    assert "never run" not in capsys.readouterr().out


def test_damaged_files_are_named(tmp_path: Path) -> None:
    for name in ("cut.pt", "cut.safetensors"):
        (tmp_path / name).write_bytes(b"\x80\x04 not weights")
        with pytest.raises(ConfigError, match=name):
            open_encoder(f"open_clip:swath-tiny@{tmp_path}/{name}")
        (tmp_path / name).unlink()


def test_missing_and_unknown_keys_are_named(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    wrong = {name: value for name, value in state.items() if name != "text_projection"} | {"adapter": torch.ones(2)}
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(ConfigError, match="missing keys text_projection; unknown keys adapter"):
        open_encoder(f"open_clip:swath-tiny@{tmp_path}/wrong.safetensors")


def test_wrong_shapes_are_named(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(state | {"text_projection": torch.ones(3, 3)}, tmp_path / "wrong.safetensors")
    with pytest.raises(ConfigError, match=r"does not fit swath-tiny: text_projection is \(3, 3\), expected \(32, 24\)"):
        open_encoder(f"open_clip:swath-tiny@{tmp_path}/wrong.safetensors")


def tiny_preset(family: str, *, partial: bool) -> Preset:
    return Preset(
        family=family,
        variant="tiny",
        model="swath-tiny",
        dim=24,
        file="tiny.pt",
        url="https://example.org/tiny",
        licence="none",
        source="https://example.org",
        repo="example/tiny",
        path="ckpt/tiny.pt",
        partial=partial,
    )


@pytest.mark.parametrize(
    ("partial", "dropped", "fails"),
    [(True, "logit_scale", False), (False, "logit_scale", True), (True, "visual.proj", True)],
)
def test_partial_presets_may_lack_only_harmless_keys(
    state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch, partial: bool, dropped: str, fails: bool
) -> None:
    preset = tiny_preset("georsclip", partial=partial)
    monkeypatch.setattr("embeddings._open_clip.find_preset", lambda name: preset)
    preset.place.parent.mkdir(parents=True)
    torch.save({name: value for name, value in state.items() if name != dropped}, preset.place)
    if fails:
        with pytest.raises(ConfigError, match=f"missing keys {dropped}"):
            open_encoder("georsclip:tiny")
    else:
        assert open_encoder("georsclip:tiny").space.encoder == "georsclip:tiny"


def test_another_file_than_the_published_one_is_refused(
    state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch, weights_folder: Path
) -> None:
    place = weights_folder / "remoteclip" / "RemoteCLIP-RN50.pt"
    place.parent.mkdir(parents=True)
    torch.save(state, place)
    with pytest.raises(WeightsNotFoundError, match=r"is not the published RemoteCLIP-RN50.pt: sha256 .* 11657d33a87f"):
        open_encoder("remoteclip:RN50")


@pytest.mark.parametrize("name", ["remoteclip:ViT-B-32", "georsclip:ViT-B-32"])
def test_unreachable_hub_names_file_and_place(name: str, weights_folder: Path) -> None:
    preset = next(preset for preset in load_presets() if preset.name == name)
    with pytest.raises(WeightsNotFoundError) as caught:
        open_encoder(name)
    assert "no network" in str(caught.value)
    assert preset.url in str(caught.value)
    assert str(weights_folder / preset.family / preset.file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_on_no_hub_say_what_to_unpack(weights_folder: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=r"unpack https://.*SkyCLIP_ViT_L14_top50pct\.zip") as caught:
        open_encoder("skyclip:ViT-L-14")
    assert str(weights_folder / "skyclip" / "SkyCLIP_ViT_L14_top50pct.pt") in str(caught.value)


def test_hub_repository_names_file_and_place(weights_folder: Path) -> None:
    with pytest.raises(WeightsNotFoundError) as caught:
        open_encoder("open_clip:swath-tiny@someone/their-clip")
    place = weights_folder / "open_clip" / "someone--their-clip" / "open_clip_model.safetensors"
    assert f"place it at {place}" in str(caught.value)


def test_missing_local_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsNotFoundError, match=str(tmp_path / "gone.safetensors")):
        open_encoder(f"open_clip:swath-tiny@{tmp_path}/gone.safetensors")


@pytest.mark.parametrize("name", ["open_clip:", "open_clip:ViT-B-32", "open_clip:@x.pt", "open_clip:ViT-B-32@"])
def test_half_a_name_shows_a_whole_one(name: str) -> None:
    with pytest.raises(InputError, match="must be open_clip:MODEL@WEIGHTS, for example"):
        open_encoder(name)


def test_unknown_model_and_unknown_tag_list_what_there_is() -> None:
    with pytest.raises(ConfigError, match="ViT-B-32"):
        open_encoder("open_clip:ViT-B-33@x/y")
    with pytest.raises(InputError, match="laion2b_s34b_b79k"):
        open_encoder("open_clip:ViT-B-32@laion9b")


OF_OPEN_CLIP = [
    preset for preset in load_presets() if preset.family not in {"priorclip", "smarties", "closp", "geoclosp"}
]


@pytest.mark.parametrize("preset", OF_OPEN_CLIP, ids=lambda preset: str(preset.name))
def test_presets_agree_with_open_clip(preset: Preset, open_clip: Any) -> None:
    config = open_clip.get_model_config(preset.model)
    assert config["embed_dim"] == preset.dim
    assert bool(config.get("quick_gelu", False)) == (preset.activation == "QuickGELU")
    if preset.family != "sarclip":
        assert config["vision_cfg"]["image_size"] == preset.size
        assert preset.mean == open_clip.constants.OPENAI_DATASET_MEAN
        assert preset.std == open_clip.constants.OPENAI_DATASET_STD


def test_weights_that_started_from_openai_have_its_activation() -> None:
    """The others started from LAION-2B, or were trained with the plain configurations."""
    quick = {preset.name for preset in load_presets() if preset.activation == "QuickGELU"}
    remote = {"remoteclip:ViT-B-32", "remoteclip:ViT-L-14", "remoteclip:RN50"}
    geo = {"georsclip:ViT-B-32", "georsclip:ViT-L-14", "georsclip:ViT-L-14-336"}
    assert quick == remote | geo | {"skyclip:ViT-L-14"}


def test_activation_changes_vectors(state: dict[str, torch.Tensor], open_clip: Any, tmp_path: Path) -> None:
    """The trap itself: the same weights under the other activation load without a word and answer otherwise."""
    (tmp_path / "swath-tiny-gelu.json").write_text(json.dumps(TINY | {"quick_gelu": False}))
    open_clip.add_model_config(tmp_path / "swath-tiny-gelu.json")
    strong = {name: value * (10.0 if "c_fc" in name else 1.0) for name, value in state.items()}
    save_file(strong, tmp_path / "tiny.safetensors")
    quick, plain = (
        open_encoder(f"open_clip:{model}@{tmp_path}/tiny.safetensors") for model in ("swath-tiny", "swath-tiny-gelu")
    )
    assert np.abs(quick.encode(pictures()) - plain.encode(pictures())).max() > 1e-4


def test_travels_between_processes(state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(state, tmp_path / "tiny.safetensors")
    encoder = open_encoder(f"open_clip:swath-tiny@{tmp_path}/tiny.safetensors")
    copy = pickle.loads(pickle.dumps(encoder))  # noqa: S301  # our own bytes
    np.testing.assert_array_equal(copy.encode(pictures()), encoder.encode(pictures()))
