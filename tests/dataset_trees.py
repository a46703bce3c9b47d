"""Small synthetic datasets in the layouts their publishers use, for part of the adapters. No pixel is real."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from affine import Affine
from PIL import Image

from tests.dataset_trees_b import TREES_B, document, noise, picture, raster

PATCH = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57"
S1_PATCH = "S1A_IW_GRDH_1SDV_20170613T165043_33UUP_26_57"
S2_SIDES = {10: ("B02", "B03", "B04", "B08"), 20: ("B05", "B06", "B07", "B8A", "B11", "B12"), 60: ("B01", "B09")}
"""Metres per pixel and the bands that come so."""

CRISIS_KEYS = ("benv2s2_0", "benv2s1_0", "mmflood_0", "quakeset_0")


def aid(root: Path) -> None:
    """Two classes of two pictures."""
    for seed, name in enumerate(
        ("Airport/airport_1", "Airport/airport_2", "BareLand/bareland_1", "BareLand/bareland_2")
    ):
        picture(root / f"{name}.jpg", seed)


def resisc45(root: Path) -> None:
    """The folder of the archive with the published lists beside it."""
    names = {"train": ("airplane/airplane_001", "airport/airport_001"), "val": ("airplane/airplane_002",)}
    _listed(root / "NWPU-RESISC45", "../resisc45-{}.txt", names, ".jpg")


def eurosat(root: Path) -> None:
    """RGB pictures."""
    for seed, name in enumerate(("AnnualCrop/AnnualCrop_1", "Forest/Forest_1")):
        picture(root / "EuroSAT_RGB" / f"{name}.jpg", seed)


def eurosat_ms(root: Path) -> None:
    """Thirteen bands; the lists name them .jpg, as those of torchgeo do."""
    for number, name in enumerate(("AnnualCrop/AnnualCrop_1", "Forest/Forest_1")):
        numbers = 100 * np.arange(1, 14, dtype=np.uint16)[:, None, None] + np.uint16(number)
        raster(root / f"{name}.tif", np.broadcast_to(numbers, (13, 16, 16)).copy())
    (root / "eurosat-train.txt").write_text("AnnualCrop_1.jpg\n", encoding="utf-8")
    (root / "eurosat-test.txt").write_text("Forest_1.jpg\n", encoding="utf-8")


def ucmerced(root: Path) -> None:
    """TIFF pictures in Images/."""
    names = {"train": ("agricultural/agricultural00",), "test": ("airplane/airplane00",)}
    _listed(root / "Images", "../uc_merced-{}.txt", names, ".tif")


def pictures(root: Path) -> None:
    """Class folders below split folders; one name occurs with two endings."""
    for seed, name in enumerate(("train/sea/1.jpg", "train/sea/1.png", "train/Forêt/1.jpg", "val/sea/9.jpg")):
        picture(root / name, seed)


def _listed(folder: Path, listing: str, names: Mapping[str, Sequence[str]], ending: str) -> None:
    for split, members in names.items():
        for seed, member in enumerate(members):
            picture(folder / f"{member}{ending}", seed)
        text = "".join(f"{Path(member).name}{ending}\n" for member in members)
        (folder / listing.format(split)).write_text(text, encoding="utf-8")


def millionaid(root: Path) -> None:
    """Classes two and three levels deep, and test pictures without labels."""
    for seed, name in enumerate(
        ("train/agriculture_land/arable_land/dry_field/P01", "train/water_area/lake/P02", "test/P03")
    ):
        picture(root / f"{name}.jpg", seed)


def captions(root: Path) -> None:
    """Records with and without label, split and sentences."""
    records = [
        {"image": "images/a.jpg", "label": "airport", "split": "train", "captions": ["Two  planes .", "Planes ."]},
        {"file_name": "images/b.jpg", "text": "a river .", "split": "val"},
        {"image": "images/a.png"},
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    root.mkdir(parents=True, exist_ok=True)
    (root / "captions.jsonl").write_text(lines, encoding="utf-8")
    for seed, name in enumerate(("a.jpg", "b.jpg", "a.png")):
        picture(root / "images" / name, seed)


def _karpathy(root: Path, document_name: str, folder: str, ending: str) -> None:
    images = []
    for number, split in enumerate(("train", "train", "val", "test")):
        filename = f"{number:05d}{ending}"
        picture(root / folder / filename, number)
        raws = (f" picture {number} shows a river .", "many trees .")
        images.append(
            {"filename": filename, "split": split, "sentences": [{"raw": raw, "tokens": raw.split()} for raw in raws]}
        )
    document(root / document_name, {"images": images, "dataset": "made"})


def rsicd(root: Path) -> None:
    """Karpathy's JSON."""
    _karpathy(root, "dataset_rsicd.json", "RSICD_images", ".jpg")


def rsitmd(root: Path) -> None:
    """Karpathy's JSON."""
    _karpathy(root, "dataset_RSITMD.json", "images", ".tif")


def sydney(root: Path) -> None:
    """Karpathy's JSON."""
    _karpathy(root, "dataset.json", "imgs", ".tif")


def ucm_lines(root: Path) -> None:
    """Line files; in the verified ones a picture is named once for each of its sentences."""
    folder = root / "ucm_precomp"
    folder.mkdir(parents=True)
    lists = {
        "train": (["1.tif", "2.tif"], 2, ""),
        "train ": (["1.tif", "1.tif"], 1, "_verify"),
        "val": (["2.tif", "2.tif"], 1, "_verify"),
        "test": (["3.tif"], 2, ""),
    }
    for split, (names, each, ending) in lists.items():
        texts = [f"sentence {number} of {name} ." for name in names for number in range(each)]
        (folder / f"{split.strip()}_filename{ending}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
        (folder / f"{split.strip()}_caps{ending}.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    for number in (1, 2, 3):
        picture(root / "imgs" / f"{number}.tif", number)


def skyscript(root: Path) -> None:
    """Two splits; two pictures of the first object."""
    tables = {
        "train_top30pct_filtered_by_CLIP_openai": ("images2/a198234555_CH_19.jpg", "images2/a198234555_US_20.jpg"),
        "test_30K_filtered_by_CLIP_openai": ("images3/w17_S2_21.jpg",),
    }
    for name, paths in tables.items():
        root.mkdir(parents=True, exist_ok=True)
        with (root / f"SkyScript_{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["filepath", "title", "title_multi_objects"])
            writer.writerows([path, "a stadium, for soccer", "a stadium, next to a road"] for path in paths)
        for seed, path in enumerate(paths):
            picture(root / path, seed)


def shard(path: Path, members: Sequence[tuple[str, bytes]]) -> None:
    """Write a tar."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def encoded(seed: int, kind: str) -> bytes:
    """Return a picture of noise as the bytes of a file."""
    buffer = io.BytesIO()
    Image.fromarray(noise(seed, 16, 16, 3)).save(buffer, kind)
    return buffer.getvalue()


def rsteller(root: Path) -> None:
    """Two shards; both patches of the first come from one NAIP image."""
    for number, keys in enumerate((("607", "608"), ("609",))):
        members = []
        for key in keys:
            texts = (f"A road crosses patch {key}.", "The image reveals a road.")
            record = {
                "metadata": {"patch_id": int(key), "image_name": f"m_410750{number}_ne_18_060_20221108"},
                "annotations": [{"task": task, "text": text} for task, text in zip((2, 3), texts, strict=True)],
            }
            members += [
                (f"{key}.jpg", encoded(int(key), "JPEG")),
                (f"{key}.json", json.dumps(record).encode()),
                (f"{key}.txt", "\n".join(texts).encode()),
            ]
        shard(root / f"Patches{number:04d}.tar", members)


def gaia(root: Path) -> None:
    """One shard a split, as img2dataset writes it."""
    for number, split in enumerate(("train", "test", "val")):
        record = {
            "id": number,
            "captions": ["Smoke over a forest.", "A fire burns."],
            "caption": "alt",
            "status": "success",
        }
        shard(
            root / split / "00000.tar",
            [
                ("000000000.json", json.dumps(record).encode()),
                ("000000000.png", encoded(number, "PNG")),
                ("000000000.txt", b"alt"),
            ],
        )


def bigearthnet(root: Path) -> None:
    """One pair; the bands of 20 and 60 m have fewer pixels."""
    s2 = root / "BigEarthNet-S2" / PATCH.rsplit("_", 2)[0] / PATCH
    for metres, bands in S2_SIDES.items():
        side = 1200 // metres
        for band in bands:
            pixels = np.full((1, side, side), 100 * int(band[1:].replace("8A", "88")), np.uint16)
            raster(s2 / f"{PATCH}_{band}.tif", pixels, transform=Affine(metres, 0, 400_000, 0, -metres, 4_600_000))
    s1 = root / "BigEarthNet-S1" / S1_PATCH.rsplit("_", 3)[0] / S1_PATCH
    for value, band in ((-9.5, "VV"), (-16.5, "VH")):
        raster(s1 / f"{S1_PATCH}_{band}.tif", np.full((1, 120, 120), value, np.float32))
    codes = root / "Reference_Maps" / PATCH.rsplit("_", 2)[0] / PATCH / f"{PATCH}_reference_map.tif"
    raster(codes, np.full((1, 120, 120), 312, np.uint16))
    labels = [["Coniferous forest", "Inland waters"]]
    columns = {"patch_id": [PATCH], "labels": labels, "split": ["train"], "country": ["Austria"], "s1_name": [S1_PATCH]}
    pq.write_table(pa.table(columns), root / "metadata.parquet")


def crisislandmark(root: Path) -> None:
    """One key of four sources, in a shard that the main file links to."""
    import h5py

    root.mkdir(parents=True, exist_ok=True)
    images = {
        "benv2s2_0": np.full((12, 120, 120), 1234, np.float32),
        "benv2s1_0": np.stack([np.full((120, 120), -17.0), np.full((120, 120), -10.0)]).astype(np.float32),
        "mmflood_0": np.stack([np.full((120, 120), 0.1), np.full((120, 120), 0.01)]).astype(np.float32),
        "quakeset_0": np.stack([np.full((120, 120), 0.1 * number) for number in (1, 2, 3, 4)]).astype(np.float32),
    }
    images["mmflood_0"][:, 0, 0] = np.nan
    x, y = np.meshgrid(400_005 + 10.0 * np.arange(120), 4_599_995 - 10.0 * np.arange(120))
    with h5py.File(root / "shard_0.h5", "w") as file, h5py.File(root / "crisislandmark.h5", "w") as main:
        for key, image in images.items():
            group = file.create_group(key)
            group.create_dataset("image", data=image, compression="gzip")
            group.create_dataset("coords", data=np.stack([x, y]).astype(np.float32))
            group.attrs["crs"], group.attrs["timestamp"] = np.float32(32630), "2020-06-01T10:00:00"
            main[key] = h5py.ExternalLink("shard_0.h5", f"/{key}")
    splits = ["training", "corpus", "corpus", "corpus"]
    columns = {"key": list(images), "split": splits, "labels": [["Arable land", "Flood"]] * len(images)}
    pq.write_table(pa.table(columns), root / "metadata.parquet")


def terramind(root: Path) -> None:
    """Two sites: what was added to their Sentinel-2 numbers is nothing in the first and both in the second."""
    random = np.random.default_rng(0)
    for site, l1c_added, l2a_added in (("38D_378R_2_3", 0, 0), ("433D_629L_3_1", 1000, 1000)):
        l1c = random.integers(200, 3000, (13, 16, 16))
        l1c[10] = random.integers(5, 60, (16, 16))
        l2a = np.delete(l1c, 10, axis=0) + 100
        codes = np.full((1, 16, 16), 2, np.uint8)
        codes[0, :4], codes[0, 4] = 1, 5
        raster(root / "S1RTC" / f"{site}.tif", random.normal(-12, 3, (2, 16, 16)))
        raster(root / "S2L1C" / f"{site}.tif", (l1c + l1c_added).astype(np.int16))
        raster(root / "S2L2A" / f"{site}.tif", (l2a + l2a_added).astype(np.int16))
        raster(root / "S2RGB" / f"{site}.tif", noise(1, 3, 16, 16), photometric="RGB")
        raster(root / "LULC" / f"{site}.tif", codes)
        _tag(root / "S2RGB" / f"{site}.tif", datetime="2020-04-08T14:37:29.000000000")


def _tag(path: Path, **tags: str) -> None:
    import rasterio

    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(**tags)


def dsn(root: Path) -> None:
    """Chips of both polarisations, and a ship whose name tells neither."""
    names = (
        "slc_data/forest/forest_BBE7_HH_33422_15718.png",
        "slc_data/forest/forest_EBAD_HH_1_2.png",
        "slc_TSX/ships/ships_TSX_1550_HH_1165_3353.png",
        "slc_TSX/residential/residential_TSX_3142_VV_1201_4593.png",
        "slc_OpenSARShip/tanker/Other Type_x13666_y8425.png",
    )
    for seed, name in enumerate(names):
        picture(root / name, seed, gray=True)


TREES: dict[str, Callable[[Path], Any]] = {
    "aid": aid,
    "resisc45": resisc45,
    "eurosat": eurosat,
    "ucmerced": ucmerced,
    "pictures": pictures,
    "millionaid": millionaid,
    "captions": captions,
    "rsicd": rsicd,
    "rsitmd": rsitmd,
    "ucm-captions": ucm_lines,
    "sydney-captions": sydney,
    "skyscript": skyscript,
    "rsteller": rsteller,
    "gaia": gaia,
    "crisislandmark": crisislandmark,
    "bigearthnet": bigearthnet,
    "terramind": terramind,
    "dsn-sar": dsn,
    **TREES_B,
}
"""Registry name to what writes its tree under an empty folder."""
