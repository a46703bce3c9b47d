"""`swath train`: from a configuration file to an encoder folder."""

from ._config import TrainingConfig, default_config, load_config
from ._fine_tune import fine_tune_config
from ._train import Progress, Rehearsal, TrainReport, rehearsal, train

__all__ = [
    "Progress",
    "Rehearsal",
    "TrainReport",
    "TrainingConfig",
    "default_config",
    "fine_tune_config",
    "load_config",
    "rehearsal",
    "train",
]
