"""Published datasets on disk, each as the same kind of samples: to train on, to index and to evaluate."""

from ._notes import CAPTIONS_FILE, Note, read_notes
from ._registry import DatasetRow, dataset_names, list_datasets, open_dataset

__all__ = [
    "CAPTIONS_FILE",
    "DatasetRow",
    "Note",
    "dataset_names",
    "list_datasets",
    "open_dataset",
    "read_notes",
]
