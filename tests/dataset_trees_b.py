"""Small synthetic datasets in the layouts their publishers use, for part of the adapters. No pixel is real."""

from __future__ import annotations

import io
import json
import tarfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

SIDE = 16
"""Pixels of a side; 264 in SSL4EO-S12, 256 or more elsewhere."""

ENMAP_BANDS = 202
S2_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
_UTM = {"crs": "EPSG:32630", "transform": Affine(10, 0, 400_000, 0, -10, 4_600_000)}
_SECOND_BUILDING, _SECOND_LOW, _SECOND_NONE = (128, 0, 0), (0, 128, 0), (255, 255, 255)


def noise(seed: int, *shape: int) -> NDArray[np.uint8]:
    """Return reproducible 8-bit noise."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def picture(path: Path, seed: int = 0, *, gray: bool = False, value: NDArray[np.uint8] | None = None) -> None:
    """Write a picture of noise, or of the given (h, w) or (h, w, 3) values, in the format of its ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = noise(seed, SIDE, SIDE) if gray else noise(seed, SIDE, SIDE, 3)
    Image.fromarray(made if value is None else value).save(path)


def raster(path: Path, pixels: NDArray[Any], **profile: Any) -> None:
    """Write (bands, h, w) pixels as a GeoTIFF in UTM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=pixels.dtype, **{**_UTM, **profile}
    ) as dataset:
        dataset.write(pixels)


def document(path: Path, content: Any) -> None:
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def half(value: int = 255) -> NDArray[np.uint8]:
    """Return a (h, w) mask whose left half is `value`."""
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    mask[:, : SIDE // 2] = value
    return mask


def ombria(root: Path) -> None:
    """Sites 1 and 2 (one scene) for training and 18 (the next scene) for testing; half of each is flooded."""
    for split, site in (("train", 1), ("train", 2), ("test", 18)):
        for sensor in ("s1", "s2"):
            for when in ("before", "after"):
                file = f"{sensor.upper()}_{when}_{site:04d}.jpg"
                picture(root / split / sensor / when / file, site, gray=sensor == "s1")
            path = root / split / sensor / "mask" / f"{sensor.upper()}_mask_{site:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(half()).convert("1").save(path)


def rsvqa(root: Path) -> None:
    """One picture a split in LR, two of one aerial tile in HR's test split; inactive rows as published."""
    parts = (
        ("RSVQA-LR", "LR", "Images_LR", {"train": [72], "test": [236]}),
        ("RSVQA-HR", "USGS", "Images/Data", {"test": [2387, 2402], "test_phili": [10212]}),
    )
    for folder, prefix, pictures, splits in parts:
        for split, images in splits.items():
            _rsvqa_tables(root / folder / f"{prefix}_split_{split}", images)
            for image in images:
                raster(root / folder / pictures / f"{image}.tif", noise(image, 3, SIDE, SIDE), photometric="RGB")


def _rsvqa_tables(prefix: Path, images: list[int]) -> None:
    asked = [(10 * image + number, image) for image in images for number in range(2)]
    rows = {
        "images": [
            {"id": 0, "active": False},
            *(
                {
                    "id": image,
                    "original_name": f"tile_{image // 1000}_{512 * place}-0.tif",
                    "res_x": "10m",
                    "active": True,
                }
                for place, image in enumerate(images)
            ),
        ],
        "questions": [
            {"id": 1, "active": False},
            *(
                {
                    "id": number,
                    "img_id": image,
                    "type": "presence",
                    "question": f"Is there water in {image}?",
                    "active": True,
                }
                for number, image in asked
            ),
        ],
        "answers": [
            {"id": 1, "active": False},
            *({"id": number, "question_id": number, "answer": "yes", "active": True} for number, _ in asked),
        ],
    }
    for kind, content in rows.items():
        document(prefix.with_name(f"{prefix.name}_{kind}.json"), {kind: content})


def naip(root: Path) -> None:
    """One quadrangle in two years and another one; the second name ends in a date of delivery."""
    for seed, file in enumerate(
        ("m_4709963_se_14_1_20090818", "m_4709963_se_14_060_20180716_20190101", "m_4709963_sw_14_h_20160816")
    ):
        raster(root / "scenes" / f"{file}.tif", noise(seed, 4, SIDE, SIDE))


def sen1floods11(root: Path) -> None:
    """Two chips of one flood and one of another; the second of the first flood is on no list."""
    random = np.random.default_rng(0)
    for chip in ("Ghana_1", "Ghana_2", "Sri-Lanka_7"):
        raster(root / f"S1Hand/{chip}_S1Hand.tif", random.normal(-12, 3, (2, SIDE, SIDE)).astype(np.float32))
        raster(root / f"S2Hand/{chip}_S2Hand.tif", random.integers(200, 3000, (13, SIDE, SIDE)).astype(np.int16))
        raster(root / f"LabelHand/{chip}_LabelHand.tif", random.integers(-1, 2, (1, SIDE, SIDE)).astype(np.int16))
    for part, chip in (("train", "Ghana_1"), ("valid", "Sri-Lanka_7")):
        text = f"{chip}_S1Hand.tif,{chip}_LabelHand.tif\n"
        (root / f"flood_{part}_data.csv").write_text(text, encoding="utf-8")


def levir_cc(root: Path) -> None:
    """Three pairs with two sentences each; the first has a mask as in LEVIR-MCI."""
    rows: list[dict[str, Any]] = []
    for split, flag in (("train", 1), ("val", 0), ("test", 1)):
        file = f"{split}_000001.png"
        _pair(root / "images" / split, ("A", "B"), file)
        raws = [" a road is built .", " a house appears next to the road ."]
        rows.append(
            {
                "filepath": split,
                "filename": file,
                "imgid": len(rows),
                "split": split,
                "changeflag": flag,
                "sentences": [{"raw": raw, "tokens": raw.split(), "sentid": number} for number, raw in enumerate(raws)],
            }
        )
    picture(root / "images/train/label/train_000001.png", value=half())
    document(root / "LevirCCcaptions.json", {"images": rows, "dataset": "LEVIR-CC"})


def forest_change(root: Path) -> None:
    """Two pairs with masks."""
    rows: list[dict[str, Any]] = []
    for split in ("train", "test"):
        file = f"{split}_000001.png"
        _pair(root / "images" / split, ("A", "B"), file)
        picture(root / "images" / split / "label" / file, value=half())
        raw = "forest loss in small patches on the left"
        rows.append(
            {"filename": file, "filepath": split, "split": split, "sentences": [{"raw": raw, "tokens": raw.split()}]}
        )
    document(root / "ForestChatcaptions.json", {"images": rows})


def _pair(folder: Path, parts: tuple[str, str], file: str) -> None:
    for seed, part in enumerate(parts):
        picture(folder / part / file, seed)


def levir_cd(root: Path) -> None:
    """One pair a split; the left half changed."""
    for split in ("train", "val", "test"):
        file = f"{split}_1.png"
        _pair(root / split, ("A", "B"), file)
        picture(root / split / "label" / file, value=half())


def s2looking(root: Path) -> None:
    """One pair a split; the left half changed."""
    for split in ("train", "val", "test"):
        _pair(root / split, ("Image1", "Image2"), "1.png")
        picture(root / split / "label" / "1.png", value=half())


def second(root: Path) -> None:
    """Low vegetation becomes building in the left half of the training pair; the test pair has no labels."""
    for split in ("train", "test"):
        _pair(root / split, ("im1", "im2"), "00003.png")
    for part, colour in (("label1", _SECOND_LOW), ("label2", _SECOND_BUILDING)):
        label = np.full((SIDE, SIDE, 3), _SECOND_NONE, dtype=np.uint8)
        label[:, : SIDE // 2] = colour
        picture(root / "train" / part / "00003.png", value=label)


def disasterm3(root: Path) -> None:
    """A pair with four rows and a mask, a pair whose later picture is SAR, and a single picture with boxes."""
    instruct, bench = root / "DisasterM3_Instruct", root / "DisasterM3_Bench"
    for number in ("00000029", "00000030"):
        for seed, when in enumerate(("pre", "post")):
            picture(instruct / "train_images" / f"hurricane_florence_{number}_{when}_disaster.png", seed)
    picture(instruct / "box_train_images" / "relation_00000001.png", 5)
    picture(instruct / "masks" / "flooding_mask" / "hurricane_florence_00000029.png", value=half())
    first, radar = (_disaster_pair("train_images", f"hurricane_florence_{n}") for n in ("00000029", "00000030"))
    document(
        instruct / "train_release.json",
        [
            {**first, "prompts": "What disaster?", "ground_truth": "flooding", "task": "Disaster Type Recognition"},
            {**first, "prompts": "How many?", "ground_truth": 3, "task": "Building Damage Counting"},
            {
                **first,
                "prompts": ["Describe."],
                "ground_truth": "DISASTER: Flood\nROAD: cut.",
                "task": "disaster caption",
            },
            {
                **first,
                "prompts": "Outline the flood.",
                "ground_truth": "masks\\flooding_mask\\hurricane_florence_00000029.png",
                "task": "Referring Expression Segmentation",
            },
            {
                **radar,
                "post_image_type": "SAR",
                "prompts": "What is seen?",
                "ground_truth": "roads",
                "training_answer": "Roads are seen.",
                "task": "Disaster Bearing Bodies Recognition",
            },
            {
                "image_path": "train_images\\box_train_images\\relation_00000001.png",
                "prompts": "Where is object 1?",
                "ground_truth": "left of object 2",
                "task": "relational reasoning",
            },
        ],
    )
    for seed, when in enumerate(("pre", "post")):
        picture(bench / "test_images" / f"lombok_earthquake_00000001_{when}_disaster.png", seed)
    document(
        bench / "benchmark_release.json",
        [
            {
                **_disaster_pair("test_images", "lombok_earthquake_00000001"),
                "prompts": "Which disaster?",
                "options_list": ["flood", "earthquake"],
                "options_str": "A. flood B. earthquake",
                "ground_truth": "earthquake",
                "ground_truth_option": "B",
                "task": "Disaster Type Recognition",
            }
        ],
    )


def _disaster_pair(folder: str, stem: str) -> dict[str, str]:
    paths = {when: f"{folder}\\{stem}_{when}_disaster.png" for when in ("pre", "post")}
    return {f"{when}_image_path": path for when, path in paths.items()} | {"post_image_type": "Optical"}


def chatearthnet(root: Path) -> None:
    """Two images; the first is described by both writers. All nine bands are there."""
    names = ("19920_0.png", "19920_1.png")
    for name in names:
        for seed, folder in enumerate(("s2_rgb_images/s2_images", "s2_band_5_6_7_images", "s2_band_8_11_12_images")):
            picture(root / folder / name, seed)
    text = "The image shows crop fields beside a river."
    document(
        root / "json_files/ChatEarthNet_caps_35_train.json",
        [{"image_id": names[0], "caption": text}, {"image_id": names[1], "caption": [text, "Trees stand at the top."]}],
    )
    document(root / "json_files/ChatEarthNet_caps_4v_train.json", [{"image": names[0], "caption": text}])
    document(root / "json_files/ChatEarthNet_caps_35_test.json", [{"image_id": names[1], "caption": text}])


def spectralearth(root: Path) -> None:
    """Two locations, the first at two dates, without split files."""
    for seed, place in enumerate(("0350205/09708", "0350205/09712", "0159153/02852")):
        raster(root / "enmap" / f"{place}.tif", _enmap(seed), nodata=-32768)


def spectralearth_nlcd(root: Path) -> None:
    """The land-cover task: one patch a split with its mask."""
    for seed, (split, place) in enumerate({"train": "0350205/09708.tif", "test": "0159153/02852.tif"}.items()):
        raster(root / "enmap" / place, _enmap(seed), nodata=-32768)
        raster(root / "nlcd" / place, half(41)[None])
        listing = root / "splits/enmap_nlcd" / f"{split}.txt"
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text(f"{place}\n", encoding="utf-8")


def _enmap(seed: int) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(1, 8000, (ENMAP_BANDS, SIDE, SIDE)).astype(np.int16)


S2_DATES = ("20200604T054639_20200604T054831_T43RCP", "20200902T054639_20200902T054831_T43RCP")
S1_DATES = (
    "S1A_IW_GRDH_1SDV_20200607T010800_20200607T010825_032903_03CFB0_ABCD",
    "S1A_IW_GRDH_1SDV_20200905T010800_20200905T010825_034216_03F9A1_1234",
)


def ssl4eo(root: Path) -> None:
    """v1.0: one place, two seasons, all three products; the coarser bands have fewer pixels."""
    random = np.random.default_rng(0)
    for number, (s2, s1) in enumerate(zip(S2_DATES, S1_DATES, strict=True)):
        for product in ("s2c", "s2a"):
            for band in S2_BANDS:
                if (product, band) != ("s2a", "B10"):
                    side = SIDE if band in ("B2", "B3", "B4", "B8") else SIDE // 2
                    spacing = {"transform": Affine(160 / side, 0, 400_000, 0, -160 / side, 4_600_000)}
                    pixels = random.integers(1, 5000, (1, side, side)).astype(np.uint16)
                    raster(root / product / "0000000" / s2 / f"{band}.tif", pixels, **spacing)
        for band in ("VV", "VH"):
            decibels = (random.normal(-12, 3, (1, SIDE, SIDE)) - number).astype(np.float32)
            raster(root / "s1" / "0000000" / s1 / f"{band}.tif", decibels)


ZARR_PLACES = ("0080717", "0060573")
_TIMES = np.array(["2020-11-16T02:30:01", "2021-02-16T02:30:01"], dtype="datetime64[ns]").astype(np.int64)


def ssl4eo_zarr(root: Path) -> None:
    """v1.1 as zips: two places, two seasons, L2A and S1."""
    for key, bands in (("S2L2A", 12), ("S1GRD", 2)):
        arrays = _zarr_bands(bands, len(ZARR_PLACES))
        path = root / "train" / key / "ssl4eos12_train_seasonal_data_000001.zarr.zip"
        path.parent.mkdir(parents=True)
        _zarr_zip(
            path,
            {
                "bands": arrays,
                "sample": np.array(ZARR_PLACES),
                "center_lon": np.array([125.6, 121.4]),
                "center_lat": np.array([42.66, -30.64]),
                "time_": np.stack([_TIMES, _TIMES]),
            },
        )


def ssl4eo_tar(root: Path) -> None:
    """v1.1 as tars: two places, four seasons, L2A and S1."""
    for key, bands in (("S2L2A", 12), ("S1GRD", 2)):
        arrays = np.concatenate([_zarr_bands(bands, 2)] * 2, axis=1)
        path = root / "val" / key / "ssl4eos12_shard_000001.tar"
        path.parent.mkdir(parents=True)
        with tarfile.open(path, "w") as archive:
            for place, pixels in zip(ZARR_PLACES, arrays, strict=True):
                inner = path.with_name(f"{place}.zarr.zip")
                times = np.concatenate([_TIMES, _TIMES])
                _zarr_zip(
                    inner, {"bands": pixels, "center_lon": np.array(12.5), "center_lat": np.array(42.0), "time": times}
                )
                content = inner.read_bytes()
                inner.unlink()
                member = tarfile.TarInfo(inner.name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def _zarr_bands(bands: int, places: int) -> NDArray[Any]:
    random = np.random.default_rng(bands)
    if bands == 2:
        return random.normal(-14, 3, (places, 2, bands, SIDE, SIDE)).astype(np.float16)
    return random.integers(1000, 6000, (places, 2, bands, SIDE, SIDE)).astype(np.int16)


def _zarr_zip(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    import zarr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the zip holds its attributes twice, as those of xarray do
        store = zarr.storage.ZipStore(path, mode="w")
        group = zarr.open_group(store, mode="w", zarr_format=2)
        for name, values in arrays.items():
            group.create_array(name, data=values, chunks=values.shape or "auto")
        zarr.consolidate_metadata(store, zarr_format=2)
        store.close()


def mme_realworld(root: Path) -> None:
    """Two remote-sensing pictures, one asked about twice, and a row of another subtask; a list in Chinese."""
    for seed, name in enumerate(("03553_Toronto.png", "dota_v2_P5729.png")):
        picture(root / "remote_sensing" / name, seed)
    rows = [
        _mme_row("03553_Toronto.png", "color", "What color is the roof?", ("Yellow", "Blue"), "B"),
        _mme_row("03553_Toronto.png", "count", "How many red cars are there?", ("1", "2"), "A"),
        _mme_row("dota_v2_P5729.png", "position", "Where is the dock?", ("Top left", "Bottom"), "C"),
        _mme_row("chart.png", "diagram", "What is the value?", ("4", "5"), "A", subtask="Diagram and Table"),
    ]
    document(root / "MME_RealWorld.json", rows)
    document(root / "MME_RealWorld_CN.json", rows[:1])


def _mme_row(
    name: str, category: str, text: str, choices: tuple[str, ...], truth: str, *, subtask: str = "Remote Sensing"
) -> dict[str, Any]:
    offered = (*choices, "The image does not feature it.")
    return {
        "Question_id": f"perception/remote_sensing/{category}/0001",
        "Question Type": "Multiple Choice",
        "Image": f"remote_sensing/{name}",
        "Text": text,
        "Answer choices": [f"({letter}) {choice}" for letter, choice in zip("ABC", offered, strict=True)],
        "Ground truth": truth,
        "Task": "Perception",
        "Subtask": subtask,
        "Category": category,
        "Dataset": "dota_v2",
    }


def encoded(seed: int) -> bytes:
    """Return noise as a PNG."""
    content = io.BytesIO()
    Image.fromarray(noise(seed, SIDE, SIDE, 3)).save(content, "PNG")
    return content.getvalue()


def arrow_stream(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as `datasets` does with `save_to_disk`, two to a batch."""
    table = pa.Table.from_pylist(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=2)


def xlrs_rows() -> list[dict[str, Any]]:
    """Two questions about one picture, one with several right letters, and one about a pair."""
    options = ["(A) forest", "(B) harbour", "(C) farmland", "(D) none"]
    asked = (
        ("dota/P5729.png", "What lies beside the river?", "B", "Complex reasoning/Anomaly Detection", 1),
        ("dota/P5729.png", "Which land uses are there?", "C, A", "Land use classification/Overall", 1),
        ("hrscd/14.png", "What changed?", "D", "Spatiotemporal reasoning/Counting with changing detection", 2),
    )
    return [
        {
            "index": index,
            "path": path,
            "question": question,
            "multi-choice options": options,
            "answer": answer,
            "category": category,
            "l2-category": "default",
            "image": [{"bytes": encoded(index * 10 + number), "path": path} for number in range(pictures)],
        }
        for index, (path, question, answer, category, pictures) in enumerate(asked)
    ]


def xlrs_bench(root: Path) -> None:
    """One Arrow shard, as the hub client leaves it."""
    arrow_stream(root / "XLRS-Bench-lite/train/data-00000-of-00001.arrow", xlrs_rows())


def earthdial(root: Path) -> None:
    """VQA as question and groundtruth, training rows as conversations, and a shard of bands, which is left out."""
    vqa = [
        {
            "jpg": {"bytes": encoded(n), "path": None},
            "question": f"Is there {n}?",
            "groundtruth": '"yes"',
            "ttype": "comp",
        }
        for n in range(3)
    ]
    arrow_stream(root / "EarthDial-Dataset/VQA/RSVQA_LR/data-00000-of-00001.arrow", vqa)
    talks = [{"jpg": {"bytes": encoded(7), "path": None}, "conversations": _talk("[caption] [hr_rgb_0.5]", "A quay.")}]
    arrow_stream(root / "EarthDial-Dataset/training_set/NWPU_train/data-00000-of-00001.arrow", talks)
    bands = [{"tif_ms": [[1.0, 2.0]], "question": "Which class?", "groundtruth": "forest"}]
    arrow_stream(root / "EarthDial-Dataset/Classification/LCZs_S2/data-00000-of-00001.arrow", bands)


def conversations(root: Path) -> None:
    """Lists of conversations beside their pictures: two rows about one picture, and one about a pair."""
    for seed, name in enumerate(("images/a.png", "before.png", "after.png")):
        picture(root / name, seed)
    box = "{<10><20><30><60>|<-45>}"
    rows = [
        {"id": "x", "image": "a.png", "conversations": _talk("[vqa]", "airport")},
        {"id": "x", "image": "a.png", "conversations": _talk("[refer] [hr_rgb_0.5]", box)},
    ]
    document(root / "VRSBench_train.json", rows)
    pair = {"images": ["before.png", "after.png"], "conversations": _talk("<image>", "no change")}
    (root / "pairs.jsonl").write_text(json.dumps(pair) + "\n", encoding="utf-8")


def _talk(marks: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": f"<image>\n{marks} What is there?"}, {"from": "gpt", "value": answer}]


TREES_B: dict[str, Callable[[Path], None]] = {
    "ombria": ombria,
    "rsvqa": rsvqa,
    "naip": naip,
    "sen1floods11": sen1floods11,
    "levir-cc": levir_cc,
    "forest-change": forest_change,
    "levir-cd": levir_cd,
    "second": second,
    "s2looking": s2looking,
    "disasterm3": disasterm3,
    "mme-realworld-rs": mme_realworld,
    "xlrs-bench": xlrs_bench,
    "earthdial": earthdial,
    "chatearthnet": chatearthnet,
    "spectralearth": spectralearth,
    "ssl4eo-s12": ssl4eo,
}
"""Registry name to what writes its tree under an empty folder."""
