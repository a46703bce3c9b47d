"""`swath export-encoder` on small networks: the folder opens without torch and gives the original's vectors."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if any(importlib.util.find_spec(name) is None for name in ("torch", "torchvision", "open_clip", "onnx", "timm")):
    pytest.skip("exporting needs the extra 'torch'", allow_module_level=True)

from safetensors.torch import save_file  # after the skip

from core import EncodesText, InputError, SwathError, array_tile, builtin_sensors
from embeddings import _export_onnx, _smarties, export_encoder, open_encoder
from embeddings._export_onnx import write_tokenizer
from embeddings._export_samples import SENTENCES, sample_tiles
from embeddings._open_clip import import_open_clip
from embeddings._presets import find_preset
from embeddings._sarclip import SarClipEncoder
from swath._cli import app
from tests.published_networks import Clip, clip_shapes, random_state, smarties_shapes

VIT = Clip(dim=24, text=(64, 1, 2), vision=(128, 1, 2), patch=16, size=48)
MODEL = "swath-export"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    vision = {"image_size": VIT.size, "patch_size": VIT.patch, "layers": 1, "width": 128}
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1}
    config = {"embed_dim": VIT.dim, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    (folder / f"{MODEL}.json").write_text(json.dumps(config))
    import_open_clip().add_model_config(folder / f"{MODEL}.json")
    save_file(random_state(clip_shapes(VIT)), folder / "clip.safetensors")
    return folder


@pytest.fixture(scope="module")
def exported(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "clip"
    report = export_encoder(f"open_clip:{MODEL}@{weights}/clip.safetensors", out)
    assert report.tile_cosine > 0.99999
    assert report.text_cosine is not None
    assert report.text_cosine > 0.99999
    assert (report.tiles, report.texts) == (9, len(SENTENCES))
    assert report.bytes == sum(path.stat().st_size for path in out.iterdir())
    return out


def test_the_folder_gives_the_originals_vectors(exported: Path, weights: Path) -> None:
    original: Any = open_encoder(f"open_clip:{MODEL}@{weights}/clip.safetensors")
    copy: Any = open_encoder(f"onnx:{exported}")
    values = np.random.default_rng(4).uniform(0, 255, (3, 77, 91)).astype(np.float32)
    mask = np.ones((77, 91), dtype=np.bool_)
    mask[:, 80:] = False
    bands = ("red", "green", "blue")
    tile = array_tile(values, mask, sensor=builtin_sensors()["rgb"], bands=bands, name="s", collection="c", href="s")
    np.testing.assert_array_equal(original.prepare(tile), copy.prepare(tile))
    batch = np.stack([original.prepare(tile)] * 3)
    np.testing.assert_allclose(copy.encode(batch), original.encode(batch), atol=1e-5)
    np.testing.assert_allclose(copy.encode_text(SENTENCES), original.encode_text(SENTENCES), atol=1e-5)


def test_the_folder_needs_no_torch(exported: Path) -> None:
    code = (
        "import sys\nfrom embeddings import open_encoder\n"
        f"vectors = open_encoder('onnx:{exported}').encode_text(['a river'])\n"
        "print(vectors.shape, [name for name in ('torch', 'open_clip', 'onnx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 24) []"


def test_tokens_are_those_of_open_clip(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    simple = import_open_clip().get_tokenizer(MODEL) if MODEL in import_open_clip().list_models() else None
    simple = simple or import_open_clip().SimpleTokenizer()
    write_tokenizer(simple, tmp_path / "tokenizer.json", 77)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = (
        *SENTENCES,
        "",
        "  several\tspaces \n and lines ",
        "It's the farmer's field; they're ploughing, I'd say we've 3.5 ha at 47°N",
        "Flughäfen in München, été, 港口, ÅNGSTRÖM",
        "CamelCase ALLCAPS x2 10m GSD (2021-08-06)... #tag @home 50% off!!!",
    )
    for text in texts:
        assert tokenizer.encode(text).ids == simple([text])[0].tolist(), text


def test_exporting_a_folder_copies_it(tmp_path: Path) -> None:
    report = export_encoder("swath-mini", tmp_path / "copy")
    assert report.tile_cosine == pytest.approx(1.0, abs=1e-6)
    original: Any = open_encoder("swath-mini")
    copy: Any = open_encoder(f"onnx:{tmp_path}/copy")
    np.testing.assert_array_equal(copy.encode_text(["river"]), original.encode_text(["river"]))


def test_smarties_keeps_its_sensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_WEIGHTS_DIR", str(tmp_path))
    monkeypatch.setitem(_smarties.SIZES, "ViT-B-16", (48, 1, 3))
    place = find_preset("smarties:ViT-B").place
    place.parent.mkdir(parents=True)
    save_file(random_state(smarties_shapes(48, 1)), place)
    report = export_encoder("smarties:ViT-B", tmp_path / "out")
    assert report.tile_cosine > 0.99999
    assert (report.texts, report.text_cosine) == (0, None)
    original, copy = open_encoder("smarties:ViT-B"), open_encoder(f"onnx:{tmp_path}/out")
    tiles = list(sample_tiles(original))
    assert {tile.sensor.name for tile in tiles} == {"rgb", "sentinel-2-l2a", "sentinel-1-grd"}
    for tile in tiles:
        prepared = original.prepare(tile)
        np.testing.assert_array_equal(prepared, copy.prepare(tile))
        np.testing.assert_allclose(copy.encode(prepared[None]), original.encode(prepared[None]), atol=1e-5)
    assert isinstance(copy, EncodesText)
    with pytest.raises(InputError, match="has no text network"):
        copy.encode_text(["river"])


def test_sarclip_keeps_its_planes(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = SarClipEncoder(name="sarclip:ViT-B-32", model=MODEL, weights=weights / "clip.safetensors")
    monkeypatch.setattr(_export_onnx, "open_encoder", lambda name: encoder)
    report = export_encoder("sarclip:ViT-B-32", tmp_path / "out")
    assert report.tiles == 3
    assert report.tile_cosine > 0.99999
    copy = open_encoder(f"onnx:{tmp_path}/out")
    tile = next(iter(sample_tiles(encoder)))
    np.testing.assert_array_equal(encoder.prepare(tile), copy.prepare(tile))
    with pytest.raises(InputError, match=r"arrays must be \(n, 3, 48, 48\) float32, got \(1, 48, 48, 3\) uint8"):
        copy.encode(np.zeros((1, 48, 48, 3), dtype=np.uint8))


def test_a_folder_that_exists_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        export_encoder("swath-mini", tmp_path)


def test_an_export_with_other_vectors_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_export_onnx, "_cosine", lambda a, b: 0.9989)
    with pytest.raises(SwathError, match=r"other vectors: least cosine 0.998900, needed 0.999"):
        export_encoder("swath-mini", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_graphs_beyond_the_limit_of_the_format_are_refused(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_export_onnx, "LARGEST", 10**6)
    with pytest.raises(InputError, match="an ONNX file ends at 2 GiB"):
        export_encoder(f"open_clip:{MODEL}@{weights}/clip.safetensors", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_command_prints_the_cosines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app(["export-encoder", "swath-mini", str(tmp_path / "out")], standalone_mode=False)
    printed = capsys.readouterr().out
    cosines = re.search(r"generated tiles ([0-9.]+), of 6 sentences ([0-9.]+)", printed)
    assert cosines is not None
    assert min(map(float, cosines.groups())) > 0.99999
    assert f"open it as onnx:{tmp_path}/out" in printed
    app(["export-encoder", "swath-mini", str(tmp_path / "again"), "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["tile_cosine"] == pytest.approx(1.0, abs=1e-6)
