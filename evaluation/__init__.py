"""Protocols, metrics, dataset adapters and reports."""

from ._class_retrieval import PROTOCOL, evaluate_class_retrieval
from ._dataset import LabelledPicture, LabelledPictures, load_labelled_pictures, read_tile
from ._metrics import bootstrap_interval, chance_of_hit, hit_at_k, precision_at_k
from ._report import Figure, Report

__all__ = [
    "PROTOCOL",
    "Figure",
    "LabelledPicture",
    "LabelledPictures",
    "Report",
    "bootstrap_interval",
    "chance_of_hit",
    "evaluate_class_retrieval",
    "hit_at_k",
    "load_labelled_pictures",
    "precision_at_k",
    "read_tile",
]
