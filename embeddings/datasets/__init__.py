"""Published datasets on disk, each as the same kind of samples: to train on, to index and to evaluate."""

from ._registry import DatasetRow, dataset_names, list_datasets, open_dataset

__all__ = ["DatasetRow", "dataset_names", "list_datasets", "open_dataset"]
