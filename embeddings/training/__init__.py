"""`swath train`: from a configuration file to an encoder folder."""

from ._config import TrainingConfig, default_config, load_config
from ._train import Progress, TrainReport, train

__all__ = ["Progress", "TrainReport", "TrainingConfig", "default_config", "load_config", "train"]
