"""Names to dataset adapters. A new dataset is one module and one row here, or an entry point `swath.datasets`.

An adapter is a callable `adapter(name, root)` that checks the layout and returns a `core.Dataset`; one adapter may
serve several names. They stand here, under training, because training, indexing and evaluation all read them.
"""

from __future__ import annotations

from pathlib import Path

from core import Dataset, InputError, Registry

BUILT_IN = {
    # class folders
    "aid": "embeddings.datasets._class_folders:open_class_folders",
    "resisc45": "embeddings.datasets._class_folders:open_class_folders",
    "eurosat": "embeddings.datasets._class_folders:open_class_folders",
    "ucmerced": "embeddings.datasets._class_folders:open_class_folders",
    "pictures": "embeddings.datasets._class_folders:open_class_folders",
    "millionaid": "embeddings.datasets._millionaid:open_millionaid",
    # pictures with sentences
    "captions": "embeddings.datasets._listing:open_listing",
    "rsicd": "embeddings.datasets._captions:open_captions",
    "rsitmd": "embeddings.datasets._captions:open_captions",
    "ucm-captions": "embeddings.datasets._captions:open_captions",
    "sydney-captions": "embeddings.datasets._captions:open_captions",
    "skyscript": "embeddings.datasets._skyscript:open_skyscript",
    "rsteller": "embeddings.datasets._webdataset:open_webdataset",
    "gaia": "embeddings.datasets._webdataset:open_webdataset",
    "chatearthnet": "embeddings.datasets._chatearthnet:open_chatearthnet",
    # several sensors
    "crisislandmark": "embeddings.datasets._crisislandmark:open_crisislandmark",
    "bigearthnet": "embeddings.datasets._bigearthnet:open_bigearthnet",
    "ssl4eo-s12": "embeddings.datasets._ssl4eo:open_ssl4eo",
    "spectralearth": "embeddings.datasets._spectralearth:open_spectralearth",
    "ombria": "embeddings.datasets._ombria:open_ombria",
    "sen1floods11": "embeddings.datasets._sen1floods11:open_sen1floods11",
    "terramind": "embeddings.datasets._terramind:open_terramind",
    "dsn-sar": "embeddings.datasets._dsn:open_dsn",
    "naip": "embeddings.datasets._naip:open_naip",
    # before and after
    "levir-cc": "embeddings.datasets._change_captions:open_change_captions",
    "forest-change": "embeddings.datasets._change_captions:open_change_captions",
    "levir-cd": "embeddings.datasets._change_masks:open_change_masks",
    "second": "embeddings.datasets._change_masks:open_change_masks",
    "s2looking": "embeddings.datasets._change_masks:open_change_masks",
    "disasterm3": "embeddings.datasets._disasterm3:open_disasterm3",
    # questions
    "rsvqa": "embeddings.datasets._rsvqa:open_rsvqa",
    "mme-realworld-rs": "embeddings.datasets._mme_realworld:open_mme_realworld",
    "xlrs-bench": "embeddings.datasets._xlrs_bench:open_xlrs_bench",
    "earthdial": "embeddings.datasets._earthdial:open_earthdial",
    # made, not measured
    "synthetic-world": "demo._dataset:open_synthetic_world",
}
DATASETS = Registry("dataset", BUILT_IN, group="swath.datasets")


def open_dataset(name: str, root: Path) -> Dataset:
    """Open a dataset on disk; lists files, reads no pixels.

    Args:
        name: A registered name, e.g. `eurosat`.
        root: Folder of the dataset.

    Raises:
        UnknownNameError: There is no such adapter; the message lists the known ones.
        InputError: The folder is missing or laid out otherwise; the message shows the expected tree.
    """
    adapter = DATASETS.resolve(name)
    if not root.is_dir():
        raise InputError(f"no folder at {root} to read {name} from")
    dataset: Dataset = adapter(name, root)
    return dataset


def dataset_names() -> tuple[str, ...]:
    """Every name that `open_dataset` takes."""
    return DATASETS.names()
