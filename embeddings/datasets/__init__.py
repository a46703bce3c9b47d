"""Published datasets on disk, each as the same kind of samples: to train on, to index and to evaluate."""

from ._notes import CAPTIONS_FILE, Note, read_notes
from ._registry import dataset_names, open_dataset

__all__ = [
    "CAPTIONS_FILE",
    "Note",
    "dataset_names",
    "open_dataset",
    "read_notes",
]
