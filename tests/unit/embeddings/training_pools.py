"""Small pools without files, for tests of the training."""

import dataclasses

import torch

from embeddings.training._config import TrainingConfig
from embeddings.training._encoder import SwathMini
from embeddings.training._loop import Trainer
from embeddings.training._network import Network
from embeddings.training._pools import Pool, Split
from embeddings.training._tables import LossConfig, OptimiserConfig, PoolConfig
from embeddings.training._text import PoolRows, SentenceTable
from embeddings.training._towers import normal_optical, normal_radar

SENTENCES = 30
PAIRS = PoolConfig(
    name="pairs", dataset="none", root="none", optical=("s2",), radar=("s1",), side=32, batch=4, pair=1.0, label=0.3
)
COLOURS = PoolConfig(
    name="colours", dataset="none", root="none", optical=("image",), side=32, batch=6, label=0.7, image=0.5
)
CONFIG = TrainingConfig(
    name="tiny",
    pools=(COLOURS, PAIRS),
    threads=1,
    seed=5,
    start="fresh",
    size=32,
    loss=LossConfig(queue=6),
    optimiser=OptimiserConfig(steps=5, size=32, evaluate_every=5, save_every=2),
)


class SmallTower(torch.nn.Module):
    """One convolution with batch normalisation and a head."""

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.stem = torch.nn.Sequential(torch.nn.Conv2d(planes, 8, 3, 4), torch.nn.BatchNorm2d(8), torch.nn.ReLU())
        self.head = torch.nn.Linear(8, 384)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.head(self.stem(x).mean(dim=(2, 3)))
        return features


class SmallNetwork(Network):
    """Two such towers behind the normalisation of swath-mini."""

    def __init__(self) -> None:
        super().__init__(SmallTower(12), SmallTower(2), 384)

    def normal_optical(self, planes: torch.Tensor) -> torch.Tensor:
        return normal_optical(planes)

    def normal_radar(self, planes: torch.Tensor) -> torch.Tensor:
        return normal_radar(planes)


class SmallEncoder(SwathMini):
    """A third implementation of what the loop needs, fast enough for tests."""

    def build(self) -> Network:
        network = SmallNetwork()
        if self._config.location.weight:
            network.add_location(self._config.location.width, self._config.location.degrees)
        return network


def small_trainer(config: TrainingConfig | None = None, *, kind: type[Trainer] = Trainer) -> Trainer:
    """Return a run on the small pools."""
    made = small_run(config or CONFIG)
    return kind(*made, SmallEncoder(made[0]))


def small_pool(config: PoolConfig, count: int, classes: int, *, bands: int = 3) -> Pool:
    """Return a pool of random planes, drawn from its name."""
    draw = torch.Generator().manual_seed(len(config.name))
    shape = (count, bands, config.side, config.side)
    light = torch.randint(1, 255, shape, dtype=torch.uint8, generator=draw) if config.optical else None
    echo = torch.randint(1, 255, (count, 2, *shape[2:]), dtype=torch.uint8, generator=draw) if config.radar else None
    return Pool(
        config=config,
        optical=light,
        radar=echo,
        captions=tuple((f"caption {index}",) for index in range(count)),
        shares=torch.eye(classes)[torch.arange(count) % classes],
        names=tuple(f"class {index}" for index in range(classes)),
        groups=tuple(f"group {index}" for index in range(count)),
        places=tuple(f"place {index // 2}" for index in range(count)),
        centroids=torch.full((count, 2), float("nan")),
        fingerprint=config.name,
    )


def small_table(pools: list[Pool]) -> SentenceTable:
    """Return random sentence vectors for pools, once as learned from and once as held out."""
    draw = torch.Generator().manual_seed(2)
    vectors = torch.nn.functional.normalize(torch.randn(SENTENCES, 384, generator=draw), dim=1)
    rows = [
        PoolRows(
            captions=torch.randint(0, SENTENCES, (len(pool), 2), generator=draw),
            names=torch.randint(0, SENTENCES, (1, pool.shares.shape[1]), generator=draw),
        )
        for pool in pools
    ]
    return SentenceTable(vectors=vectors, rows=(*rows, *rows))


def small_run(config: TrainingConfig = CONFIG) -> tuple[TrainingConfig, list[Split], SentenceTable]:
    """Return what a Trainer takes: one pool of colours, one of pairs, whose items are held out as well."""
    made = [small_pool(config.pools[0], 14, 3), small_pool(config.pools[1], 10, 2, bands=12)]
    return config, [Split(train=pool, val=pool) for pool in made], small_table(made)


def with_optimiser(config: TrainingConfig = CONFIG, **changes: object) -> TrainingConfig:
    """Return a configuration with other optimiser settings."""
    optimiser = dataclasses.replace(config.optimiser, **changes)  # type: ignore[arg-type]  # named by the tests
    return dataclasses.replace(config, optimiser=optimiser)
