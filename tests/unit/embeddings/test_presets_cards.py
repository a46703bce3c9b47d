"""The weights manifests, and how `swath encoders --verbose` shows them."""

import json
import re
from typing import Any

import pytest

from embeddings import EncoderCard, describe_encoders, list_encoders
from embeddings._presets import Preset, load_presets
from swath._cli import app

PRESETS = load_presets()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: str(preset.name))
def test_a_manifest_is_whole(preset: Preset) -> None:
    assert preset.dim > 0
    assert preset.url.startswith("https://")
    assert "https://" in preset.source
    assert preset.licence
    assert preset.bands
    assert preset.units
    assert set(preset.inputs) <= {"rgb", "optical", "sar", "text"}
    assert (preset.repo is None) == (preset.path is None)
    assert preset.file == preset.file.strip("/").rpartition("/")[2]
    assert all("{}" in prompt for prompt in preset.prompts)
    assert bool(preset.prompts) == ("text" in preset.inputs) == preset.prompt_source.startswith("https://")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: str(preset.name))
def test_sums_are_sums_and_unknown_ones_are_left_out(preset: Preset) -> None:
    assert preset.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", preset.sha256)
    assert (preset.bytes is None) or preset.bytes > 10**8
    assert preset.sha256 is None or preset.bytes is not None


def test_no_two_presets_share_a_name_a_place_or_a_sum() -> None:
    for key in ("name", "place", "sha256"):
        values = [getattr(preset, key) for preset in PRESETS if getattr(preset, key) is not None]
        assert len(values) == len(set(values))


def cards() -> dict[str, EncoderCard]:
    return {card.row.name: card for card in describe_encoders()}


def test_every_encoder_has_a_card() -> None:
    assert tuple(cards()) == tuple(row.name for row in list_encoders())


@pytest.mark.parametrize("name", [preset.name for preset in PRESETS])
def test_each_band_has_its_mean_and_deviation(name: str) -> None:
    card = cards()[name]
    assert len(card.bands) == len(card.mean) == len(card.std)
    assert min(card.std) > 0


def test_the_shipped_encoder_names_every_file_with_its_sum() -> None:
    card = cards()["swath-mini"]
    assert {"text.onnx", "tokenizer.json"} < {file.place.name for file in card.files}
    assert all(file.sha256 and file.bytes == file.place.stat().st_size for file in card.files)


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    app(["encoders", *arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_verbose_prints_what_is_known_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = run("--verbose", capsys=capsys).split("\n\n")
    shown = {block.splitlines()[0]: block for block in blocks}
    assert set(shown) == set(cards())
    remote, sky = shown["remoteclip:ViT-B-32"], shown["skyclip:ViT-L-14"]
    assert "605208421 bytes, sha256 60014e395d930a3f" in remote
    assert "hub: chendelong/RemoteCLIP, RemoteCLIP-ViT-B-32.pt" in remote
    assert "network: ViT-B-32-quickgelu, QuickGELU" in remote
    assert "mean: 0.48145466, 0.4578275, 0.40821073" in remote
    assert "size unknown, sha256 unknown" in sky
    assert "hub: on no hub" in sky
    assert "prompts: a satellite photo of {}. | a satellite image of {}" in sky
    assert "sentinel-1-grd VV -29.5197..-3.4569" in shown["smarties:ViT-B"]


def test_verbose_as_json_holds_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[dict[str, Any]] = json.loads(run("--verbose", "--json", capsys=capsys))
    by_name = {card["row"]["name"]: card for card in told}
    assert set(by_name) == set(cards())
    assert by_name["georsclip:ViT-L-14"]["files"][0]["sha256"].startswith("9119b7731c17")
    assert by_name["georsclip:ViT-B-32"]["files"][0]["sha256"] is None
